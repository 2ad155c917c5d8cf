//! `/api/v1/templates`: the words and looks of messages, as data. Needs the scope `admin`.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    ErrorCode, Locale, TemplateName,
    api::{
        deliveries::Medium,
        page::Page,
        templates::{PreviewRequest, PreviewView, TemplateRequest, TemplateSummary, TemplateView},
    },
};
use serde::Deserialize;

use super::{
    Http,
    access::Caller,
    body::{Json, OptionalJson, Query, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    refusal::{Answer, Refusal},
};
use crate::{auth::Scope, templates::TemplatesError};

const LOCALE: &str = "The language, such as `de-CH`; absent: the one for everybody else.";

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let admin = Access::Scope(Scope::Admin);
    table
        .add(
            Endpoint::get("/api/v1/templates", "templates", "List templates")
                .describe("Without their parts. What is stored stands before the operator's files, and these before what is built in.")
                .access(admin)
                .answers_page::<TemplateSummary>("All templates, by name and language."),
            list,
        )
        .add(
            Endpoint::get("/api/v1/templates/{type}/{medium}", "templates", "Read a template")
                .access(admin)
                .query("locale", LOCALE)
                .answers::<TemplateView>(200, "The template in exactly this language."),
            one,
        )
        .add(
            Endpoint::put("/api/v1/templates/{type}/{medium}", "templates", "Make or replace a template")
                .describe(
                    "`type` is a notification's type, `default` for all that have none of their own, `digest` for a \
                     message that lists several, or a name that others `{% extends %}` or `{% include %}`: `layout` is \
                     one. The medium is `email`.\n\n\
                     All parts are replaced. It is tried before it is stored: what cannot be rendered is refused with \
                     the part as `field`, and line and column in `detail`.",
                )
                .access(admin)
                .body::<TemplateRequest>()
                .answers::<TemplateView>(200, "The template, in use from now on."),
            put,
        )
        .add(
            Endpoint::delete("/api/v1/templates/{type}/{medium}", "templates", "Delete a stored template")
                .describe("What it stood before is used again. 409 for one that is not stored.")
                .access(admin)
                .query("locale", LOCALE)
                .refuses(&[ErrorCode::Conflict])
                .answers_nothing("It is gone."),
            delete,
        )
        .add(
            Endpoint::post("/api/v1/templates/{type}/{medium}/preview", "templates", "Preview a message")
                .describe(
                    "What would be sent, with the data given and made-up data for the rest. Parts in `template` are \
                     tried in place of those that are there. Nothing is stored or sent.",
                )
                .access(admin)
                .optional_body::<PreviewRequest>()
                .answers::<PreviewView>(200, "The message."),
            preview,
        )
}

#[derive(Deserialize)]
struct LocaleQuery {
    #[serde(default)]
    locale: Option<String>,
}

impl LocaleQuery {
    fn read(&self) -> Result<Option<Locale>, Refusal> {
        let Some(text) = self.locale.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        Locale::new(text).map(Some).map_err(|error| Refusal::at("locale", error.to_string()))
    }
}

async fn list(State(state): State<Http>, caller: Caller) -> Answer {
    caller.require(Scope::Admin)?;
    let summary = |view: TemplateView| {
        let parts = [("subject", &view.subject), ("text", &view.text), ("html", &view.html)];
        let there = parts.into_iter().filter(|(_, part)| part.is_some());
        TemplateSummary {
            parts: there.map(|(name, _)| name.to_owned()).collect(),
            kind: view.kind,
            medium: view.medium,
            locale: view.locale,
            origin: view.origin,
            updated_at: view.updated_at,
        }
    };
    let data = state.templates().list().await?.into_iter().map(summary).collect();
    Ok(json(StatusCode::OK, &Page { data, next_cursor: None }))
}

async fn one(
    State(state): State<Http>,
    caller: Caller,
    Segments((kind, medium)): Segments<(TemplateName, Medium)>,
    Query(query): Query<LocaleQuery>,
) -> Answer {
    caller.require(Scope::Admin)?;
    oyez_core::template::check_medium(medium)?;
    let locale = query.read()?;
    let view = state.templates().get(&kind, locale.as_ref()).await?;
    let view = view.ok_or(TemplatesError::NotFound { kind, medium, locale })?;
    Ok(json(StatusCode::OK, &view))
}

async fn put(
    State(state): State<Http>,
    caller: Caller,
    Segments((kind, medium)): Segments<(TemplateName, Medium)>,
    Json(request): Json<TemplateRequest>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let view = state.templates().put(&kind, medium, request).await?;
    Ok(json(StatusCode::OK, &view))
}

async fn delete(
    State(state): State<Http>,
    caller: Caller,
    Segments((kind, medium)): Segments<(TemplateName, Medium)>,
    Query(query): Query<LocaleQuery>,
) -> Answer<StatusCode> {
    caller.require(Scope::Admin)?;
    state.templates().delete(&kind, medium, query.read()?.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn preview(
    State(state): State<Http>,
    caller: Caller,
    Segments((kind, medium)): Segments<(TemplateName, Medium)>,
    OptionalJson(request): OptionalJson<PreviewRequest>,
) -> Answer {
    caller.require(Scope::Admin)?;
    let message = state.templates().preview(&kind, medium, request).await?;
    let view = PreviewView { subject: message.subject, text: message.text, html: message.html };
    Ok(json(StatusCode::OK, &view))
}
