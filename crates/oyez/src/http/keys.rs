//! `/api/v1/keys`: API keys of applications.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use oyez_protocol::api::keys::{ApiKey, CreatedKey, KeyRequest};

use super::{
    Http,
    access::Caller,
    body::{Json, Query, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    idempotency, json,
    paging::{PageQuery, page},
    refusal::{Answer, Refusal},
};
use crate::auth::{Scope, Scopes};

const MAX_NAME_CHARS: usize = 100;

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let admin = Access::Scope(Scope::Admin);
    table
        .add(
            Endpoint::post("/api/v1/keys", "keys", "Make an API key")
                .describe("The secret is in this answer only; the server keeps a hash.")
                .access(admin)
                .idempotent()
                .body::<KeyRequest>()
                .answers::<CreatedKey>(201, "The key, with its secret."),
            create_key,
        )
        .add(
            Endpoint::get("/api/v1/keys", "keys", "List API keys")
                .describe("Oldest first, revoked ones too.")
                .access(admin)
                .paged()
                .answers_page::<ApiKey>("Keys."),
            list_keys,
        )
        .add(
            Endpoint::delete("/api/v1/keys/{id}", "keys", "Revoke an API key")
                .describe("On this node at once, on others within five seconds.")
                .access(admin)
                .answers_nothing("The key opens nothing any more."),
            revoke_key,
        )
}

async fn create_key(
    State(state): State<Http>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<KeyRequest>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let name = request.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Refusal::at("name", format!("\"name\" must have 1 to {MAX_NAME_CHARS} characters")));
    }
    let scopes: Result<Scopes, _> = request.scopes.iter().map(|scope| scope.parse()).collect();
    let scopes = scopes.map_err(|error: crate::auth::ScopeError| Refusal::at("scopes", error.to_string()))?;
    if scopes == Scopes::default() {
        return Err(Refusal::at("scopes", "\"scopes\" is empty: such a key could do nothing"));
    }
    let key = idempotency::merge(idempotency::of_header(&headers)?, request.idempotency_key.clone())?;
    let body = KeyRequest { idempotency_key: None, ..request.clone() };
    let idempotency = idempotency::recognise("keys", &caller, key, &body)?;
    let created = state.auth().create_key(name, scopes, idempotency).await?;
    let answer = CreatedKey {
        id: created.key.id,
        name: created.key.name,
        scopes: created.key.scopes,
        created_at: created.key.created_at,
        key: created.secret.reveal().to_owned(),
    };
    Ok(json(StatusCode::CREATED, &answer))
}

async fn list_keys(State(state): State<Http>, caller: Caller, Query(query): Query<PageQuery>) -> Answer {
    caller.require(Scope::Admin)?;
    let (limit, after) = (query.limit()?, query.after::<String>()?);
    // Keys are few: all are read, and the page is cut here.
    let keys = state.auth().keys().await?;
    let start = match &after {
        None => 0,
        Some(after) => {
            let place = keys.iter().position(|key| key.id == *after);
            place.ok_or_else(|| Refusal::at("cursor", "\"cursor\" names no key"))? + 1
        }
    };
    let keys = keys.into_iter().skip(start).take(limit as usize + 1).map(|key| ApiKey {
        id: key.id,
        name: key.name,
        scopes: key.scopes,
        created_at: key.created_at,
        revoked_at: key.revoked_at,
    });
    Ok(json(StatusCode::OK, &page(keys.collect(), limit, |key| key.id.clone())))
}

async fn revoke_key(
    State(state): State<Http>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Answer<StatusCode> {
    caller.require(Scope::Admin)?;
    if state.auth().revoke_key(&id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::not_found("API key that lives"))
}
