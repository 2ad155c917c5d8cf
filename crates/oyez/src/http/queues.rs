//! `/api/v1/queues`: what waits where, and how fast it may leave. All of it takes the scope `jobs`.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use http::StatusCode;
use oyez_core::{job::JobState, queue::QueueSettings};
use oyez_protocol::{
    JobKind, QueueName,
    api::{
        page::Page,
        queues::{KindDepth, QueuePatch, QueueView, RateRequest},
    },
};

use super::{
    Http,
    access::Caller,
    body::{Json, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    refusal::Answer,
};
use crate::{auth::Scope, jobs::Overview};

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let access = Access::Scope(Scope::Jobs);
    table
        .add(
            Endpoint::get("/api/v1/queues", "queues", "List queues")
                .describe("Those that hold jobs, and those that anything was set for.")
                .access(access)
                .answers_page::<QueueView>("Queues, by name."),
            list,
        )
        .add(
            Endpoint::get("/api/v1/queues/{name}", "queues", "Read a queue")
                .describe("A queue need not be made: one that nobody has used yet is empty and without limits.")
                .access(access)
                .answers::<QueueView>(200, "The queue."),
            one,
        )
        .add(
            Endpoint::patch("/api/v1/queues/{name}", "queues", "Hold, let go or limit a queue")
                .describe(
                    "What is absent stays; null lifts a limit. `concurrency` counts on all nodes together. What runs \
                     goes on.",
                )
                .access(access)
                .body::<QueuePatch>()
                .answers::<QueueView>(200, "The queue as it is now."),
            patch,
        )
}

async fn list(State(state): State<Http>, caller: Caller) -> Answer {
    caller.require(Scope::Jobs)?;
    let overview = state.jobs().overview().await?;
    let waiting = overview.depths.iter().map(|depth| &depth.queue);
    let names: BTreeSet<&QueueName> = overview.settings.keys().chain(waiting).collect();
    let queues = names.into_iter().map(|name| view(name, &overview)).collect();
    Ok(json(StatusCode::OK, &Page { data: queues, next_cursor: None }))
}

async fn one(State(state): State<Http>, caller: Caller, Segments(name): Segments<QueueName>) -> Answer {
    caller.require(Scope::Jobs)?;
    let overview = state.jobs().overview().await?;
    Ok(json(StatusCode::OK, &view(&name, &overview)))
}

async fn patch(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<QueueName>,
    Json(patch): Json<QueuePatch>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    state.jobs().patch_queue(&name, &patch).await?;
    let overview = state.jobs().overview().await?;
    Ok(json(StatusCode::OK, &view(&name, &overview)))
}

fn view(name: &QueueName, overview: &Overview) -> QueueView {
    let QueueSettings { paused, concurrency, rate } =
        overview.settings.get(name).copied().unwrap_or_default();
    let rate = rate.map(|rate| RateRequest { count: rate.count, period: rate.period.as_secs_f64() });
    let depths = overview.depths.iter().filter(|depth| depth.queue == *name);
    let oldest_waiting = depths.clone().filter_map(|depth| depth.oldest).min();
    let mut kinds: BTreeMap<&JobKind, KindDepth> = BTreeMap::new();
    for depth in depths {
        let kind = kinds.entry(&depth.kind).or_insert_with(|| KindDepth {
            kind: depth.kind.clone(),
            available: 0,
            scheduled: 0,
            running: 0,
            retryable: 0,
            oldest_waiting: None,
        });
        match depth.state {
            JobState::Available => (kind.available, kind.oldest_waiting) = (depth.jobs, depth.oldest),
            JobState::Scheduled => kind.scheduled = depth.jobs,
            JobState::Running => kind.running = depth.jobs,
            JobState::Retryable => kind.retryable = depth.jobs,
            JobState::Completed | JobState::Cancelled | JobState::Discarded => {}
        }
    }
    let kinds = kinds.into_values().collect();
    QueueView { name: name.clone(), paused, concurrency, rate, kinds, oldest_waiting }
}
