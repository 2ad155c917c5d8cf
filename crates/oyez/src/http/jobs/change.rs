//! Calls jobs off and has them run again, one or many.

use axum::extract::State;
use futures_util::future::join_all;
use http::StatusCode;
use oyez_protocol::{
    ErrorCode, JobId,
    api::jobs::{BulkAnswer, BulkRequest, JobChanged, JobState, MAX_BULK},
};
use oyez_store::jobs::JobFilter;

use super::{
    super::{
        Http,
        access::Caller,
        body::{Json, Segments},
        json,
        refusal::{Answer, Refusal},
    },
    read::visible,
};
use crate::{auth::Scope, jobs::JobsError};

pub(super) async fn cancel(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
) -> Answer {
    visible(&state, &caller, id).await?;
    let changed = state.jobs().cancel(id).await?;
    Ok(json(StatusCode::OK, &changed))
}

pub(super) async fn retry(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    let changed = state.jobs().retry(id).await?;
    Ok(json(StatusCode::OK, &changed))
}

pub(super) async fn cancel_many(
    State(state): State<Http>,
    caller: Caller,
    Json(request): Json<BulkRequest>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    let changed = match selection(request)? {
        Selection::Ids(ids) => changed(join_all(ids.into_iter().map(|id| state.jobs().cancel(id))).await)?,
        Selection::Filter(filter) => state.jobs().cancel_all(&filter).await?,
    };
    Ok(json(StatusCode::OK, &BulkAnswer { changed }))
}

pub(super) async fn retry_many(
    State(state): State<Http>,
    caller: Caller,
    Json(request): Json<BulkRequest>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    let fits =
        |state: &JobState| [JobState::Retryable, JobState::Cancelled, JobState::Discarded].contains(state);
    if let Some(state) = request.state.filter(|state| !fits(state)) {
        let detail = format!(
            "\"state\" is {}: jobs that are discarded, cancelled or retryable are retried together; name others by \
             their \"ids\"",
            state.as_str()
        );
        return Err(Refusal::at("state", detail));
    }
    let changed = match selection(request)? {
        Selection::Ids(ids) => changed(join_all(ids.into_iter().map(|id| state.jobs().retry(id))).await)?,
        Selection::Filter(filter) => state.jobs().retry_all(&filter).await?,
    };
    Ok(json(StatusCode::OK, &BulkAnswer { changed }))
}

enum Selection {
    Ids(Vec<JobId>),
    Filter(JobFilter),
}

fn selection(request: BulkRequest) -> Result<Selection, Refusal> {
    let BulkRequest { ids, state, kind, queue, user } = request;
    let filter = JobFilter { state, kind, queue, user };
    let filters =
        filter.state.is_some() || filter.kind.is_some() || filter.queue.is_some() || filter.user.is_some();
    match ids {
        Some(_) if filters => {
            let detail = "say which jobs: either \"ids\", or \"state\", \"kind\", \"queue\" and \"user\"";
            Err(Refusal::new(ErrorCode::Invalid, detail))
        }
        Some(ids) if !(1..=MAX_BULK).contains(&ids.len()) => {
            let detail = format!("\"ids\" must name 1 to {MAX_BULK} jobs, not {}", ids.len());
            Err(Refusal::at("ids", detail))
        }
        Some(ids) => Ok(Selection::Ids(ids)),
        // Everything there is would be a slip more often than a wish.
        None if !filters => {
            let detail =
                "say which jobs: \"ids\", or at least one of \"state\", \"kind\", \"queue\" and \"user\"";
            Err(Refusal::new(ErrorCode::Invalid, detail))
        }
        None => Ok(Selection::Filter(filter)),
    }
}

/// How many changed. Those that were past changing are left out, a failing store is not.
fn changed(results: Vec<Result<JobChanged, JobsError>>) -> Result<u64, JobsError> {
    let mut changed = 0;
    for result in results {
        match result {
            Ok(_) => changed += 1,
            Err(JobsError::Store(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(changed)
}
