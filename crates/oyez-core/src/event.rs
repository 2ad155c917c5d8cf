//! Live-only events: told to whoever is connected now, never stored.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use oyez_protocol::{Audience, Timestamp, TopicName, UserId, api::publish::EventRequest};

use crate::{
    envelope::{MAX_DATA_BYTES, Object, check_audiences, check_keys, check_kind},
    notification::Invalid,
};

/// Largest body of a signal, in bytes of JSON.
pub const MAX_SIGNAL_BYTES: usize = 4 * 1024;

/// Keys an event's `data` may not use. Texts such as `message` are free: an event has no field of its own for them.
pub const RESERVED_KEYS: [&str; 10] = [
    "type",
    "notification_type",
    "id",
    "seq",
    "timestamp",
    "topic",
    "seen_at",
    "read_at",
    "archived_at",
    "ref",
];

/// An event on its way to the sockets.
#[derive(Debug)]
pub struct LiveEvent {
    /// Who should see it; each connection gets it once.
    pub audience: Vec<Audience>,
    /// The whole frame.
    pub text: Arc<str>,
    /// Whose connections do not get it: the sender of a signal.
    pub except: Option<UserId>,
    reach: Reach,
}

/// Counts the connections an event was handed to. When the last holder of the event lets go of it, everybody has
/// counted, and the sum is reported.
struct Reach {
    count: AtomicU64,
    report: Mutex<Option<Report>>,
}

type Report = Box<dyn FnOnce(u64) + Send>;

impl LiveEvent {
    /// An event whose reach interests nobody.
    pub fn new(audience: Vec<Audience>, text: Arc<str>, except: Option<UserId>) -> Self {
        let reach = Reach { count: AtomicU64::new(0), report: Mutex::new(None) };
        Self { audience, text, except, reach }
    }

    /// Calls `report` with the number of connections reached, as soon as the event is dropped. It must not block.
    #[must_use]
    pub fn reporting(self, report: impl FnOnce(u64) + Send + 'static) -> Self {
        *self.reach.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(report));
        self
    }

    /// Notes that the event was handed to this many connections more.
    pub fn count_reached(&self, connections: u64) {
        self.reach.count.fetch_add(connections, Ordering::Relaxed);
    }
}

/// Checks an event and composes its frame: `type` and `timestamp`, then the keys of `data`.
pub fn event(request: &EventRequest, now: Timestamp) -> Result<LiveEvent, Invalid> {
    let audience = check_audiences(&request.to)?;
    check_kind("type", &request.kind)?;
    let mut object = Object::starting("{", 256);
    object.plain("type", &request.kind);
    object.time("timestamp", now);
    if let Some(data) = &request.data {
        check_keys(data, &RESERVED_KEYS)?;
        object.flatten(data, MAX_DATA_BYTES)?;
    }
    Ok(LiveEvent::new(audience, object.finish().into(), None))
}

/// A user's signal to the others of a topic: `type`, `timestamp`, `topic`, `actor` (the sender's id), then the keys the
/// client sent. Those of the envelope are refused, so nobody can speak in another's name.
pub fn signal(
    topic: &TopicName,
    name: &str,
    data: &serde_json::Map<String, serde_json::Value>,
    sender: &UserId,
    now: Timestamp,
) -> Result<LiveEvent, Invalid> {
    check_kind("name", name)?;
    check_keys(data, &oyez_protocol::frame::RESERVED_KEYS)?;
    let mut object = Object::starting("{", 256);
    object.plain("type", name);
    object.time("timestamp", now);
    object.plain("topic", topic);
    object.field("actor", sender);
    object.flatten(data, MAX_SIGNAL_BYTES)?;
    let audience = vec![Audience::Topic(topic.clone())];
    Ok(LiveEvent::new(audience, object.finish().into(), Some(sender.clone())))
}

impl Drop for Reach {
    fn drop(&mut self) {
        if let Some(report) = self.report.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            report(*self.count.get_mut());
        }
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reach").field(&self.count).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oyez_protocol::ErrorCode;
    use serde_json::json;

    fn request(body: serde_json::Value) -> EventRequest {
        serde_json::from_value(body).unwrap()
    }

    const NOW: i64 = 1_795_179_600_000;

    #[test]
    fn an_event_is_flat_and_has_no_place_in_the_inbox() {
        let body = json!({"to": "topic:dashboard", "type": "business_created",
            "data": {"payload": {"message": "New"}, "message": "x"}});
        let event = event(&request(body), Timestamp::from_millis(NOW)).unwrap();
        assert_eq!(
            &*event.text,
            r#"{"type":"business_created","timestamp":"2026-11-20T13:00:00.000Z","payload":{"message":"New"},"message":"x"}"#
        );
        assert_eq!(event.audience, ["topic:dashboard".parse().unwrap()]);
    }

    #[test]
    fn an_event_cannot_pose_as_an_item_or_as_the_protocol() {
        let now = Timestamp::from_millis(NOW);
        for key in RESERVED_KEYS {
            let refused =
                event(&request(json!({"to": "everyone", "type": "x", "data": {key: 1}})), now).unwrap_err();
            assert_eq!((refused.code, refused.field), (ErrorCode::ReservedKey, format!("data.{key}")));
        }
        for kind in ["pong", "inbox", "", "a b", "notification"] {
            let refused = event(&request(json!({"to": "everyone", "type": kind})), now).unwrap_err();
            assert_eq!((refused.code, refused.field.as_str()), (ErrorCode::Invalid, "type"), "{kind}");
        }
        let large = json!({"to": "everyone", "type": "x", "data": {"text": "x".repeat(40_000)}});
        let refused = event(&request(large), now).unwrap_err();
        assert!(refused.message.starts_with("\"data\" may take 32768 bytes"), "{}", refused.message);
    }

    #[test]
    fn a_signal_names_its_sender_and_spares_them() {
        let (topic, sender) = (TopicName::new("t1").unwrap(), UserId::new("a\"b").unwrap());
        let data = json!({"draft": true}).as_object().unwrap().clone();
        let sent = signal(&topic, "typing", &data, &sender, Timestamp::from_millis(NOW)).unwrap();
        assert_eq!(
            &*sent.text,
            r#"{"type":"typing","timestamp":"2026-11-20T13:00:00.000Z","topic":"t1","actor":"a\"b","draft":true}"#
        );
        assert_eq!(sent.except, Some(sender.clone()));
        let forged = json!({"actor": "admin"}).as_object().unwrap().clone();
        let refused = signal(&topic, "typing", &forged, &sender, Timestamp::from_millis(NOW)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::ReservedKey);
    }

    #[test]
    fn the_reach_is_reported_when_the_last_holder_lets_go() {
        let (report, reached) = std::sync::mpsc::channel();
        let event = LiveEvent::new(Vec::new(), "{}".into(), None).reporting(move |n| report.send(n).unwrap());
        let event = Arc::new(event);
        let shard = Arc::clone(&event);
        shard.count_reached(2);
        drop(shard);
        event.count_reached(3);
        assert!(reached.try_recv().is_err(), "somebody still holds it");
        drop(event);
        assert_eq!(reached.try_recv(), Ok(5));
    }
}
