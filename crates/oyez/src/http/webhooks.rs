//! `/api/v1/webhooks`: applications that are told by signed requests. All of it takes the scope `admin`: an endpoint
//! learns of every user.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    ErrorCode, WebhookName,
    api::{
        page::Page,
        webhooks::{RotateRequest, RotatedSecret, Webhook, WebhookChanged, WebhookRequest, WebhookTested},
    },
};

use super::{
    Http,
    access::Caller,
    body::{Json, OptionalJson, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    refusal::Answer,
};
use crate::auth::Scope;

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let admin = Access::Scope(Scope::Admin);
    table
        .add(
            Endpoint::put("/api/v1/webhooks/{name}", "webhooks", "Make an endpoint, or change it")
                .describe(
                    "Requests are signed as Standard Webhooks has it. The secret is in the answer that makes the \
                     endpoint and never shown again; a later `PUT` replaces all but the secret.",
                )
                .access(admin)
                .body::<WebhookRequest>()
                .answers::<WebhookChanged>(200, "The endpoint; 201 with its secret when it was made.")
                .refuses(&[ErrorCode::Conflict]),
            put,
        )
        .add(
            Endpoint::get("/api/v1/webhooks", "webhooks", "List endpoints")
                .access(admin)
                .answers_page::<Webhook>("All of them by name: there are 100 at most."),
            list,
        )
        .add(
            Endpoint::get("/api/v1/webhooks/{name}", "webhooks", "Read an endpoint")
                .access(admin)
                .answers::<Webhook>(200, "The endpoint, with how it answers."),
            get,
        )
        .add(
            Endpoint::delete("/api/v1/webhooks/{name}", "webhooks", "Delete an endpoint")
                .describe("It is told nothing any more, not even what happened already.")
                .access(admin)
                .answers_nothing("It is gone."),
            delete,
        )
        .add(
            Endpoint::post("/api/v1/webhooks/{name}/test", "webhooks", "Send a test")
                .describe(
                    "One request of the type `webhook.test`, at once and once, also to an endpoint that is disabled.",
                )
                .access(admin)
                .answers::<WebhookTested>(200, "What became of it, whatever that was.")
                .refuses(&[ErrorCode::Conflict]),
            test,
        )
        .add(
            Endpoint::post("/api/v1/webhooks/{name}/rotate", "webhooks", "Make a new secret")
                .describe(
                    "Until the old one ends, each request carries two signatures, so that the application can change \
                     over in between.",
                )
                .access(admin)
                .optional_body::<RotateRequest>()
                .answers::<RotatedSecret>(200, "The new secret, never shown again."),
            rotate,
        )
}

async fn put(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<WebhookName>,
    Json(request): Json<WebhookRequest>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let (changed, created) = state.webhooks().put(&name, &request).await?;
    Ok(json(if created { StatusCode::CREATED } else { StatusCode::OK }, &changed))
}

async fn list(State(state): State<Http>, caller: Caller) -> Answer {
    caller.require(Scope::Admin)?;
    let data = state.webhooks().list().await?;
    Ok(json(StatusCode::OK, &Page { data, next_cursor: None }))
}

async fn get(State(state): State<Http>, caller: Caller, Segments(name): Segments<WebhookName>) -> Answer {
    caller.require(Scope::Admin)?;
    Ok(json(StatusCode::OK, &state.webhooks().get(&name).await?))
}

async fn delete(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<WebhookName>,
) -> Answer<StatusCode> {
    caller.require(Scope::Admin)?;
    state.webhooks().delete(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test(State(state): State<Http>, caller: Caller, Segments(name): Segments<WebhookName>) -> Answer {
    caller.require(Scope::Admin)?;
    Ok(json(StatusCode::OK, &state.webhooks().test(&name).await?))
}

async fn rotate(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<WebhookName>,
    OptionalJson(request): OptionalJson<RotateRequest>,
) -> Answer {
    caller.require(Scope::Admin)?;
    Ok(json(StatusCode::OK, &state.webhooks().rotate(&name, request).await?))
}
