//! How a command fails: a sentence, a hint, and an exit code.

use std::{fmt, io};

use crate::{config::ConfigError, server};

/// Why a command did not do what it should.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    hint: Option<String>,
    wrong_use: bool,
    told: bool,
    // Boxed: a result should not be larger for an error that is rare.
    details: Option<Box<serde_json::Value>>,
}

impl Failure {
    /// It was asked rightly and failed.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, wrong_use: false, told: false, details: None }
    }

    /// It was asked wrongly.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { wrong_use: true, ..Self::new(message) }
    }

    /// What to do about it.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What the server answered, for `--json`.
    pub(super) fn details(self, details: serde_json::Value) -> Self {
        Self { details: Some(Box::new(details)), ..self }
    }

    /// The answer that was printed says it already; with `--json` a command prints one document.
    pub(super) fn told(self) -> Self {
        Self { told: true, ..self }
    }

    /// Whether the answer said it.
    pub(super) fn is_told(&self) -> bool {
        self.told
    }

    /// 1 failed, 2 wrong use.
    pub(super) fn exit_code(&self) -> u8 {
        if self.wrong_use { 2 } else { 1 }
    }

    /// As `--json` shows it.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let mut error = serde_json::json!({"message": self.message});
        if let Some(hint) = &self.hint {
            error["hint"] = hint.as_str().into();
        }
        if let Some(details) = &self.details {
            error["details"] = (**details).clone();
        }
        serde_json::json!({"error": error})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<server::Error> for Failure {
    fn from(error: server::Error) -> Self {
        match error {
            server::Error::Config(error) => error.into(),
            other => Self::new(chain(&other)),
        }
    }
}

/// An error and its causes, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}
