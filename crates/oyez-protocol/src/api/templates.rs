//! `/api/v1/templates`: the words and looks of what is sent to people who are away, as data.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::deliveries::Medium;
use crate::{
    ids::{Locale, TemplateName},
    time::Timestamp,
};

/// `PUT /api/v1/templates/{type}/{medium}`: replaces all parts of one template in one language.
///
/// Parts are in Jinja syntax. At least one is there; what a template lacks comes from the one named `default`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TemplateRequest {
    /// The language it is written in; absent: for everybody who has no closer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The subject: one line, data stand in it as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "Ticket {{ ticket.id }}: {{ ticket.title }}"))]
    pub subject: Option<String>,
    /// The plain text; absent where there is `html`: it is made from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The HTML, or MJML when it begins with `<mjml>`; data in it are escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

/// Where a template comes from. What is stored goes before the operator's files, and these before what is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TemplateOrigin {
    /// Built into the server.
    BuiltIn,
    /// A file in the folder that `email.templates` names.
    Folder,
    /// Stored over the API.
    Stored,
}

/// `GET /api/v1/templates/{type}/{medium}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateView {
    /// The type of notification it is for, or the name others extend or include it by.
    #[serde(rename = "type")]
    pub kind: TemplateName,
    /// What it is sent by.
    pub medium: Medium,
    /// The language it is written in.
    pub locale: Option<Locale>,
    /// Where it comes from.
    pub origin: TemplateOrigin,
    /// The subject.
    pub subject: Option<String>,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML, or MJML.
    pub html: Option<String>,
    /// When it was stored; absent for files and what is built in.
    pub updated_at: Option<Timestamp>,
}

/// One of `GET /api/v1/templates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TemplateSummary {
    /// The type of notification it is for, or the name others extend or include it by.
    #[serde(rename = "type")]
    pub kind: TemplateName,
    /// What it is sent by.
    pub medium: Medium,
    /// The language it is written in.
    pub locale: Option<Locale>,
    /// Where it comes from.
    pub origin: TemplateOrigin,
    /// Which parts it has: `subject`, `text`, `html`.
    pub parts: Vec<String>,
    /// When it was stored; absent for files and what is built in.
    pub updated_at: Option<Timestamp>,
}

/// `POST /api/v1/templates/{type}/{medium}/preview`: what would be sent. Nothing is stored or sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// The reader's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// Parts that are tried in place of those that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateRequest>,
    /// The notification: its own fields (`title`, `message`, `url`, …) and the publisher's keys beside them, as a frame
    /// has them. What is left out is made up.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, example = json!({"ticket": {"id": 7, "title": "No hot water"}})))]
    pub notification: Map<String, Value>,
    /// The reader's `name` and `email`; what is left out is made up.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, example = json!({"name": "Anna"})))]
    pub user: Map<String, Value>,
}

/// A message as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewView {
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML; absent when the template has none.
    pub html: Option<String>,
}
