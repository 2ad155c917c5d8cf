//! Every error becomes a problem (RFC 9457): a stable code for programs, a sentence for people, and the cause for the
//! log, once, at the edge.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use oyez_core::notification::Invalid;
use oyez_protocol::{ErrorCode, api::problem::Problem};
use oyez_store::StoreError;

use crate::{
    auth::{AuthError, Scope, extract::problem_response},
    boards::BoardsError,
    deliveries::DeliveriesError,
    inbox::InboxError,
    jobs::JobsError,
    preferences::PreferencesError,
    publish::PublishError,
    push::PushError,
    templates::TemplatesError,
    users::UsersError,
    webhooks::WebhooksError,
};

/// What a handler refuses with.
#[derive(Debug)]
pub(crate) struct Refusal {
    // Boxed: a handler's `Result` is as large as its larger half.
    pub(crate) problem: Box<Problem>,
    cause: Option<Cause>,
}

/// Why the server failed, for the log only: the edge writes it once, with the request's id.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) Box<str>);

/// What a handler answers.
pub(crate) type Answer<T = Response> = Result<T, Refusal>;

impl Refusal {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::from(Problem::new(code, detail))
    }

    pub(crate) fn at(field: &str, detail: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::from(Problem::new(ErrorCode::Invalid, detail).at(field))
    }

    /// A fault of the server: the caller learns no more than that, the log learns the cause.
    pub(crate) fn internal(cause: impl Into<Box<str>>) -> Self {
        Self::new(ErrorCode::Internal, "something went wrong in the server").because(cause)
    }

    fn because(mut self, cause: impl Into<Box<str>>) -> Self {
        self.cause = Some(Cause(cause.into()));
        self
    }

    pub(crate) fn missing_scope(scope: Scope) -> Self {
        let detail = match scope {
            Scope::Admin => {
                "this needs an API key with the scope \"admin\", or a user with an admin role".into()
            }
            scope => format!(
                "this needs an API key with the scope \"{scope}\" (or \"admin\"), or a user with an admin role"
            ),
        };
        Self::new(ErrorCode::Forbidden, detail)
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let version = self.problem.version;
        let mut response = problem_response(*self.problem);
        if let Some(tag) = version.and_then(|version| HeaderValue::try_from(format!("\"{version}\"")).ok()) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), cause: None }
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Problem::from(error).into()
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Problem::new(invalid.code, invalid.message).at(invalid.field).into()
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error.code() {
            ErrorCode::Unavailable => {
                let detail = "the storage does not answer right now: try again";
                Self::new(ErrorCode::Unavailable, detail).because(error.to_string())
            }
            ErrorCode::Internal => Self::internal(error.to_string()),
            code => Self::new(code, error.to_string()),
        }
    }
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Store(error) => error.into(),
            PublishError::Invalid(invalid) => invalid.into(),
            PublishError::TooOften(too_often) => {
                let mut refusal = Self::new(ErrorCode::TooManyRequests, too_often.to_string());
                let seconds = too_often.retry_after.as_millis().div_ceil(1000);
                refusal.problem.retry_after = Some(u64::try_from(seconds).unwrap_or(u64::MAX));
                refusal
            }
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<JobsError> for Refusal {
    fn from(error: JobsError) -> Self {
        match error {
            JobsError::Store(error) => error.into(),
            JobsError::Invalid(invalid) => invalid.into(),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<BoardsError> for Refusal {
    fn from(error: BoardsError) -> Self {
        match error {
            BoardsError::Store(error) => error.into(),
            BoardsError::Invalid(invalid) => invalid.into(),
            BoardsError::Job(error) => error.into(),
            BoardsError::Mismatch { present } => {
                let mut refusal = Self::new(error.code(), error.to_string());
                refusal.problem.version = present;
                refusal
            }
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<DeliveriesError> for Refusal {
    fn from(error: DeliveriesError) -> Self {
        match error {
            DeliveriesError::Store(error) => error.into(),
            DeliveriesError::Invalid(invalid) => invalid.into(),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<PreferencesError> for Refusal {
    fn from(error: PreferencesError) -> Self {
        match error {
            PreferencesError::Store(error) => error.into(),
            PreferencesError::Invalid(invalid) => invalid.into(),
        }
    }
}

impl From<TemplatesError> for Refusal {
    fn from(error: TemplatesError) -> Self {
        match error {
            TemplatesError::Store(error) => error.into(),
            TemplatesError::Invalid(invalid) => invalid.into(),
            TemplatesError::Broken(broken) => Self::at(broken.part.as_str(), broken.to_string()),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<UsersError> for Refusal {
    fn from(error: UsersError) -> Self {
        match error {
            UsersError::Store(error) => error.into(),
            UsersError::Invalid(invalid) => invalid.into(),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<PushError> for Refusal {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Store(error) => error.into(),
            PushError::Invalid(invalid) => invalid.into(),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<WebhooksError> for Refusal {
    fn from(error: WebhooksError) -> Self {
        match error {
            WebhooksError::Store(error) => error.into(),
            WebhooksError::Invalid(invalid) => invalid.into(),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

impl From<InboxError> for Refusal {
    fn from(error: InboxError) -> Self {
        match error {
            InboxError::Store(error) => error.into(),
            InboxError::Invalid(invalid) => invalid.into(),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}
