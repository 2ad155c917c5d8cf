//! `/api/v1/jobs`: applications ask for work, and everybody sees what became of theirs.
//!
//! Users see their own jobs and may call them off; all else takes the scope `jobs`. `read` shows, `change` calls off
//! and retries, `watch` follows one job live.

mod change;
mod read;
mod view;
mod watch;

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use oyez_protocol::{
    ErrorCode,
    api::{
        jobs::{
            AttemptView, BulkAnswer, BulkRequest, JobAccepted, JobBatchAnswer, JobBatchRequest,
            JobBatchResult, JobChanged, JobRequest, JobView, MAX_BULK, StepView, TrackRequest, Tracked,
        },
        problem::Problem,
    },
};

use super::{
    Http,
    access::Caller,
    body::Json,
    endpoint::{Access, Endpoint, Endpoints},
    idempotency, json,
    refusal::{Answer, Refusal},
};
use crate::auth::Scope;

pub(super) use view::{raw, step_view};

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let (application, owner) = (Access::Scope(Scope::Jobs), Access::JobsOrOwner);
    let table = table
        .add(
            Endpoint::post("/api/v1/jobs", "jobs", "Ask for a job")
                .describe(
                    "Answered 201 when it is on disk; a worker that waits for such work has it at once. 200 with \
                     `created: false`: a `unique_key` or an idempotency key found a job that is there already.\n\n\
                     With a `user`, the job's frames reach their live connections, and its end lands in their inbox.",
                )
                .access(application)
                .idempotent()
                .body::<JobRequest>()
                .answers::<JobAccepted>(201, "It is on disk.")
                .refuses(&[ErrorCode::ReservedKey]),
            enqueue,
        )
        .add(
            Endpoint::post("/api/v1/jobs/batch", "jobs", "Ask for up to 1,000 jobs")
                .describe(
                    "Each is checked on its own; all that pass are written in one transaction. `results` has one \
                     entry per job, in their order.",
                )
                .access(application)
                .body::<JobBatchRequest>()
                .answers::<JobBatchAnswer>(201, "What became of each."),
            enqueue_batch,
        )
        .add(
            Endpoint::post("/api/v1/jobs/track", "jobs", "Track work that runs elsewhere")
                .describe(
                    "It counts as running from now on, and reports like a worker's job: `…/progress`, `…/step`, \
                     `…/complete`, `…/fail`. Whoever is silent for longer than `silence` is taken for lost. With a \
                     `key` a reporter need not remember the id: while that work runs, the call answers 200 with the \
                     same job.",
                )
                .access(application)
                .idempotent()
                .body::<TrackRequest>()
                .answers::<Tracked>(201, "It is tracked.")
                .refuses(&[ErrorCode::ReservedKey]),
            track,
        )
        .add(
            Endpoint::get("/api/v1/jobs", "jobs", "List jobs")
                .describe("Newest first. Users see their own.")
                .access(owner)
                .query(
                    "state",
                    "`available`, `scheduled`, `running`, `retryable`, `completed`, `cancelled` or `discarded`",
                )
                .query("kind", "Only this kind.")
                .query("queue", "Only this queue.")
                .query("user", "Only this user's.")
                .paged()
                .answers_page::<JobView>("Jobs, newest first."),
            read::list,
        );
    let table = table
        .add(
            Endpoint::get("/api/v1/jobs/{id}", "jobs", "Read a job")
                .access(owner)
                .answers::<JobView>(200, "The job."),
            read::one,
        )
        .add(
            Endpoint::get("/api/v1/jobs/{id}/steps", "jobs", "List a job's steps")
                .access(owner)
                .answers_page::<StepView>("Steps, in the order they began."),
            read::steps,
        )
        .add(
            Endpoint::get("/api/v1/jobs/{id}/attempts", "jobs", "List a job's attempts")
                .access(owner)
                .answers_page::<AttemptView>("Attempts, the first one first."),
            read::attempts,
        )
        .add(
            Endpoint::get("/api/v1/jobs/{id}/watch", "jobs", "Watch a job")
                .describe(
                    "Server-sent events: first the frame that says where the job is, then each newer one, and with \
                     its end the stream ends. Frames are those of the owner's live stream. `EventSource` comes back \
                     after the end once, and is told with 204 to stay away.",
                )
                .access(owner)
                .query("ticket", "A single-use ticket of the user, for pages without a token.")
                .query("token", "A JWT, for clients that can set no headers.")
                .answers_text("text/event-stream", "The job's frames."),
            watch::watch,
        );
    table
        .add(
            Endpoint::post("/api/v1/jobs/{id}/cancel", "jobs", "Call a job off")
                .describe(
                    "One that waits is cancelled at once. A running one is asked to stop: its worker hears of it with \
                     its next report, and the job stays `running` until then.",
                )
                .access(owner)
                .answers::<JobChanged>(200, "Its state now.")
                .refuses(&[ErrorCode::JobFinal]),
            change::cancel,
        )
        .add(
            Endpoint::post("/api/v1/jobs/{id}/retry", "jobs", "Run a job again")
                .describe(
                    "One that has ended, or waits for its time. It gets one more attempt at least; steps that were \
                     finished stay so.",
                )
                .access(application)
                .answers::<JobChanged>(200, "Its state now.")
                .refuses(&[ErrorCode::JobUnfinished, ErrorCode::Conflict]),
            change::retry,
        )
        .add(
            Endpoint::post("/api/v1/jobs/cancel", "jobs", "Call many jobs off")
                .access(application)
                .body::<BulkRequest>()
                .answers::<BulkAnswer>(200, "How many were cancelled or asked to stop."),
            change::cancel_many,
        )
        .add(
            Endpoint::post("/api/v1/jobs/retry", "jobs", "Run many jobs again")
                .describe(
                    "Those that match and ended badly, or were cancelled; with `state: \"retryable\"`, those that wait \
                     for their next attempt have it now.",
                )
                .access(application)
                .body::<BulkRequest>()
                .answers::<BulkAnswer>(200, "How many are available again."),
            change::retry_many,
        )
}

