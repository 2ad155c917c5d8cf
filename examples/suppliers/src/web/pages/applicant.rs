//! Pages of applicants: the form, and the status page with its uploads.

use axum::{
    extract::{FromRequest, Multipart, Path, Query, Request, State, multipart::MultipartError},
    response::{AppendHeaders, Html, IntoResponse, Redirect, Response},
};
use minijinja::{context, value::Serde};
use serde::Deserialize;

use super::{key, mendable, refused};
use crate::{
    application::{Application, TrackingCode, Typed},
    desk::{SubmissionKey, Upload},
    document::{DocumentKind, MOST_BYTES},
    life_cycle::{Move, Status},
    refusal::Refusal,
    web::{
        Web,
        caller::{self, OpenForm, Visitor},
        cookies,
        fields::Fields,
        problem::PageError,
        templates,
        views::DetailView,
    },
};

/// `GET /apply`.
pub(super) async fn form() -> Result<Html<String>, PageError> {
    blank(&Typed::default(), None)
}

fn blank(typed: &Typed, error: Option<&Refusal>) -> Result<Html<String>, PageError> {
    let field = match error {
        Some(Refusal::Invalid { field, .. }) => *field,
        _ => "",
    };
    let message = error.map(|error| match error {
        Refusal::Invalid { message, .. } => message.clone(),
        other => other.to_string(),
    });
    Ok(templates::bare("apply.html", context! { form => Serde(typed), field, error => message })?)
}

