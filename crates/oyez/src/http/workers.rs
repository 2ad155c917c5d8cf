//! `/api/v1/workers` and the reports of a worker: anybody who speaks HTTP can do the work. All of it takes the scope
//! `jobs`.

mod report;

use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    QueueName,
    api::{
        page::Page,
        workers::{ClaimAnswer, ClaimRequest, ClaimedJob, MAX_CLAIM, MAX_WAIT_SECONDS, WorkerView},
    },
};

use super::{
    Http,
    access::Caller,
    body::Json,
    endpoint::{Access, Endpoint, Endpoints},
    jobs::{raw, step_view},
    json,
    refusal::{Answer, Refusal},
};
use crate::{
    auth::Scope,
    jobs::{Begun, Wanted},
};

/// Most queues, and most kinds, that one claim may name.
const MAX_NAMES: usize = 100;
/// What a long poll leaves of the request's time limit for the claim itself.
const MARGIN: Duration = Duration::from_secs(1);

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let table = table
        .add(
            Endpoint::post("/api/v1/workers/claim", "workers", "Take jobs to do")
                .describe(
                    "Waits up to `wait` seconds for the first one, and answers an empty list when that was in vain. \
                     Each job is the worker's for `lease_seconds`; every report renews the lease. Steps that earlier \
                     attempts finished come along with their results: do not do them again.",
                )
                .access(Access::Scope(Scope::Jobs))
                .body::<ClaimRequest>()
                .answers::<ClaimAnswer>(200, "The jobs, now this worker's."),
            claim,
        )
        .add(
            Endpoint::get("/api/v1/workers", "workers", "List workers")
                .describe(
                    "Those that have a job, on any node, and those that asked this node for one within the last five \
                     minutes.",
                )
                .access(Access::Scope(Scope::Jobs))
                .answers_page::<WorkerView>("Workers, by name."),
            list,
        );
    report::endpoints(table)
}

async fn claim(State(state): State<Http>, caller: Caller, Json(request): Json<ClaimRequest>) -> Answer {
    caller.require(Scope::Jobs)?;
    let (wanted, wait) = wanted(&request)?;
    state.jobs().asked(&wanted.worker, &wanted.queues, wanted.kinds.as_deref());
    let longest = state.request_timeout().saturating_sub(MARGIN);
    let claiming = state.jobs().claim(&wanted, wait.min(longest));
    let begun = tokio::select! {
        begun = claiming => begun?,
        // The node goes down: whoever waits asks another one, or comes back.
        () = state.drains() => Vec::new(),
    };
    let lease = state.jobs().lease();
    let jobs = begun.into_iter().map(|begun| claimed(begun, lease)).collect();
    Ok(json(StatusCode::OK, &ClaimAnswer { jobs }))
}

fn wanted(request: &ClaimRequest) -> Result<(Wanted, Duration), Refusal> {
    let limit = request.max.unwrap_or(1);
    if !(1..=MAX_CLAIM).contains(&limit) {
        return Err(Refusal::at("max", format!("\"max\" is {limit}: it must be 1 to {MAX_CLAIM}")));
    }
    let wait = request.wait.unwrap_or(0.0);
    if !(0.0..=MAX_WAIT_SECONDS).contains(&wait) {
        return Err(Refusal::at(
            "wait",
            format!("\"wait\" is {wait}: it must be 0 to {MAX_WAIT_SECONDS} seconds"),
        ));
    }
    for (field, count) in [("queues", request.queues.len()), ("kinds", request.kinds.len())] {
        if count > MAX_NAMES {
            return Err(Refusal::at(field, format!("\"{field}\" may name {MAX_NAMES} at most, not {count}")));
        }
    }
    let queues = if request.queues.is_empty() { vec![QueueName::default()] } else { request.queues.clone() };
    let kinds = (!request.kinds.is_empty()).then(|| request.kinds.clone());
    let wanted = Wanted { worker: request.worker.clone(), queues, kinds, limit };
    Ok((wanted, Duration::from_secs_f64(wait)))
}

fn claimed(begun: Begun, lease: Duration) -> ClaimedJob {
    let job = begun.job;
    ClaimedJob {
        id: job.id,
        kind: job.kind,
        queue: job.queue,
        attempt: job.attempt,
        max_attempts: job.max_attempts,
        args: raw(&job.args),
        data: raw(&job.data),
        user: job.user,
        steps: begun.steps.into_iter().map(step_view).collect(),
        lease_seconds: lease.as_secs_f64(),
        timeout_seconds: job.timeout.as_ref().map(Duration::as_secs_f64),
        cancel: job.cancel_requested_at.is_some(),
    }
}

async fn list(State(state): State<Http>, caller: Caller) -> Answer {
    caller.require(Scope::Jobs)?;
    let workers = state.jobs().workers().await?;
    Ok(json(StatusCode::OK, &Page { data: workers, next_cursor: None }))
}
