//! Applications, documents and timelines as the API and the pages show them.

use oyez::protocol::Timestamp;
use serde::Serialize;

use crate::{
    application::{Application, ApplicationId, Entry, Form, TrackingCode},
    desk::Detail,
    document::{Document, DocumentId, DocumentKind},
    life_cycle::{Move, Status},
};

/// An application.
#[derive(Debug, Serialize)]
pub(super) struct ApplicationView<'a> {
    id: ApplicationId,
    tracking_code: &'a TrackingCode,
    #[serde(flatten)]
    form: &'a Form,
    category_display: &'static str,
    status: Status,
    status_display: &'static str,
    submitted_at: Timestamp,
    updated_at: Timestamp,
    decided_at: Option<Timestamp>,
    requested: &'a [DocumentKind],
    requested_display: Vec<&'static str>,
    request_note: Option<&'a str>,
    rejection_reason: Option<&'a str>,
    possible_moves: Vec<Move>,
}

impl<'a> ApplicationView<'a> {
    /// The application as it stands.
    pub(super) fn new(application: &'a Application) -> Self {
        Self {
            id: application.id,
            tracking_code: &application.tracking_code,
            form: &application.form,
            category_display: application.form.category.display(),
            status: application.status,
            status_display: application.status.display(),
            submitted_at: application.submitted_at,
            updated_at: application.updated_at,
            decided_at: application.decided_at,
            requested: &application.requested,
            requested_display: application.requested.iter().map(|kind| kind.display()).collect(),
            request_note: application.request_note.as_deref(),
            rejection_reason: application.rejection_reason.as_deref(),
            possible_moves: application.status.possible(),
        }
    }
}

/// A document.
#[derive(Debug, Serialize)]
pub(super) struct DocumentView<'a> {
    id: DocumentId,
    kind: DocumentKind,
    kind_display: &'static str,
    name: &'a str,
    media_type: &'a str,
    bytes: i64,
    size: String,
    uploaded_at: Timestamp,
    verified_at: Option<Timestamp>,
    verified_by: Option<&'a str>,
}

impl<'a> DocumentView<'a> {
    /// The document as it stands.
    pub(super) fn new(document: &'a Document) -> Self {
        Self {
            id: document.id,
            kind: document.kind,
            kind_display: document.kind.display(),
            name: &document.name,
            media_type: &document.media_type,
            bytes: document.bytes,
            size: size(document.bytes),
            uploaded_at: document.uploaded_at,
            verified_at: document.verified_at,
            verified_by: document.verified_by.as_deref(),
        }
    }
}

/// An application with all that belongs to it.
#[derive(Debug, Serialize)]
pub(super) struct DetailView<'a> {
    #[serde(flatten)]
    application: ApplicationView<'a>,
    documents: Vec<DocumentView<'a>>,
    timeline: &'a [Entry],
}

impl<'a> DetailView<'a> {
    /// As reviewers see it.
    pub(super) fn new(detail: &'a Detail) -> Self {
        Self::of(&detail.application, &detail.documents, &detail.entries)
    }

    /// These parts together.
    pub(super) fn of(application: &'a Application, documents: &'a [Document], timeline: &'a [Entry]) -> Self {
        Self {
            application: ApplicationView::new(application),
            documents: documents.iter().map(DocumentView::new).collect(),
            timeline,
        }
    }
}

/// `1.4 MB`, as people read it.
fn size(bytes: i64) -> String {
    match bytes {
        ..=999 => format!("{bytes} B"),
        1_000..=999_999 => format!("{} kB", bytes / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
