//! `POST /api/v1/notifications`, `…/batch` and `/api/v1/events`.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};

use crate::{audience::Audience, ids::NotificationId, time::Timestamp};

/// Most notifications one batch may hold.
pub const MAX_BATCH: usize = 1_000;
/// Most audiences one publish may name.
pub const MAX_AUDIENCES: usize = 1_000;

/// Says a thing once, durably: an item lands in each recipient's inbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NotificationRequest {
    /// One audience or several: `"user:7"` or `["role:admin", "user:7"]`. Each recipient gets one item.
    pub to: Audiences,
    /// The frame's `type` and `notification_type`: 1 to 64 of `a-z A-Z 0-9 _ - .`; absent: `notification`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// One sentence for people, up to 4,000 characters.
    pub message: String,
    /// A headline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where a click leads: `http(s)://…` or a path starting with `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// An icon's URL, path or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// How loud: the words are the application's, `info`, `success`, `warning`, `error`, `critical` are usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Who did it: any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<serde_json::Value>,
    /// The publisher's own keys. They stand beside the envelope's in the frame; with no `type` they stay under `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub data: Option<serde_json::Map<String, serde_json::Value>>,
    /// Lands in the inboxes then, not now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Of no use after this: archived by itself, cancelled when it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Items with one key are shown as a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_key: Option<String>,
    /// Which media may carry it to people who are away; absent: what the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Vec<String>>,
    /// The same as the `Idempotency-Key` header, per notification in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// `to`: one audience or a list of 1 to [`MAX_AUDIENCES`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Audiences {
    /// `"user:7"`.
    One(Audience),
    /// `["role:admin", "user:7"]`.
    Many(Vec<Audience>),
}

// By hand, because a derived untagged enum forgets why the text was refused.
impl<'de> Deserialize<'de> for Audiences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Audiences;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an audience (\"user:<id>\", \"role:<name>\", \"topic:<name>\" or \"everyone\") \
                     or a list of them",
                )
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Audiences, E> {
                text.parse().map(Audiences::One).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Audiences, A::Error> {
                let mut audiences = Vec::new();
                while let Some(audience) = list.next_element()? {
                    if audiences.len() == MAX_AUDIENCES {
                        let message = format!("\"to\" may name {MAX_AUDIENCES} audiences at most");
                        return Err(serde::de::Error::custom(message));
                    }
                    audiences.push(audience);
                }
                Ok(Audiences::Many(audiences))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl Audiences {
    /// The audiences as a slice.
    pub fn as_slice(&self) -> &[Audience] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Many(audiences) => audiences,
        }
    }
}

impl From<Audience> for Audiences {
    fn from(audience: Audience) -> Self {
        Self::One(audience)
    }
}

impl From<Vec<Audience>> for Audiences {
    fn from(audiences: Vec<Audience>) -> Self {
        Self::Many(audiences)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Audiences {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        schemas.push((Audience::name().into_owned(), <Audience as utoipa::PartialSchema>::schema()));
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Audiences {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::{
            ToSchema as _,
            openapi::schema::{ArrayBuilder, OneOfBuilder, Ref},
        };
        let one = || Ref::from_schema_name(Audience::name());
        let many = ArrayBuilder::new().items(one()).min_items(Some(1)).max_items(Some(MAX_AUDIENCES));
        OneOfBuilder::new().item(one()).item(many).examples(["user:anna"]).into()
    }
}

/// 202: it is on disk for every recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Published {
    /// The notification.
    pub id: NotificationId,
    /// How many inboxes it landed in; 0 while it waits for `send_at`.
    pub recipients: u64,
}

/// `POST /api/v1/notifications/batch`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Up to [`MAX_BATCH`], each checked and written on its own.
    pub notifications: Vec<NotificationRequest>,
}

/// 202 for a batch: one result per notification, in their order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchAnswer {
    /// Each is what a call of its own would have answered.
    pub results: Vec<BatchResult>,
}

/// What became of one notification of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum BatchResult {
    /// It is on disk for every recipient.
    Published(Published),
    /// It was refused; the others were not.
    Refused {
        /// Why.
        error: super::problem::Problem,
    },
}

/// `GET /api/v1/notifications/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationStatus {
    /// The notification.
    pub id: NotificationId,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `waiting`, `sending`, `sent`, `cancelled` or `expired`.
    pub state: String,
    /// For whom it was published.
    pub to: Vec<Audience>,
    /// When it was published.
    pub created_at: Timestamp,
    /// When it lands, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// When it is of no use any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How many inboxes it landed in.
    pub recipients: u64,
    /// How many recipients have seen it.
    pub seen: u64,
    /// How many recipients have read it.
    pub read: u64,
    /// The notification as its recipients see it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub notification: serde_json::Map<String, serde_json::Value>,
}

/// What one recipient did with a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// Who.
    pub user_id: crate::ids::UserId,
    /// When they saw it.
    pub seen_at: Option<Timestamp>,
    /// When they read it.
    pub read_at: Option<Timestamp>,
    /// When they archived it.
    pub archived_at: Option<Timestamp>,
}

/// A live-only event to whoever is connected now.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EventRequest {
    /// Who should see it.
    pub to: Audiences,
    /// The frame's `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Keys of the frame, beside `type` and `timestamp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub data: Option<serde_json::Map<String, serde_json::Value>>,
}

impl NotificationRequest {
    /// A notification that says nothing but its message.
    pub fn new(to: impl Into<Audiences>, message: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            kind: None,
            message: message.into(),
            title: None,
            url: None,
            icon: None,
            severity: None,
            actor: None,
            data: None,
            send_at: None,
            expires_at: None,
            group_key: None,
            media: None,
            idempotency_key: None,
        }
    }
}

impl EventRequest {
    /// An event of a type for an audience, without data.
    pub fn new(to: impl Into<Audiences>, kind: impl Into<String>) -> Self {
        Self { to: to.into(), kind: kind.into(), data: None }
    }
}

/// 202 for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventReached {
    /// Connections of this node that it was handed to.
    pub reached: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_audience_or_a_list_is_read() {
        let read = |json: &str| serde_json::from_str::<Audiences>(json).map_err(|error| error.to_string());
        assert_eq!(read("\"everyone\"").unwrap().as_slice(), [Audience::Everyone]);
        assert_eq!(read("[\"user:7\",\"role:a\"]").unwrap().as_slice().len(), 2);
        let refused = read("\"alice\"").unwrap_err();
        assert!(refused.starts_with("\"alice\" is not an audience: expected \"user:<id>\""), "{refused}");
        let refused = read("[\"user:7\", \"topic:a b\"]").unwrap_err();
        assert!(refused.starts_with("topic \"a b\" is not valid"), "{refused}");
        let refused = read("7").unwrap_err();
        assert!(refused.contains("expected an audience (\"user:<id>\""), "{refused}");
        let refused = read(&serde_json::to_string(&vec!["everyone"; 1_001]).unwrap()).unwrap_err();
        assert!(refused.starts_with("\"to\" may name 1000 audiences at most"), "{refused}");
    }
}
