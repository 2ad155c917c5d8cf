//! A notification's status as JSON: what the API and the command line show to the application that published it.

use oyez_protocol::{Audience, NotificationId, Timestamp};
use oyez_store::NotificationStatus;
use serde::Serialize;

/// The status with the notification's own fields under `notification`, as they stand in its frames.
pub fn status_json(status: &NotificationStatus) -> String {
    #[derive(Serialize)]
    struct Fields<'a> {
        id: NotificationId,
        r#type: &'a str,
        state: &'static str,
        to: &'a [Audience],
        created_at: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        send_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        recipients: u64,
        seen: u64,
        read: u64,
    }
    let fields = Fields {
        id: status.id,
        r#type: &status.kind,
        state: status.state.as_str(),
        to: &status.audience,
        created_at: status.created_at,
        send_at: status.send_at,
        expires_at: status.expires_at,
        recipients: status.recipients,
        seen: status.seen,
        read: status.read,
    };
    let mut json = serde_json::to_string(&fields).expect("a status holds strings and numbers only");
    json.pop();
    // The tail lacks its opening brace and has its closing one.
    json.push_str(r#","notification":{"#);
    json.push_str(&status.tail);
    json.push('}');
    json
}

#[cfg(test)]
mod tests {
    use oyez_store::NotificationState;

    use super::*;

    #[test]
    fn a_status_holds_the_notification_as_its_recipients_see_it() {
        let id: NotificationId = "01930000-0000-7000-8000-000000000001".parse().unwrap();
        let status = NotificationStatus {
            id,
            kind: "x".into(),
            state: NotificationState::Waiting,
            created_at: Timestamp::from_millis(0),
            send_at: Some(Timestamp::from_millis(1)),
            expires_at: None,
            audience: vec![Audience::Everyone],
            recipients: 0,
            seen: 0,
            read: 0,
            tail: r#""type":"x","message":"m"}"#.into(),
        };
        let json: serde_json::Value = serde_json::from_str(&status_json(&status)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"id": id, "type": "x", "state": "waiting", "to": ["everyone"],
                "created_at": "1970-01-01T00:00:00.000Z", "send_at": "1970-01-01T00:00:00.001Z",
                "recipients": 0, "seen": 0, "read": 0, "notification": {"type": "x", "message": "m"}})
        );
    }
}
