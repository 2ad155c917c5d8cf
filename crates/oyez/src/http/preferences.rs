//! `/api/v1/users/{id}/preferences`: what a user wants to be told when they are away. Users decide for themselves;
//! applications with the scope `users` for all.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    UserId,
    api::preferences::{PreferencesRequest, PreferencesView},
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

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    table
        .add(
            Endpoint::get("/api/v1/users/{id}/preferences", "users", "Read what a user wants to be told")
                .describe(
                    "And what there is to choose from: the media that are set up, and the types that cannot be muted. \
                     Somebody who chose nothing has it as the operator does.",
                )
                .access(Access::UsersOrSelf)
                .answers::<PreferencesView>(200, "The preferences."),
            get,
        )
        .add(
            Endpoint::put("/api/v1/users/{id}/preferences", "users", "Say what a user wants to be told")
                .describe(
                    "Replaces all that was there; `{}` leaves it to the operator. By medium (`email`, `web_push`, \
                     `webhook`) a type is `off`, `at_once`, `if_unseen` or `digest`:\n\n\
                     `{\"default\": {\"email\": \"if_unseen\"}, \"types\": {\"ticket_*\": {\"email\": \"digest\"}}, \
                     \"quiet_hours\": {\"from\": \"22:00\", \"to\": \"07:00\"}, \"digest\": {\"at\": \"08:00\"}}`\n\n\
                     To mute a type that is critical is refused with 422.",
                )
                .access(Access::UsersOrSelf)
                .body::<PreferencesRequest>()
                .answers::<PreferencesView>(200, "The preferences as they are now."),
            put,
        )
}

async fn get(State(state): State<Http>, caller: Caller, Segments(user): Segments<UserId>) -> Answer {
    owner(&caller, &user)?;
    Ok(json(StatusCode::OK, &state.preferences().get(&user).await?))
}

async fn put(
    State(state): State<Http>,
    caller: Caller,
    Segments(user): Segments<UserId>,
    Json(request): Json<PreferencesRequest>,
) -> Answer {
    owner(&caller, &user)?;
    Ok(json(StatusCode::OK, &state.preferences().put(&user, request).await?))
}

fn owner(caller: &Caller, user: &UserId) -> Result<(), Refusal> {
    if caller.is_user(user) { Ok(()) } else { caller.require(Scope::Users) }
}
