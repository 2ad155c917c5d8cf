//! `/api/v1/notifications` and `/api/v1/events`: applications publish, and ask what became of it.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use oyez_protocol::{
    ErrorCode, NotificationId,
    api::{
        problem::Problem,
        publish::{
            BatchAnswer, BatchRequest, BatchResult, EventReached, EventRequest, MAX_BATCH,
            NotificationRequest, NotificationStatus, Published, Receipt,
        },
    },
};

use super::{
    Http,
    access::Caller,
    body::{Json, Query, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    idempotency, json,
    paging::{PageQuery, page},
    refusal::{Answer, Refusal},
};
use crate::{auth::Scope, publish::status_json};

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let publish = Access::PublishOrSelf;
    table
        .add(
            Endpoint::post("/api/v1/notifications", "publish", "Publish a notification")
                .describe(
                    "Answered 202 when it is on disk for every recipient: it lands in each one's inbox and on \
                     each of their live connections. With an `Idempotency-Key` a repeated call is the same call.\n\n\
                     Users may publish to themselves; holders of an admin role and applications to anybody.",
                )
                .access(publish)
                .idempotent()
                .body::<NotificationRequest>()
                .answers::<Published>(202, "It is on disk for every recipient.")
                .refuses(&[ErrorCode::ReservedKey, ErrorCode::IdempotencyMismatch]),
            post_notification,
        )
        .add(
            Endpoint::post("/api/v1/notifications/batch", "publish", "Publish up to 1,000 notifications")
                .describe(
                    "Each is checked and written on its own; `results` has one entry per notification, in their \
                     order. Give each an `idempotency_key`, so that the call can be repeated after a broken connection.",
                )
                .access(publish)
                .body::<BatchRequest>()
                .answers::<BatchAnswer>(202, "What became of each."),
            post_batch,
        )
        .add(
            Endpoint::get("/api/v1/notifications/{id}", "publish", "Read a notification's status")
                .describe("Its state, and how many recipients have it, have seen it, and have read it.")
                .access(Access::Scope(Scope::Publish))
                .answers::<NotificationStatus>(200, "The notification."),
            get_notification,
        )
        .add(
            Endpoint::delete("/api/v1/notifications/{id}", "publish", "Take back a notification that waits")
                .describe("Only while it waits for its `send_at`; 409 after that.")
                .access(Access::Scope(Scope::Publish))
                .answers_nothing("Nobody will get it.")
                .refuses(&[ErrorCode::Conflict]),
            delete_notification,
        )
        .add(
            Endpoint::get("/api/v1/notifications/{id}/receipts", "publish", "List who has seen and read it")
                .access(Access::Scope(Scope::Publish))
                .paged()
                .answers_page::<Receipt>("Recipients."),
            get_receipts,
        )
        .add(
            Endpoint::post("/api/v1/events", "publish", "Tell a live-only event")
                .describe("To whoever is connected now. Nothing is stored.")
                .access(publish)
                .body::<EventRequest>()
                .answers::<EventReached>(202, "It was handed to the connections of this node."),
            post_event,
        )
}

async fn post_notification(
    State(state): State<Http>,
    caller: Caller,
    headers: HeaderMap,
    Json(mut request): Json<NotificationRequest>,
) -> Answer {
    caller.require_publish(request.to.as_slice())?;
    let key = idempotency::of_header(&headers)?;
    request.idempotency_key = idempotency::merge(key, request.idempotency_key)?;
    let published = state.publisher().publish(&request, &caller.scope()).await?;
    Ok(json(StatusCode::ACCEPTED, &published))
}

async fn post_batch(
    State(state): State<Http>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<BatchRequest>,
) -> Answer {
    let count = request.notifications.len();
    if count == 0 || count > MAX_BATCH {
        let detail = format!("\"notifications\" must hold 1 to {MAX_BATCH} notifications, not {count}");
        return Err(Refusal::at("notifications", detail));
    }
    let mut requests = request.notifications;
    if let Some(key) = idempotency::of_header(&headers)? {
        // One key for the batch is one key for each of its places.
        for (place, request) in requests.iter_mut().enumerate() {
            request.idempotency_key.get_or_insert_with(|| format!("{key}/{place}"));
        }
    }
    for request in &requests {
        caller.require_publish(request.to.as_slice())?;
    }
    let results = state.publisher().publish_batch(&requests, &caller.scope()).await?;
    let results = results.into_iter().map(|result| match result {
        Ok(published) => BatchResult::Published(published),
        Err(refused) => {
            let error: Problem = *Refusal::from(refused).problem;
            BatchResult::Refused { error }
        }
    });
    Ok(json(StatusCode::ACCEPTED, &BatchAnswer { results: results.collect() }))
}

async fn get_notification(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<NotificationId>,
) -> Answer {
    caller.require(Scope::Publish)?;
    let status = state.publisher().status(id).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], status_json(&status)).into_response())
}

async fn delete_notification(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<NotificationId>,
) -> Answer<StatusCode> {
    caller.require(Scope::Publish)?;
    state.publisher().cancel(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn get_receipts(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<NotificationId>,
    Query(query): Query<PageQuery>,
) -> Answer {
    caller.require(Scope::Publish)?;
    let (limit, after) = (query.limit()?, query.after()?);
    state.publisher().status(id).await?;
    let receipts = state.publisher().receipts(id, after.as_ref(), limit + 1).await?;
    let receipts = receipts.into_iter().map(|receipt| Receipt {
        user_id: receipt.user,
        seen_at: receipt.times.seen_at,
        read_at: receipt.times.read_at,
        archived_at: receipt.times.archived_at,
    });
    Ok(json(StatusCode::OK, &page(receipts.collect(), limit, |receipt| receipt.user_id.to_string())))
}

async fn post_event(
    State(state): State<Http>,
    caller: Caller,
    Json(request): Json<EventRequest>,
) -> Answer<Response> {
    caller.require_publish(request.to.as_slice())?;
    let reached = state.publisher().send_event(&request).await?;
    Ok(json(StatusCode::ACCEPTED, &reached))
}
