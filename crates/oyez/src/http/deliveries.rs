//! `/api/v1/deliveries`: what was sent to people who are away, how that went, and sending it again. For operators.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    DeliveryId, ErrorCode, NotificationId, UserId,
    api::{
        deliveries::{DeliveryAttemptView, DeliveryState, DeliveryView, Medium, ResendRequest, Resent},
        page::Page,
    },
};
use oyez_store::DeliveryFilter;
use serde::Deserialize;

use super::{
    Http,
    access::Caller,
    body::{Json, Query, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    paging::{PageQuery, page},
    refusal::{Answer, Refusal},
};
use crate::auth::Scope;

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let operator = Access::Scope(Scope::Admin);
    table
        .add(
            Endpoint::get("/api/v1/deliveries", "deliveries", "List deliveries")
                .describe(
                    "Newest first. `?status=failed,bounced` lists what needs a person. Live changes are told to the \
                     topic `oyez.deliveries`, to which holders of an admin role may subscribe.",
                )
                .access(operator)
                .query(
                    "status",
                    "`waiting`, `queued`, `retrying`, `sent`, `delivered`, `failed`, `bounced` or `skipped`; several \
                     with commas.",
                )
                .query("medium", "`email`, `web_push` or `webhook`.")
                .query("user", "Only to this user.")
                .query("notification", "Only of this notification.")
                .query("type", "Only of notifications of this type.")
                .paged()
                .answers_page::<DeliveryView>("Deliveries, newest first."),
            list,
        )
        .add(
            Endpoint::get("/api/v1/deliveries/{id}", "deliveries", "Read a delivery")
                .access(operator)
                .answers::<DeliveryView>(200, "The delivery."),
            one,
        )
        .add(
            Endpoint::get("/api/v1/deliveries/{id}/attempts", "deliveries", "List a delivery's attempts")
                .access(operator)
                .answers_page::<DeliveryAttemptView>("Attempts, the first one first."),
            attempts,
        )
        .add(
            Endpoint::post("/api/v1/deliveries/{id}/resend", "deliveries", "Send a delivery again")
                .describe(
                    "At once: seen or not, in quiet hours too, and past every throttle. It has all its attempts before \
                     it. 409 while it has not ended, and when a digest lists it: its message is sent again instead.",
                )
                .access(operator)
                .answers::<DeliveryView>(200, "The delivery, queued.")
                .refuses(&[ErrorCode::Conflict]),
            resend,
        )
        .add(
            Endpoint::post("/api/v1/deliveries/resend", "deliveries", "Send many deliveries again")
                .describe(
                    "`{\"ids\": […]}`, up to 1,000, or all that a filter finds: `{\"status\": \"failed\", \"medium\": \
                     \"email\"}`. What was `sent` or `delivered` takes `\"again\": true` too, for people have it.",
                )
                .access(operator)
                .body::<ResendRequest>()
                .answers::<Resent>(200, "How many are queued again."),
            resend_many,
        )
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    medium: Option<String>,
    #[serde(default)]
    user: Option<UserId>,
    #[serde(default)]
    notification: Option<NotificationId>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

async fn list(State(state): State<Http>, caller: Caller, Query(query): Query<ListQuery>) -> Answer {
    caller.require(Scope::Admin)?;
    let paging = PageQuery { cursor: query.cursor, limit: query.limit };
    let (limit, before) = (paging.limit()?, paging.after()?);
    let filter = DeliveryFilter {
        states: states(query.status.as_deref())?,
        medium: medium(query.medium.as_deref())?,
        user: query.user,
        notification: query.notification,
        kind: query.kind,
    };
    let rows = state.deliveries().list(&filter, before, limit + 1).await?;
    let views: Vec<DeliveryView> = rows.iter().map(|row| state.deliveries().view(row)).collect();
    Ok(json(StatusCode::OK, &page(views, limit, |view| view.id.to_string())))
}

async fn one(State(state): State<Http>, caller: Caller, Segments(id): Segments<DeliveryId>) -> Answer {
    caller.require(Scope::Admin)?;
    let row = state.deliveries().get(id).await?;
    Ok(json(StatusCode::OK, &state.deliveries().view(&row)))
}

async fn attempts(State(state): State<Http>, caller: Caller, Segments(id): Segments<DeliveryId>) -> Answer {
    caller.require(Scope::Admin)?;
    let data = state.deliveries().attempts(id).await?;
    Ok(json(StatusCode::OK, &Page { data, next_cursor: None }))
}

async fn resend(State(state): State<Http>, caller: Caller, Segments(id): Segments<DeliveryId>) -> Answer {
    caller.require(Scope::Admin)?;
    let row = state.deliveries().resend(id).await?;
    Ok(json(StatusCode::OK, &state.deliveries().view(&row)))
}

async fn resend_many(
    State(state): State<Http>,
    caller: Caller,
    Json(request): Json<ResendRequest>,
) -> Answer {
    caller.require(Scope::Admin)?;
    Ok(json(StatusCode::OK, &state.deliveries().resend_all(&request).await?))
}

fn states(text: Option<&str>) -> Result<Vec<DeliveryState>, Refusal> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|error| wrong("status", &error))).collect()
}

fn medium(text: Option<&str>) -> Result<Option<Medium>, Refusal> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|error| wrong("medium", &error))).transpose()
}

fn wrong(field: &'static str, error: &dyn std::fmt::Display) -> Refusal {
    Refusal::at(field, format!("\"{field}\" is wrong: {error}"))
}
