//! Every stable code a client may branch on: errors and WebSocket close codes.
//!
//! A code is a promise: it is never renamed, and each says whether to retry, refresh or stop.

use serde::{Deserialize, Serialize};

/// The stable `code` of an error, over HTTP and in `error` frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub enum ErrorCode {
    /// No credentials were sent.
    TokenMissing,
    /// The credentials cannot be read: not a JWT, not an API key.
    TokenMalformed,
    /// The token's time is over: get a new one.
    TokenExpired,
    /// Wrong signature, issuer, audience or token type, or not valid yet.
    TokenInvalid,
    /// The API key is unknown or revoked.
    KeyInvalid,
    /// The ticket is unknown, used or too old.
    TicketInvalid,
    /// Wrong user name or password.
    LoginFailed,
    /// The session was ended, or its refresh token was used twice.
    SessionRevoked,
    /// The user may not use Oyez any more.
    UserDisabled,
    /// Known, but without the right.
    Forbidden,
    /// A browser page of a foreign origin asked.
    OriginForbidden,
    /// A cookie-authenticated write without its CSRF proof.
    CsrfFailed,
    /// No such thing, or not yours.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// It contradicts what is there.
    Conflict,
    /// The attempt is not the job's present one: another worker has it, or it has ended. Stop working on it.
    Fenced,
    /// The job has ended, so it can neither be cancelled nor reported on.
    JobFinal,
    /// The job runs, or waits for a worker, so there is nothing to retry.
    JobUnfinished,
    /// The version that was named is not the present one: somebody changed it meanwhile.
    VersionMismatch,
    /// A field is missing, of the wrong type or out of range.
    Invalid,
    /// The body, or the frame, is not JSON.
    NotJson,
    /// The frame is JSON, but not an object.
    NotAnObject,
    /// The frame has no `type`.
    TypeMissing,
    /// The frame's `type` names no command.
    TypeUnknown,
    /// `data` uses a key that belongs to the envelope.
    ReservedKey,
    /// The same idempotency key came with another body.
    IdempotencyMismatch,
    /// The body's content type is not `application/json`.
    UnsupportedMediaType,
    /// More bytes than the limit.
    TooLarge,
    /// More requests than the limit: wait `retry_after`.
    TooManyRequests,
    /// More live connections than the limit.
    TooManyConnections,
    /// The server is going down, or its storage does not answer: try again.
    Unavailable,
    /// A fault of the server; the request id finds it in the log.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of PROTOCOL.md.
    pub const ALL: [Self; 32] = [
        Self::TokenMissing,
        Self::TokenMalformed,
        Self::TokenExpired,
        Self::TokenInvalid,
        Self::KeyInvalid,
        Self::TicketInvalid,
        Self::LoginFailed,
        Self::SessionRevoked,
        Self::UserDisabled,
        Self::Forbidden,
        Self::OriginForbidden,
        Self::CsrfFailed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::Fenced,
        Self::JobFinal,
        Self::JobUnfinished,
        Self::VersionMismatch,
        Self::Invalid,
        Self::NotJson,
        Self::NotAnObject,
        Self::TypeMissing,
        Self::TypeUnknown,
        Self::ReservedKey,
        Self::IdempotencyMismatch,
        Self::UnsupportedMediaType,
        Self::TooLarge,
        Self::TooManyRequests,
        Self::TooManyConnections,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The code as it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TokenMissing => "token_missing",
            Self::TokenMalformed => "token_malformed",
            Self::TokenExpired => "token_expired",
            Self::TokenInvalid => "token_invalid",
            Self::KeyInvalid => "key_invalid",
            Self::TicketInvalid => "ticket_invalid",
            Self::LoginFailed => "login_failed",
            Self::SessionRevoked => "session_revoked",
            Self::UserDisabled => "user_disabled",
            Self::Forbidden => "forbidden",
            Self::OriginForbidden => "origin_forbidden",
            Self::CsrfFailed => "csrf_failed",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::Fenced => "fenced",
            Self::JobFinal => "job_final",
            Self::JobUnfinished => "job_unfinished",
            Self::VersionMismatch => "version_mismatch",
            Self::Invalid => "invalid",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::TypeMissing => "type_missing",
            Self::TypeUnknown => "type_unknown",
            Self::ReservedKey => "reserved_key",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::TooLarge => "too_large",
            Self::TooManyRequests => "too_many_requests",
            Self::TooManyConnections => "too_many_connections",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status that carries this code.
    pub fn status(self) -> u16 {
        match self {
            Self::TokenMissing
            | Self::TokenMalformed
            | Self::TokenExpired
            | Self::TokenInvalid
            | Self::KeyInvalid
            | Self::TicketInvalid
            | Self::LoginFailed
            | Self::SessionRevoked => 401,
            Self::UserDisabled | Self::Forbidden | Self::OriginForbidden | Self::CsrfFailed => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict | Self::Fenced | Self::JobFinal | Self::JobUnfinished => 409,
            Self::VersionMismatch => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::NotJson | Self::NotAnObject => 400,
            Self::Invalid
            | Self::TypeMissing
            | Self::TypeUnknown
            | Self::ReservedKey
            | Self::IdempotencyMismatch => 422,
            Self::TooManyRequests | Self::TooManyConnections => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// What a client should do after a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterClose {
    /// Connect again, with backoff.
    Retry,
    /// Get a new token, then connect again.
    Refresh,
    /// Do not connect again by yourself.
    Stop,
}

/// WebSocket close codes that Oyez sends (RFC 6455 section 7.4; 4000-4999 are private use).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The client said goodbye.
    Normal = 1000,
    /// The server drains: come back.
    GoingAway = 1001,
    /// The peer broke RFC 6455.
    ProtocolError = 1002,
    /// A text message was not UTF-8.
    InvalidUtf8 = 1007,
    /// Abuse: too many bad or too fast frames.
    Policy = 1008,
    /// A message over the limit.
    TooBig = 1009,
    /// A fault of the server.
    Internal = 1011,
    /// The token expired: get a new one.
    TokenExpired = 4401,
    /// The user was disabled or the session revoked.
    Forbidden = 4403,
    /// A newer connection of the same user took the place.
    Replaced = 4409,
    /// Too many connections or commands.
    TooMany = 4429,
}

impl CloseCode {
    /// Every code, in the order of PROTOCOL.md.
    pub const ALL: [Self; 11] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::InvalidUtf8,
        Self::Policy,
        Self::TooBig,
        Self::Internal,
        Self::TokenExpired,
        Self::Forbidden,
        Self::Replaced,
        Self::TooMany,
    ];

    /// The number on the wire.
    pub fn as_u16(self) -> u16 {
        self as u16
    }

    /// What the client should do next.
    pub fn then(self) -> AfterClose {
        match self {
            Self::Normal | Self::GoingAway | Self::Internal | Self::TooMany => AfterClose::Retry,
            Self::TokenExpired => AfterClose::Refresh,
            Self::ProtocolError
            | Self::InvalidUtf8
            | Self::Policy
            | Self::TooBig
            | Self::Forbidden
            | Self::Replaced => AfterClose::Stop,
        }
    }
}
