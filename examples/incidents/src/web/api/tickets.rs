//! `/api/tickets`: report, list, look, comment, move.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{Body, submission_key};
use crate::{
    database::tickets::TicketFilter,
    desk::{Desk, Report, Step},
    life_cycle::Status,
    people::PersonId,
    refusal::Refusal,
    ticket::{Category, Priority, ProjectId, TicketId},
    web::{
        Web,
        caller::ApiCaller,
        problem::Problem,
        views::{DetailView, TicketView},
        watch,
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTicketBody {
    project_id: ProjectId,
    title: String,
    description: String,
    priority: Priority,
    category: Category,
}

/// `POST /api/tickets`.
pub(super) async fn report(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    headers: HeaderMap,
    Body(body): Body<NewTicketBody>,
) -> Result<Response, Problem> {
    let key = submission_key(&headers)?;
    let report = Report {
        project: body.project_id,
        title: body.title,
        description: body.description,
        priority: body.priority,
        category: body.category,
    };
    let ticket = web.desk.report(&person, &report, key.as_ref()).await?;
    let view = TicketView::new(&ticket, &person, web.desk.now());
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    status: Option<Status>,
    before: Option<TicketId>,
    limit: Option<i64>,
}

/// `GET /api/tickets?status=&before=&limit=`: the newest first.
pub(super) async fn list(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) =
        query.map_err(|error| Refusal::Invalid { field: "query", message: error.body_text() })?;
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let filter =
        TicketFilter { status: query.status, before: query.before, limit, ..Desk::visible_to(&person) };
    let tickets = web.desk.tickets(filter).await?;
    let now = web.desk.now();
    let full = i64::try_from(tickets.len()).is_ok_and(|count| count == limit);
    let next = tickets.last().filter(|_| full).map(|ticket| ticket.id);
    let views: Vec<_> = tickets.iter().map(|ticket| TicketView::new(ticket, &person, now)).collect();
    Ok(Json(json!({"data": views, "next_before": next})).into_response())
}

/// `GET /api/tickets/{id}`.
pub(super) async fn show(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let (ticket, timeline) = web.desk.ticket(&person, TicketId(id)).await?;
    let view = TicketView::new(&ticket, &person, web.desk.now());
    Ok(Json(DetailView { ticket: view, timeline: &timeline }).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommentBody {
    body: String,
}

/// `POST /api/tickets/{id}/comments`.
pub(super) async fn comment(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Body(body): Body<CommentBody>,
) -> Result<Response, Problem> {
    let key = submission_key(&headers)?;
    let ticket = web.desk.comment(&person, TicketId(id), &body.body, key.as_ref()).await?;
    watch::changed(&web, &ticket).await;
    let (ticket, timeline) = web.desk.ticket(&person, ticket.id).await?;
    let view = TicketView::new(&ticket, &person, web.desk.now());
    Ok((StatusCode::CREATED, Json(DetailView { ticket: view, timeline: &timeline })).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignBody {
    developer_ids: Vec<PersonId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RejectBody {
    reason: String,
}

/// `POST /api/tickets/{id}/{open | assign | start | finish | approve | reject}`.
pub(super) async fn step(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path((id, step)): Path<(i64, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let key = submission_key(&headers)?;
    let step = match step.as_str() {
        "open" => Step::Open,
        "assign" => Step::Assign(read::<AssignBody>(&body)?.developer_ids),
        "start" => Step::Start,
        "finish" => Step::Finish,
        "approve" => Step::Approve,
        "reject" => Step::Reject(read::<RejectBody>(&body)?.reason),
        _ => return Err(Refusal::NotFound("move").into()),
    };
    let ticket = web.desk.step(&person, TicketId(id), &step, key.as_ref()).await?;
    watch::changed(&web, &ticket).await;
    Ok(Json(TicketView::new(&ticket, &person, web.desk.now())).into_response())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Invalid { field: "body", message: error.to_string() })
}
