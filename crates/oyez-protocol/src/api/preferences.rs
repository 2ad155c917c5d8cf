//! `/api/v1/users/{id}/preferences`: what a user wants to be told, by which medium and when; and the operator's rules
//! that hold where the user says nothing.
//!
//! Words are texts here, not enums, so that a refusal can name the field, what was given, and what is right; the core
//! checks them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{deliveries::Medium, jobs::BackoffRequest};

/// Most types that preferences may name.
pub const MAX_TYPES: usize = 200;
/// Most rules that an operator may set.
pub const MAX_RULES: usize = 500;

/// By medium: `off`, `at_once`, `if_unseen` or `digest`.
pub type Choices = BTreeMap<String, String>;

/// `PUT /api/v1/users/{id}/preferences`: replaces all that was there. `{}` means: as the operator has it.
///
/// For one type and medium the most exact entry of `types` that names the medium counts, then `default`, then the
/// operator's rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PreferencesRequest {
    /// For types that are not named below, by medium (`email`, `web_push`, `webhook`): `off`, `at_once`, `if_unseen`
    /// or `digest`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, example = json!({"email": "if_unseen"})))]
    pub default: Choices,
    /// The same for a type, or for all that start alike: `ticket_created`, `ticket_*`. Up to [`MAX_TYPES`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object, example = json!({"ticket_*": {"email": "digest"}})))]
    pub types: BTreeMap<String, Choices>,
    /// No delivery goes out then, but those of critical types: they wait for the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHoursRequest>,
    /// When this user's digests are sent; absent: as the operator has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<WindowRequest>,
}

/// A stretch of each day, over midnight when it ends earlier than it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct QuietHoursRequest {
    /// The first quiet minute, `HH:MM`.
    #[cfg_attr(feature = "openapi", schema(example = "22:00"))]
    pub from: String,
    /// The first minute that is not quiet any more, `HH:MM`.
    #[cfg_attr(feature = "openapi", schema(example = "07:00"))]
    pub to: String,
    /// An IANA name, such as `Europe/Zurich`; absent: the time zone of the user's profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// How long a digest collects: one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WindowRequest {
    /// Whole seconds from the first notification on, 10 to 2,678,400 (31 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// Until this time of the user's day, `HH:MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "08:00"))]
    pub at: Option<String>,
}

/// `GET /api/v1/users/{id}/preferences`: what the user chose, and what there is to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreferencesView {
    /// What the user chose.
    #[serde(flatten)]
    pub preferences: PreferencesRequest,
    /// The media that are set up.
    pub media: Vec<Medium>,
    /// Types, and beginnings of types with `*`, that cannot be muted.
    pub critical: Vec<CriticalType>,
}

/// Types that cannot be muted for a medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CriticalType {
    /// A type, or how types start, with `*`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The medium that always carries it.
    pub medium: Medium,
}

/// The operator's rules, as the configuration has them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRequest {
    /// Where a user's time zone is not known; absent: `UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Seconds that `if_unseen` waits; absent: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<f64>,
    /// How long a digest collects; absent: an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<WindowRequest>,
    /// By medium, for types that no rule names; absent: e-mail and web push `if_unseen`, webhooks `off`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub default: Choices,
    /// What holds for some types, up to [`MAX_RULES`]. The most exact rule counts, whatever their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleRequest>,
    /// By medium: how many may go to one user.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub throttle: BTreeMap<String, ThrottleRequest>,
    /// By medium: how often a failed delivery is tried.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retry: BTreeMap<String, RetryRequest>,
}

/// What holds for some types and media.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleRequest {
    /// Types, and beginnings of types with `*`.
    pub types: Vec<String>,
    /// Which media; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Vec<String>>,
    /// `off`, `at_once`, `if_unseen` or `digest`.
    pub when: String,
    /// Seconds that `if_unseen` waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<f64>,
    /// How long a digest collects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<WindowRequest>,
    /// It cannot be muted or put into a digest by the user, and waits neither for the end of quiet hours nor for a
    /// throttle.
    #[serde(default)]
    pub critical: bool,
    /// Whether it waits for the end of quiet hours; absent: it does, but by webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<bool>,
}

/// How many deliveries one user gets by one medium.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThrottleRequest {
    /// So many at once, 1 to 10,000, refilled evenly over the period.
    pub count: u32,
    /// Seconds, 1 to 2,678,400 (31 days).
    pub period: f64,
    /// What becomes of those that are too many: `digest` collects them into one message, `wait` sends them later,
    /// `skip` leaves them out; absent: `digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

/// How often a failed delivery is tried.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// 1 to 100; absent: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u16>,
    /// How long to wait between attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffRequest>,
}
