//! Why Oyez cannot be started, or a call of the embedded Oyez failed.

use std::io;

use oyez_core::notification::Invalid;
use oyez_protocol::{UserId, ids::NameError};
use oyez_store::{OpenError, StoreError};

use super::{DataDirError, TlsError};
use crate::{
    auth::{AuthError, SetupError},
    boards::BoardsError,
    config::ConfigError,
    deliveries::DeliveriesError,
    jobs::JobsError,
    key_file::KeyFileError,
    preferences::PreferencesError,
    publish::PublishError,
    push::PushError,
    templates::TemplatesError,
    users::UsersError,
    webhooks::WebhooksError,
};

/// Why it did not work. Each says what is wrong, and most say what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request is refused; nothing was written.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The publish is refused, or failed.
    #[error(transparent)]
    Publish(PublishError),
    /// The call about jobs is refused, or failed.
    #[error(transparent)]
    Jobs(JobsError),
    /// The call about boards is refused, or failed.
    #[error(transparent)]
    Boards(BoardsError),
    /// The call about deliveries is refused, or failed.
    #[error(transparent)]
    Deliveries(DeliveriesError),
    /// The call about templates is refused, or failed, or a template cannot be used.
    #[error(transparent)]
    Templates(TemplatesError),
    /// The call about push subscriptions is refused.
    #[error(transparent)]
    Push(PushError),
    /// The call about webhooks is refused.
    #[error(transparent)]
    Webhooks(WebhooksError),
    /// E-mail cannot be set up as the settings have it.
    #[error("e-mail: {0}")]
    Email(String),
    /// A job's kind is not a name that a kind may have.
    #[error(transparent)]
    Kind(#[from] NameError),
    /// The arguments of a job are no JSON.
    #[error("the arguments are no JSON: {0}")]
    Arguments(#[from] serde_json::Error),
    /// The caller is refused.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Nobody knows this user.
    #[error("there is no user {0}")]
    UnknownUser(UserId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The signing key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The keys of other issuers cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error(
        "could not listen on {address}: {source}; --listen names another address, with port 0 a free one"
    )]
    Listen {
        /// Which address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// A thread could not be started, or a file not written.
    #[error("could not start: {0}")]
    Io(#[from] io::Error),
    /// Background work died: the server cannot keep its promises any more.
    #[error("{0}; the log says why")]
    WorkerFailed(String),
}

impl From<PublishError> for Error {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Invalid(invalid) => Self::Invalid(invalid),
            PublishError::Store(error) => Self::Store(error),
            other => Self::Publish(other),
        }
    }
}

impl From<BoardsError> for Error {
    fn from(error: BoardsError) -> Self {
        match error {
            BoardsError::Invalid(invalid) => Self::Invalid(invalid),
            BoardsError::Job(error) => error.into(),
            BoardsError::Store(error) => Self::Store(error),
            other => Self::Boards(other),
        }
    }
}

impl From<DeliveriesError> for Error {
    fn from(error: DeliveriesError) -> Self {
        match error {
            DeliveriesError::Invalid(invalid) => Self::Invalid(invalid),
            DeliveriesError::Store(error) => Self::Store(error),
            other => Self::Deliveries(other),
        }
    }
}

impl From<PreferencesError> for Error {
    fn from(error: PreferencesError) -> Self {
        match error {
            PreferencesError::Invalid(invalid) => Self::Invalid(invalid),
            PreferencesError::Store(error) => Self::Store(error),
        }
    }
}

impl From<TemplatesError> for Error {
    fn from(error: TemplatesError) -> Self {
        match error {
            TemplatesError::Invalid(invalid) => Self::Invalid(invalid),
            TemplatesError::Store(error) => Self::Store(error),
            other => Self::Templates(other),
        }
    }
}

impl From<PushError> for Error {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Invalid(invalid) => Self::Invalid(invalid),
            PushError::Store(error) => Self::Store(error),
            other => Self::Push(other),
        }
    }
}

impl From<WebhooksError> for Error {
    fn from(error: WebhooksError) -> Self {
        match error {
            WebhooksError::Invalid(invalid) => Self::Invalid(invalid),
            WebhooksError::Store(error) => Self::Store(error),
            other => Self::Webhooks(other),
        }
    }
}

impl From<JobsError> for Error {
    fn from(error: JobsError) -> Self {
        match error {
            JobsError::Invalid(invalid) => Self::Invalid(invalid),
            JobsError::Store(error) => Self::Store(error),
            other => Self::Jobs(other),
        }
    }
}

impl From<UsersError> for Error {
    fn from(error: UsersError) -> Self {
        match error {
            UsersError::Invalid(invalid) => Self::Invalid(invalid),
            UsersError::NotFound(user) => Self::UnknownUser(user),
            UsersError::Store(error) => Self::Store(error),
        }
    }
}
