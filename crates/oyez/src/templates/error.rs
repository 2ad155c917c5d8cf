//! Why a template is refused, or cannot be rendered.

use std::{fmt, path::PathBuf};

use oyez_core::{notification::Invalid, template::Part};
use oyez_protocol::{ErrorCode, Locale, TemplateName, api::deliveries::Medium};
use oyez_store::StoreError;

/// A part that cannot be used: which, where in it, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Broken {
    /// The template's name, with its language where it has one: `ticket_created (de)`.
    pub template: String,
    /// Which part.
    pub part: Part,
    /// Line and column, both counted from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template {}, {}", self.template, self.part.as_str())?;
        if let Some((line, column)) = self.place {
            write!(f, ", line {line}, column {column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why a call about templates is refused, or failed. Nothing was written, unless the store failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TemplatesError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The template cannot be used.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// One of the operator's files cannot be used.
    #[error("{0}")]
    File(Broken),
    /// The operator's folder cannot be read.
    #[error("could not read the templates in {path}: {reason}")]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No such template.
    #[error("there is no template {kind} for {medium}{}", .locale.as_ref().map(|locale| format!(" in {locale}")).unwrap_or_default())]
    NotFound {
        /// Its name.
        kind: TemplateName,
        /// What it would be sent by.
        medium: Medium,
        /// Its language.
        locale: Option<Locale>,
    },
    /// It is not stored, so it cannot be deleted.
    #[error("the template {0} is not stored but {1}: only what was stored can be deleted")]
    NotStored(TemplateName, &'static str),
    /// No more can be stored.
    #[error("there are {0} templates already, and may not be more: delete some")]
    TooMany(u64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TemplatesError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::Broken(_) => ErrorCode::Invalid,
            Self::File(_) | Self::Folder { .. } => ErrorCode::Internal,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::NotStored(..) | Self::TooMany(_) => ErrorCode::Conflict,
            Self::Store(error) => error.code(),
        }
    }
}
