//! `/api/v1/users/{id}/push-subscriptions`: which browsers show a user's notifications while no page is open.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    PushSubscriptionId, UserId,
    api::{
        page::Page,
        push::{PushKey, PushSubscription, PushSubscriptionRequest},
    },
};

use super::{
    Http,
    access::Caller,
    body::{Json, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    refusal::{Answer, Refusal},
};
use crate::auth::Scope;

const PATH: &str = "/api/v1/users/{id}/push-subscriptions";

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let users = Access::Scope(Scope::Users);
    table
        .add(
            Endpoint::get("/api/v1/push/key", "push", "Read the key that browsers subscribe with")
                .describe(
                    "What `pushManager.subscribe` takes as `applicationServerKey`; null where web push is not set up.",
                )
                .answers::<PushKey>(200, "The key."),
            key,
        )
        .add(
            Endpoint::post(PATH, "push", "Have a browser show a user's notifications")
                .describe(
                    "Takes what `PushSubscription.toJSON()` gives. A browser that is known is renewed, and belongs to \
                     this user from now on: a page may say it again each time it is opened. The 20 newest of a user \
                     are kept. Users may do so for themselves.",
                )
                .access(users)
                .body::<PushSubscriptionRequest>()
                .answers::<PushSubscription>(201, "The subscription."),
            subscribe,
        )
        .add(
            Endpoint::get(PATH, "push", "List a user's push subscriptions")
                .describe("The oldest first. Users may do so for themselves.")
                .access(users)
                .answers_page::<PushSubscription>("All of them: there are 20 at most."),
            list,
        )
        .add(
            Endpoint::delete(
                "/api/v1/users/{id}/push-subscriptions/{subscription}",
                "push",
                "End a push subscription",
            )
            .describe("Users may do so for themselves.")
            .access(users)
            .answers_nothing("The browser shows nothing any more."),
            unsubscribe,
        )
}

async fn key(State(state): State<Http>) -> Answer {
    Ok(json(StatusCode::OK, &PushKey { public_key: state.push().public_key() }))
}

async fn subscribe(
    State(state): State<Http>,
    caller: Caller,
    Segments(user): Segments<UserId>,
    Json(request): Json<PushSubscriptionRequest>,
) -> Answer {
    own(&caller, &user)?;
    let subscription = state.push().subscribe(&user, &request).await?;
    Ok(json(StatusCode::CREATED, &subscription))
}

async fn list(State(state): State<Http>, caller: Caller, Segments(user): Segments<UserId>) -> Answer {
    own(&caller, &user)?;
    let data = state.push().list(&user).await?;
    Ok(json(StatusCode::OK, &Page { data, next_cursor: None }))
}

async fn unsubscribe(
    State(state): State<Http>,
    caller: Caller,
    Segments((user, subscription)): Segments<(UserId, PushSubscriptionId)>,
) -> Answer<StatusCode> {
    own(&caller, &user)?;
    state.push().unsubscribe(&user, subscription).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn own(caller: &Caller, user: &UserId) -> Result<(), Refusal> {
    if caller.is_user(user) { Ok(()) } else { caller.require(Scope::Users) }
}
