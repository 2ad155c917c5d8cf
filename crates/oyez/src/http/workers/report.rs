//! What a worker says of its job: `POST /api/v1/jobs/{id}/progress`, `…/step`, `…/heartbeat`, `…/complete`, `…/fail`,
//! `…/snooze`.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    ErrorCode, JobId,
    api::workers::{Complete, Fail, Heartbeat, ProgressReport, ReportAnswer, Snooze, StepReport},
};

use super::super::{
    Http,
    access::Caller,
    body::{Json, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    refusal::Answer,
};
use crate::auth::Scope;

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let report = |endpoint: Endpoint| {
        endpoint
            .access(Access::Scope(Scope::Jobs))
            .answers::<ReportAnswer>(200, "Heard. With `cancel`, somebody asked the job to stop.")
            .refuses(&[ErrorCode::Fenced])
    };
    table
        .add(
            report(Endpoint::post("/api/v1/jobs/{id}/progress", "workers", "Say how far a job is").describe(
                "The owner sees the latest, ten times a second at most. What is absent stays as it was; `percent` \
                 follows from the steps unless it is given, and never goes back within an attempt.",
            ))
            .body::<ProgressReport>(),
            progress,
        )
        .add(
            report(Endpoint::post("/api/v1/jobs/{id}/step", "workers", "Say that a step began or ended").describe(
                "On the answer it is on disk. A later attempt gets the `result` of a completed step instead of doing \
                 it again.",
            ))
            .body::<StepReport>(),
            step,
        )
        .add(
            report(
                Endpoint::post("/api/v1/jobs/{id}/heartbeat", "workers", "Keep a job").describe(
                    "Renews the lease. Any other report does too; this is for work that has nothing to say.",
                ),
            )
            .body::<Heartbeat>(),
            heartbeat,
        )
        .add(
            report(Endpoint::post("/api/v1/jobs/{id}/complete", "workers", "End a job well"))
                .body::<Complete>(),
            complete,
        )
        .add(
            report(Endpoint::post("/api/v1/jobs/{id}/fail", "workers", "End an attempt badly").describe(
                "The job is tried again as its `backoff` says, or after `retry_after`; `discard` ends it for good, \
                 and so does the last attempt. A job that was asked to stop is cancelled by this.",
            ))
            .body::<Fail>(),
            fail,
        )
        .add(
            report(Endpoint::post("/api/v1/jobs/{id}/snooze", "workers", "Put a job off").describe(
                "The attempt does not count. 0 seconds give the job back at once, as a worker does that stops. Tracked \
                 work cannot be put off: 409 `conflict`.",
            ))
            .body::<Snooze>()
            .refuses(&[ErrorCode::Conflict]),
            snooze,
        )
}

async fn progress(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
    Json(report): Json<ProgressReport>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    Ok(json(StatusCode::OK, &state.jobs().progress(id, &report).await?))
}

async fn step(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
    Json(report): Json<StepReport>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    Ok(json(StatusCode::OK, &state.jobs().step(id, &report).await?))
}

async fn heartbeat(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
    Json(beat): Json<Heartbeat>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    Ok(json(StatusCode::OK, &state.jobs().heartbeat(id, &beat).await?))
}

async fn complete(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
    Json(said): Json<Complete>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    Ok(json(StatusCode::OK, &state.jobs().complete(id, &said).await?))
}

async fn fail(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
    Json(said): Json<Fail>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    Ok(json(StatusCode::OK, &state.jobs().fail(id, &said).await?))
}

async fn snooze(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
    Json(said): Json<Snooze>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    Ok(json(StatusCode::OK, &state.jobs().snooze(id, &said).await?))
}
