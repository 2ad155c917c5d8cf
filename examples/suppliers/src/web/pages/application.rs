//! The back office's page of one application, its moves, and its documents' files.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use minijinja::{context, value::Serde};

use super::{key, mendable, refused};
use crate::{
    application::ApplicationId,
    desk::Step,
    document::{DocumentId, DocumentKind},
    people::Person,
    refusal::Refusal,
    web::{
        Web,
        caller::{SignedForm, Staff},
        fields::Fields,
        problem::PageError,
        templates,
        views::DetailView,
    },
};

/// `GET /office/applications/{id}`.
pub(super) async fn show(
    State(web): State<Web>,
    Staff { person, csrf }: Staff,
    Path(id): Path<i64>,
) -> Result<Html<String>, PageError> {
    detail(&web, &person, &csrf, ApplicationId(id), None).await
}

/// An application's page, after a refused form with what was refused.
async fn detail(
    web: &Web,
    person: &Person,
    csrf: &str,
    id: ApplicationId,
    refused: Option<(&Refusal, &Fields)>,
) -> Result<Html<String>, PageError> {
    let detail = web.desk.detail(person, id).await?;
    let mails = web.mails.of(id).await?;
    let supplier = detail.supplier.as_ref().map(|(supplier, credential)| {
        context! {
            name => supplier.name.as_str(),
            must_set_password => supplier.must_set_password,
            used => credential.is_some_and(|credential| credential.used_at.is_some()),
            expires_at => credential.map(|credential| credential.expires_at.to_string()),
        }
    });
    let moves: Vec<_> = detail.application.status.possible().into_iter().map(|step| step.as_str()).collect();
    let content = context! {
        application => Serde(&DetailView::new(&detail)),
        moves, supplier,
        mails => Serde(&mails),
        error => refused.map(|(refusal, _)| refusal.to_string()),
        // What was typed is not lost when a form is refused.
        note => refused.map_or("", |(_, fields)| fields.one("note")),
        reason => refused.map_or("", |(_, fields)| fields.one("reason")),
    };
    Ok(templates::page("application.html", person, csrf, content)?)
}

/// Reads a move from its path and its form.
pub(in crate::web) fn read(step: &str, fields: &Fields) -> Result<Step, Refusal> {
    Ok(match step {
        "review" => Step::Review,
        "request_documents" => {
            let kinds = fields.all("document").filter_map(DocumentKind::parse).collect();
            Step::RequestDocuments(kinds, fields.one("note").into())
        }
        "verify" => {
            let id = fields.one("document").parse().map_err(|_| Refusal::NotFound("document"))?;
            Step::Verify(DocumentId(id))
        }
        "approve" => Step::Approve,
        "reject" => Step::Reject(fields.one("reason").into()),
        _ => return Err(Refusal::NotFound("move")),
    })
}

/// `POST /office/applications/{id}/{review | request_documents | verify | approve | reject | credentials}`.
pub(super) async fn step(
    State(web): State<Web>,
    Path((id, step)): Path<(i64, String)>,
    SignedForm { person, fields }: SignedForm,
) -> Result<Response, PageError> {
    let id = ApplicationId(id);
    let done = if step == "credentials" {
        web.desk.send_credentials(&person, id).await
    } else {
        match (read(&step, &fields), key(&fields)) {
            (Ok(step), Ok(key)) => web.desk.step(&person, id, &step, Some(&key)).await.map(drop),
            (Err(refusal), _) | (_, Err(refusal)) => Err(refusal),
        }
    };
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/office/applications/{id}")).into_response()),
        Err(refusal) if mendable(&refusal) => {
            let page = detail(&web, &person, fields.one("csrf"), id, Some((&refusal, &fields))).await?;
            Ok(refused(&refusal, page))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// `GET /office/applications/{id}/{step}`: nothing is done by looking; leads to the application.
pub(super) async fn back(Path((id, _step)): Path<(i64, String)>) -> Redirect {
    Redirect::to(&format!("/office/applications/{id}"))
}

/// `GET /office/documents/{id}`: the file, to be kept and not to be shown. What an applicant sent must not run here.
pub(super) async fn document(
    State(web): State<Web>,
    Staff { person, .. }: Staff,
    Path(id): Path<i64>,
) -> Result<Response, PageError> {
    let (document, bytes) = web.desk.document(&person, DocumentId(id)).await?;
    let header_value =
        |text: &str| HeaderValue::from_str(text).map_err(|error| Refusal::Internal(error.into()));
    let headers = [
        (header::CONTENT_TYPE, header_value(&document.media_type)?),
        // The name was made safe when the document came.
        (header::CONTENT_DISPOSITION, header_value(&format!("attachment; filename=\"{}\"", document.name))?),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    Ok((headers, bytes).into_response())
}
