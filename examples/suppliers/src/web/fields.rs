//! A form's fields: in order, repeated ones included, as browsers send check boxes.

use axum::{
    Form,
    extract::{FromRequest, Request},
};

use super::{Web, problem::PageError};
use crate::refusal::Refusal;

/// What a form sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// A field's first value; empty when it was not sent.
    pub(super) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Adds a field.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// All values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest<Web> for Fields {
    type Rejection = PageError;

    async fn from_request(request: Request, web: &Web) -> Result<Self, PageError> {
        match Form::from_request(request, web).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(error) => Err(Refusal::Invalid { field: "form", message: error.body_text() }.into()),
        }
    }
}