/// `POST /apply`: leads to the status page, which opens by itself this once.
pub(super) async fn apply(
    State(web): State<Web>,
    OpenForm { fields, place }: OpenForm,
) -> Result<Response, PageError> {
    let one = |name: &str| fields.one(name).to_owned();
    let typed = Typed {
        company_name: one("company_name"),
        registration_number: one("registration_number"),
        country: one("country"),
        category: one("category"),
        contact_name: one("contact_name"),
        email: one("email"),
        phone: one("phone"),
        website: one("website"),
        description: one("description"),
    };
    let applied = async {
        let form = typed.check()?;
        let key = key(&fields)?;
        web.applications.take(&place, web.desk.now())?;
        web.desk.apply(&form, Some(&key)).await
    };
    match applied.await {
        Ok(application) => enter(&web, &application).await,
        Err(refusal) if mendable(&refusal) => Ok(refused(&refusal, blank(&typed, Some(&refusal))?)),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Starts a visit, and leads to the page.
async fn enter(web: &Web, application: &Application) -> Result<Response, PageError> {
    let visit = web.login.start_visit(application.id).await?;
    let cookie = AppendHeaders([cookies::set(cookies::VISIT, &visit.secret, web.secure_cookies)]);
    Ok((cookie, Redirect::to(&format!("/status/{}", application.tracking_code))).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct TrackQuery {
    #[serde(default)]
    code: String,
}

/// `GET /status?code=`: asks for the tracking code and the address.
pub(super) async fn track(Query(query): Query<TrackQuery>) -> Result<Html<String>, PageError> {
    asked(&query.code, "", None)
}

fn asked(code: &str, email: &str, error: Option<&str>) -> Result<Html<String>, PageError> {
    Ok(templates::bare("track.html", context! { code, email, error })?)
}

/// `POST /status`.
pub(super) async fn visit(
    State(web): State<Web>,
    OpenForm { fields, place }: OpenForm,
) -> Result<Response, PageError> {
    let (code, email) = (fields.one("code"), fields.one("email"));
    match web.login.visit(&place, code, email).await {
        Ok(id) => enter(&web, &web.desk.trail(id).await?.application).await,
        Err(refusal @ (Refusal::Unauthenticated(_) | Refusal::TooMany { .. })) => {
            Ok(refused(&refusal, asked(code, email, Some(&refusal.to_string()))?))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// `GET /status/{code}`.
pub(super) async fn show(
    State(web): State<Web>,
    Path(code): Path<String>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    page(&web, &visitor, &code, None).await
}

async fn page(
    web: &Web,
    visitor: &Visitor,
    code: &str,
    error: Option<&Refusal>,
) -> Result<Response, PageError> {
    let trail = web.desk.trail(visitor.application).await?;
    // A visit shows one application: another code asks for its own.
    if trail.application.tracking_code.as_str() != code {
        return Ok(Redirect::to("/status").into_response());
    }
    let token = web.token_for_visit(visitor.application)?;
    let view = DetailView::of(&trail.application, &trail.documents, &trail.entries);
    let status = trail.application.status;
    let stages = [Status::PendingReview, Status::UnderReview, Status::DocumentsRequested];
    let end = if status == Status::Rejected { Status::Rejected } else { Status::Approved };
    let content = context! {
        application => Serde(&view),
        token => token.access.reveal(),
        csrf => visitor.csrf.as_str(),
        stages => stages.into_iter().chain([end]).map(|one| (one.as_str(), one.display())).collect::<Vec<_>>(),
        may_upload => status.after(Move::Upload).is_ok(),
        most_megabytes => MOST_BYTES / (1024 * 1024),
        error => error.map(ToString::to_string),
    };
    let page = templates::bare("status.html", content)?;
    Ok(match error {
        Some(refusal) => refused(refusal, page),
        None => page.into_response(),
    })
}

/// `GET /status/{code}/documents`: leads to the page that the form is on.
pub(super) async fn back(Path(code): Path<String>) -> Redirect {
    match TrackingCode::parse(&code) {
        Some(code) => Redirect::to(&format!("/status/{code}")),
        None => Redirect::to("/status"),
    }
}

/// `POST /status/{code}/documents`.
pub(super) async fn upload(
    State(web): State<Web>,
    Path(code): Path<String>,
    visitor: Visitor,
    request: Request,
) -> Result<Response, PageError> {
    if !caller::is_ours(request.headers()) {
        return Err(Refusal::Forged.into());
    }
    let taken = take(&web, &visitor, request).await;
    match taken {
        Ok(()) => Ok(Redirect::to(&format!("/status/{code}")).into_response()),
        Err(refusal) if mendable(&refusal) => page(&web, &visitor, &code, Some(&refusal)).await,
        Err(refusal) => Err(refusal.into()),
    }
}

async fn take(web: &Web, visitor: &Visitor, request: Request) -> Result<(), Refusal> {
    let invalid = |field, message: &str| Refusal::Invalid { field, message: message.into() };
    let parts = Multipart::from_request(request, web).await;
    let mut parts = parts.map_err(|error| invalid("form", &error.body_text()))?;
    let (mut fields, mut file) = (Fields::default(), None);
    while let Some(part) = parts.next_field().await.map_err(|error| too_large(&error))? {
        match part.name().unwrap_or_default().to_owned().as_str() {
            // The proof comes before the file: nothing is read for whoever has none.
            "file" => {
                caller::prove(fields.one("csrf"), &visitor.csrf)?;
                let name = part.file_name().unwrap_or_default().to_owned();
                file = Some((name, part.bytes().await.map_err(|error| too_large(&error))?));
            }
            name => fields.push(name, &part.text().await.map_err(|error| too_large(&error))?),
        }
    }
    caller::prove(fields.one("csrf"), &visitor.csrf)?;
    let (name, bytes) =
        file.filter(|(_, bytes)| !bytes.is_empty()).ok_or_else(|| invalid("file", "choose a file"))?;
    let kind =
        DocumentKind::parse(fields.one("kind")).ok_or_else(|| invalid("kind", "choose one of the list"))?;
    let key = SubmissionKey::new(fields.one("submission"))?;
    let upload = Upload { kind, name, bytes: bytes.to_vec() };
    web.desk.upload(visitor.application, &upload, Some(&key)).await?;
    Ok(())
}

fn too_large(error: &MultipartError) -> Refusal {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        return Refusal::TooLarge(format!("a file may take {} MiB at most", MOST_BYTES / (1024 * 1024)));
    }
    Refusal::Invalid { field: "form", message: error.body_text() }
}
