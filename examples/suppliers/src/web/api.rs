//! The JSON API for scripts, phones and tests: the same use cases as the pages.
//!
//! Callers of the office send the token of `POST /api/login` as `Authorization: Bearer`; the same token opens the live
//! streams at `/ws/notifications/?token=…` and `/ws/dashboard/?token=…`. Anybody may apply. Creates and moves take an
//! `Idempotency-Key` header.

use axum::{
    Json, Router,
    extract::{FromRequest, Path, Query, Request, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Web,
    caller::{self, ApiCaller},
    pages::ListQuery,
    problem::Problem,
    views::{ApplicationView, DetailView},
};
use crate::{
    access,
    application::{ApplicationId, Typed},
    database::bulks::Bulk,
    desk::{Chosen, Step, SubmissionKey},
    document::{DocumentId, DocumentKind},
    people::Person,
    refusal::Refusal,
};

/// The routes under `/api`.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/api/login", post(login))
        .route("/api/me", get(me))
        .route("/api/applications", get(list).post(apply))
        .route("/api/applications/{id}", get(show))
        .route("/api/applications/{id}/{step}", post(step))
        .route("/api/bulk/approve", post(bulk_approve))
        .route("/api/bulk/announce", post(announce))
        .route("/api/bulk/{id}", get(bulk))
        .route("/api/tasks", get(tasks))
        .route("/api/tasks/{name}/{deed}", post(steer))
}

/// A JSON body whose mistakes are answered as a [`Problem`].
#[derive(Debug)]
struct Body<T>(T);

impl<T: DeserializeOwned> FromRequest<Web> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let refused = |error: JsonRejection| Refusal::Invalid { field: "body", message: error.body_text() };
        Ok(Json::from_request(request, web).await.map(|Json(body)| Self(body)).map_err(refused)?)
    }
}

/// The `Idempotency-Key` header.
fn key(headers: &HeaderMap) -> Result<Option<SubmissionKey>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    SubmissionKey::new(value.to_str().unwrap_or_default()).map(Some)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
}

#[derive(Debug, Serialize)]
struct LoggedIn {
    token: String,
    expires_at: oyez::protocol::Timestamp,
    user: Person,
}

/// `POST /api/login`: one token for this API and for the live streams; for the office.
async fn login(
    State(web): State<Web>,
    Body(credentials): Body<Credentials>,
) -> Result<Json<LoggedIn>, Problem> {
    let user = web.login.check_staff(&credentials.email, &credentials.password).await?;
    let issued = web.token_for(&user)?;
    Ok(Json(LoggedIn { token: issued.access.reveal().to_owned(), expires_at: issued.expires_at, user }))
}

/// `GET /api/me`.
async fn me(ApiCaller(person): ApiCaller) -> Json<Person> {
    Json(person)
}

/// `POST /api/applications`: anybody applies.
async fn apply(State(web): State<Web>, request: Request) -> Result<Response, Problem> {
    let place = caller::place(request.extensions());
    let key = key(request.headers())?;
    let Body(typed) = Body::<Typed>::from_request(request, &web).await?;
    let form = typed.check()?;
    web.applications.take(&place, web.desk.now())?;
    let application = web.desk.apply(&form, key.as_ref()).await?;
    // What anybody may know: the way to the status page. An application has no answer to others' questions.
    let answer = json!({
        "tracking_code": application.tracking_code,
        "status": application.status,
        "submitted_at": application.submitted_at,
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `GET /api/applications?status=&category=&q=&page=`.
async fn list(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Problem> {
    let (filter, number) = query.read();
    let page = web.desk.list(&person, &filter, number).await?;
    let data: Vec<_> = page.applications.iter().map(ApplicationView::new).collect();
    Ok(Json(json!({"data": data, "total": page.total, "page": page.number, "pages": page.pages})))
}

/// `GET /api/applications/{id}`.
async fn show(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Problem> {
    detail(&web, &person, ApplicationId(id)).await
}

async fn detail(web: &Web, person: &Person, id: ApplicationId) -> Result<Json<Value>, Problem> {
    let detail = web.desk.detail(person, id).await?;
    let mut answer = json!(DetailView::new(&detail));
    answer["mails"] = json!(web.mails.of(id).await?);
    Ok(Json(answer))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StepBody {
    documents: Vec<DocumentKind>,
    note: String,
    document_id: Option<i64>,
    reason: String,
}

/// `POST /api/applications/{id}/{review | request_documents | verify | approve | reject}`.
async fn step(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path((id, step)): Path<(i64, String)>,
    headers: HeaderMap,
    Body(body): Body<Option<StepBody>>,
) -> Result<Json<Value>, Problem> {
    let body = body.unwrap_or_default();
    let step = match step.as_str() {
        "review" => Step::Review,
        "request_documents" => Step::RequestDocuments(body.documents, body.note),
        "verify" => Step::Verify(DocumentId(body.document_id.unwrap_or_default())),
        "approve" => Step::Approve,
        "reject" => Step::Reject(body.reason),
        _ => return Err(Refusal::NotFound("move").into()),
    };
    web.desk.step(&person, ApplicationId(id), &step, key(&headers)?.as_ref()).await?;
    detail(&web, &person, ApplicationId(id)).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApproveBody {
    applications: Vec<ApplicationId>,
}

/// `POST /api/bulk/approve`.
async fn bulk_approve(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    headers: HeaderMap,
    Body(body): Body<ApproveBody>,
) -> Result<Response, Problem> {
    let chosen = Chosen::These(body.applications);
    let id = web.desk.bulk_approve(&person, &chosen, key(&headers)?.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({"id": id}))).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnnounceBody {
    title: String,
    body: String,
}

/// `POST /api/bulk/announce`.
async fn announce(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    headers: HeaderMap,
    Body(body): Body<AnnounceBody>,
) -> Result<Response, Problem> {
    let id = web.desk.announce(&person, &body.title, &body.body, key(&headers)?.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({"id": id}))).into_response())
}

/// `GET /api/bulk/{id}`.
async fn bulk(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path(id): Path<i64>,
) -> Result<Json<Bulk>, Problem> {
    access::may_administer(&person)?;
    Ok(Json(web.desk.bulk(id).await?))
}

/// `GET /api/tasks`.
async fn tasks(State(web): State<Web>, ApiCaller(person): ApiCaller) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({"data": web.tasks.list(&person).await?})))
}

/// `POST /api/tasks/{name}/{run | pause | resume}`.
async fn steer(
    State(web): State<Web>,
    ApiCaller(person): ApiCaller,
    Path((name, deed)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    match deed.as_str() {
        "run" => web.tasks.run_now(&person, &name).await?,
        "pause" => web.tasks.pause(&person, &name, true).await?,
        "resume" => web.tasks.pause(&person, &name, false).await?,
        _ => return Err(Refusal::NotFound("deed").into()),
    }
    Ok(Json(json!({"data": web.tasks.list(&person).await?})))
}