async fn enqueue(
    State(state): State<Http>,
    caller: Caller,
    headers: HeaderMap,
    Json(mut request): Json<JobRequest>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    let key = idempotency::of_header(&headers)?;
    request.idempotency_key = idempotency::merge(key, request.idempotency_key)?;
    let accepted = state.jobs().enqueue(&request, &scope(&caller)).await?;
    Ok(json(created(accepted.created), &accepted))
}

async fn enqueue_batch(
    State(state): State<Http>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<JobBatchRequest>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    let mut jobs = request.jobs;
    if jobs.is_empty() || jobs.len() > MAX_BULK {
        let detail = format!("\"jobs\" must hold 1 to {MAX_BULK} jobs, not {}", jobs.len());
        return Err(Refusal::at("jobs", detail));
    }
    if let Some(key) = idempotency::of_header(&headers)? {
        // One key for the batch is one key for each of its places.
        for (place, job) in jobs.iter_mut().enumerate() {
            job.idempotency_key.get_or_insert_with(|| format!("{key}/{place}"));
        }
    }
    let results = state.jobs().enqueue_batch(&jobs, &scope(&caller)).await?;
    let results = results.into_iter().map(|result| match result {
        Ok(accepted) => JobBatchResult::Accepted(accepted),
        Err(refused) => {
            let error: Problem = *Refusal::from(refused).problem;
            JobBatchResult::Refused { error }
        }
    });
    Ok(json(StatusCode::CREATED, &JobBatchAnswer { results: results.collect() }))
}

async fn track(
    State(state): State<Http>,
    caller: Caller,
    headers: HeaderMap,
    Json(mut request): Json<TrackRequest>,
) -> Answer<Response> {
    caller.require(Scope::Jobs)?;
    let key = idempotency::of_header(&headers)?;
    request.idempotency_key = idempotency::merge(key, request.idempotency_key)?;
    let tracked = state.jobs().track(&request, &scope(&caller)).await?;
    Ok(json(created(tracked.created), &tracked))
}

fn created(created: bool) -> StatusCode {
    if created { StatusCode::CREATED } else { StatusCode::OK }
}

/// Keeps a caller's keys for jobs apart from those for notifications.
fn scope(caller: &Caller) -> String {
    format!("jobs:{}", caller.scope())
}
