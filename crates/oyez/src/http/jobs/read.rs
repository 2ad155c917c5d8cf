//! Shows jobs, their steps and their attempts.

use axum::extract::State;
use http::StatusCode;
use oyez_core::job::{JobRecord, JobState};
use oyez_protocol::{
    JobId, JobKind, QueueName, UserId,
    api::{jobs::JobView, page::Page},
};
use oyez_store::jobs::JobFilter;
use serde::Deserialize;

use super::{
    super::{
        Http,
        access::Caller,
        body::{Query, Segments},
        json,
        paging::{PageQuery, page},
        refusal::{Answer, Refusal},
    },
    view::{attempt_view, job_view, step_view},
};
use crate::auth::{Principal, Scope};

#[derive(Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    state: Option<JobState>,
    #[serde(default)]
    kind: Option<JobKind>,
    #[serde(default)]
    queue: Option<QueueName>,
    #[serde(default)]
    user: Option<UserId>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

pub(super) async fn list(
    State(state): State<Http>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Answer {
    let paging = PageQuery { cursor: query.cursor, limit: query.limit };
    let (limit, before) = (paging.limit()?, paging.after()?);
    let (user, all) = match &caller.principal {
        Principal::User(me) if !caller.may(Scope::Jobs) => match query.user {
            Some(other) if other != me.id => return Err(Refusal::missing_scope(Scope::Jobs)),
            _ => (Some(me.id.clone()), false),
        },
        _ => {
            caller.require(Scope::Jobs)?;
            (query.user, true)
        }
    };
    let filter = JobFilter { state: query.state, kind: query.kind, queue: query.queue, user };
    let jobs = state.jobs().list(&filter, before, limit + 1).await?;
    let jobs: Vec<JobView> = jobs.into_iter().map(|job| job_view(job, all)).collect();
    Ok(json(StatusCode::OK, &page(jobs, limit, |job| job.id.to_string())))
}

pub(super) async fn one(State(state): State<Http>, caller: Caller, Segments(id): Segments<JobId>) -> Answer {
    let job = visible(&state, &caller, id).await?;
    Ok(json(StatusCode::OK, &job_view(job, caller.may(Scope::Jobs))))
}

pub(super) async fn steps(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
) -> Answer {
    visible(&state, &caller, id).await?;
    let steps = state.jobs().steps(id).await?;
    let with_results = caller.may(Scope::Jobs);
    let shown = steps.into_iter().map(|step| {
        let mut step = step_view(step);
        // What a step leaves for the next one is the worker's own.
        step.result = step.result.filter(|_| with_results);
        step
    });
    Ok(json(StatusCode::OK, &Page { data: shown.collect(), next_cursor: None }))
}

pub(super) async fn attempts(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<JobId>,
) -> Answer {
    visible(&state, &caller, id).await?;
    let attempts = state.jobs().attempts(id).await?;
    let shown = attempts.into_iter().map(attempt_view).collect();
    Ok(json(StatusCode::OK, &Page { data: shown, next_cursor: None }))
}

/// The job, if the caller may see it. Another's job looks like none.
pub(super) async fn visible(state: &Http, caller: &Caller, id: JobId) -> Result<JobRecord, Refusal> {
    if let Principal::Application(_) = &caller.principal {
        caller.require(Scope::Jobs)?;
    }
    let job = state.jobs().get(id).await?;
    let own = job.user.as_ref().is_some_and(|user| caller.is_user(user));
    if own || caller.may(Scope::Jobs) { Ok(job) } else { Err(Refusal::not_found("job")) }
}
