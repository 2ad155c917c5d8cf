//! The JSON API for scripts and other systems: the same use cases as the pages.
//!
//! Callers send the token of `POST /api/login` as `Authorization: Bearer`; the same token opens the live stream at
//! `/ws/notifications/?token=…`. Submitting takes an `Idempotency-Key` header.

use axum::{
    Json, Router,
    extract::{FromRequest, Path, Query, Request, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use oyez::protocol::UserId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Web,
    caller::ApiCaller,
    problem::Problem,
    views::{DetailView, TransferView},
};
use crate::{
    desk::{Finding, PAGE},
    draft::Typed,
    refusal::Refusal,
    transfer::TransferId,
};

/// The routes under `/api`.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/api/login", post(login))
        .route("/api/books", get(books))
        .route("/api/transfers", get(list).post(submit))
        .route("/api/transfers/{id}", get(show))
        .route("/api/transfers/{id}/retry", post(retry))
        .route("/api/transfers/{id}/cancel", post(cancel))
        .route("/api/transfers/{id}/settle", post(settle))
}

/// A JSON body whose mistakes are answered as a [`Problem`].
#[derive(Debug)]
struct Body<T>(T);

impl<T: DeserializeOwned> FromRequest<Web> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let refused = |error: JsonRejection| Refusal::invalid("body", error.body_text());
        Ok(Json::from_request(request, web).await.map(|Json(body)| Self(body)).map_err(refused)?)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Debug, Serialize)]
struct LoggedIn {
    token: String,
    expires_at: oyez::protocol::Timestamp,
    user: UserId,
}

/// `POST /api/login`: one token for this API and for the live stream.
async fn login(
    State(web): State<Web>,
    Body(credentials): Body<Credentials>,
) -> Result<Json<LoggedIn>, Problem> {
    let (user, issued) = web.log_in(&credentials.name, &credentials.password).await?;
    Ok(Json(LoggedIn { token: issued.access.reveal().to_owned(), expires_at: issued.expires_at, user }))
}

/// `GET /api/books`: accounts and periods.
async fn books(State(web): State<Web>, _caller: ApiCaller) -> Result<Json<Value>, Problem> {
    let books = web.desk.books().await?;
    let accounts: Vec<_> = books.accounts.values().collect();
    let periods: Vec<_> = books.periods.values().collect();
    Ok(Json(json!({"accounts": accounts, "periods": periods})))
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    before: Option<i64>,
}

/// `GET /api/transfers?before=`.
async fn list(
    State(web): State<Web>,
    ApiCaller(owner): ApiCaller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Problem> {
    let page = web.desk.list(&owner, query.before.map(TransferId)).await?;
    let full = i64::try_from(page.len()).is_ok_and(|count| count == PAGE);
    let next = page.last().filter(|_| full).map(|overview| overview.transfer.id);
    let data: Vec<_> = page.iter().map(TransferView::new).collect();
    Ok(Json(json!({"data": data, "next_before": next})))
}

/// `POST /api/transfers`: 202 once the transfer is stored; the upload goes on by itself.
async fn submit(
    State(web): State<Web>,
    ApiCaller(owner): ApiCaller,
    headers: HeaderMap,
    Body(typed): Body<Typed>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
    let transfer = web.desk.submit(&owner, &typed.read()?, key).await?;
    let answer = json!({
        "id": transfer.id,
        "url": format!("/transfers/{}", transfer.id),
        "message": format!("Transfer {} is stored; its upload goes on by itself", transfer.id),
    });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// `GET /api/transfers/{id}`.
async fn show(
    State(web): State<Web>,
    ApiCaller(owner): ApiCaller,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Problem> {
    answer(&web, &owner, TransferId(id)).await
}

/// `POST /api/transfers/{id}/retry`.
async fn retry(
    State(web): State<Web>,
    ApiCaller(owner): ApiCaller,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Problem> {
    web.desk.retry(&owner, TransferId(id)).await?;
    answer(&web, &owner, TransferId(id)).await
}

/// `POST /api/transfers/{id}/cancel`.
async fn cancel(
    State(web): State<Web>,
    ApiCaller(owner): ApiCaller,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Problem> {
    web.desk.cancel(&owner, TransferId(id)).await?;
    answer(&web, &owner, TransferId(id)).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settlement {
    /// The number under which Oracle has it; absent: Oracle does not have it.
    number: Option<String>,
}

/// `POST /api/transfers/{id}/settle {number?}`: what became of the lost call.
async fn settle(
    State(web): State<Web>,
    ApiCaller(owner): ApiCaller,
    Path(id): Path<i64>,
    Body(settlement): Body<Settlement>,
) -> Result<Json<Value>, Problem> {
    let finding = settlement.number.map_or(Finding::NotThere, Finding::Found);
    web.desk.settle(&owner, TransferId(id), &finding).await?;
    answer(&web, &owner, TransferId(id)).await
}

async fn answer(web: &Web, owner: &UserId, id: TransferId) -> Result<Json<Value>, Problem> {
    let detail = web.desk.show(owner, id).await?;
    let view = serde_json::to_value(DetailView::new(&detail));
    Ok(Json(view.map_err(|error| Refusal::Internal(error.into()))?))
}
