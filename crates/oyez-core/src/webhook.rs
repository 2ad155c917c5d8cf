//! What applications are told by signed requests: which events there are, who wants which, and when an endpoint that
//! fails is given up.

use std::{sync::Arc, time::Duration};

use oyez_protocol::{
    Timestamp,
    api::{deliveries::DeliveryState, jobs::JobEnd, webhooks::MAX_WEBHOOK_TYPES},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    envelope::quoted,
    fallback::Pattern,
    job::{Conclusion, JobRecord},
    notification::Invalid,
};

/// A user's notification: its requests are deliveries by the medium `webhook`.
pub const NOTIFICATION: &str = "notification";
/// Asked for by a person, sent whatever the endpoint wants.
pub const TEST: &str = "webhook.test";
/// A job ended well.
pub const JOB_COMPLETED: &str = "job.completed";
/// A job's attempts are used up, or none would help.
pub const JOB_FAILED: &str = "job.failed";

/// Every event that an endpoint may want.
pub const EVENTS: [&str; 9] = [
    NOTIFICATION,
    "delivery.sent",
    "delivery.delivered",
    "delivery.retrying",
    "delivery.failed",
    "delivery.bounced",
    "delivery.skipped",
    JOB_COMPLETED,
    JOB_FAILED,
];
/// How the kinds of Oyez's own jobs begin.
const OWN_JOBS: &str = "oyez_";
/// Several events in one word.
const GROUPS: [&str; 3] = ["*", "delivery.*", "job.*"];

/// The event that tells that a delivery came into a state; none for those that say nothing new to an application.
pub fn event_of(state: DeliveryState) -> Option<&'static str> {
    match state {
        DeliveryState::Sent => Some("delivery.sent"),
        DeliveryState::Delivered => Some("delivery.delivered"),
        DeliveryState::Retrying => Some("delivery.retrying"),
        DeliveryState::Failed => Some("delivery.failed"),
        DeliveryState::Bounced => Some("delivery.bounced"),
        DeliveryState::Skipped => Some("delivery.skipped"),
        DeliveryState::Waiting | DeliveryState::Queued => None,
    }
}

/// What an endpoint wants, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interest {
    events: Vec<String>,
    types: Option<Vec<Pattern>>,
}

impl Interest {
    /// Checks what was asked for. Errors name the field, what was given and what would be right.
    pub fn new(events: &[String], types: Option<&[String]>) -> Result<Self, Invalid> {
        if events.is_empty() {
            let message =
                "\"events\" is empty: such an endpoint would be told nothing; set \"disabled\" for that";
            return Err(Invalid::new("events", message));
        }
        let unknown =
            |event: &&String| !EVENTS.contains(&event.as_str()) && !GROUPS.contains(&event.as_str());
        if let Some(wrong) = events.iter().find(unknown) {
            let known = EVENTS.iter().chain(&GROUPS).copied().collect::<Vec<_>>().join(", ");
            let message = format!("\"events\" names {}: expected some of {known}", quoted(wrong));
            return Err(Invalid::new("events", message));
        }
        if let Some(count) = types.map(<[_]>::len).filter(|count| !(1..=MAX_WEBHOOK_TYPES).contains(count)) {
            let message =
                format!("\"types\" names {count} types: expected 1 to {MAX_WEBHOOK_TYPES}, or leave it out");
            return Err(Invalid::new("types", message));
        }
        let parse = |types: &[String]| types.iter().map(|one| Pattern::parse("types", one)).collect();
        let mut events = events.to_vec();
        events.sort();
        events.dedup();
        Ok(Self { events, types: types.map(parse).transpose()? })
    }

    /// Whether it wants an event about a type of notification or a kind of job; `None`: about neither, such as the
    /// message of a digest, which an endpoint that chose types does not want.
    pub fn wants(&self, event: &str, kind: Option<&str>) -> bool {
        let group = event.split_once('.').map_or("", |(group, _)| group);
        let named = |wanted: &String| match wanted.as_str() {
            "*" => true,
            wanted => wanted == event || wanted.strip_suffix(".*").is_some_and(|wanted| wanted == group),
        };
        let of_type =
            |types: &Vec<Pattern>| kind.is_some_and(|kind| types.iter().any(|one| one.matches(kind)));
        self.events.iter().any(named) && self.types.as_ref().is_none_or(of_type)
    }
}

/// Something that happened, to be told to the endpoints that want it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Names it: the same for every endpoint and at every try, so that a receiver recognises it.
    pub id: String,
    /// Which of [`EVENTS`].
    pub event: &'static str,
    /// The notification's type, or the job's kind.
    pub kind: Option<Arc<str>>,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub data: Value,
}

impl Event {
    /// The request's body, as Standard Webhooks has it: `{"type", "timestamp", "data"}`.
    pub fn body(&self) -> String {
        body(self.event, self.at, &self.data)
    }
}

/// A request's body.
pub fn body(event: &str, at: Timestamp, data: &Value) -> String {
    json!({"type": event, "timestamp": at, "data": data}).to_string()
}

/// Names what happened to a thing: the same for the same thing, event, count and time, however often it is asked.
pub fn event_id(event: &str, thing: &str, count: u64, at: Timestamp) -> String {
    let mut hash = Sha256::new();
    for text in [event, thing] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.update(count.to_be_bytes());
    hash.update(at.as_millis().to_be_bytes());
    let hex: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("evt_{hex}")
}

/// What is told of a job's end; none while it goes on, when it was cancelled, and for jobs of Oyez itself: telling a
/// webhook is one, and its end would be the next thing to tell.
pub fn job_event(job: &JobRecord, conclusion: &Conclusion, now: Timestamp) -> Option<Event> {
    let event = match conclusion.end()? {
        JobEnd::Completed => JOB_COMPLETED,
        JobEnd::Failed => JOB_FAILED,
        JobEnd::Cancelled => return None,
    };
    if job.kind.as_str().starts_with(OWN_JOBS) {
        return None;
    }
    let read = |json: &str| serde_json::from_str::<Value>(json).unwrap_or_default();
    let mut data = json!({
        "job": job.id, "kind": job.kind, "user": job.user, "attempt": job.attempt, "data": read(&job.data),
    });
    if let Some(result) = &conclusion.result {
        data["result"] = read(result);
    }
    if let Some(error) = &conclusion.error {
        data["error"] = error.as_str().into();
    }
    let id = event_id(event, &job.id.to_string(), job.attempt.into(), now);
    Some(Event { id, event, kind: Some(job.kind.as_str().into()), at: now, data })
}

/// Whether an endpoint that has failed since then is to be disabled.
pub fn is_given_up(failing_since: Timestamp, after: Duration, now: Timestamp) -> bool {
    failing_since.plus(after) <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(events: &[&str], types: Option<&[&str]>) -> Result<Interest, Invalid> {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        Interest::new(&owned(events), types.map(owned).as_deref())
    }

    /// Events and types that an endpoint names; an event and its type; whether it is told.
    type Case<'a> = (&'a [&'a str], Option<&'a [&'a str]>, &'a str, Option<&'a str>, bool);

    #[test]
    fn an_endpoint_is_told_what_it_wants_and_nothing_else() {
        let table: [Case<'_>; 11] = [
            (&["notification"], None, "notification", Some("ticket_created"), true),
            (&["notification"], None, "delivery.sent", Some("ticket_created"), false),
            (&["delivery.*"], None, "delivery.bounced", Some("ticket_created"), true),
            (&["delivery.*"], None, "notification", Some("ticket_created"), false),
            (&["delivery.*"], None, "job.failed", Some("upload"), false),
            (&["delivery.failed", "job.*"], None, "job.failed", Some("upload"), true),
            (&["*"], None, "job.completed", Some("upload"), true),
            (&["*"], Some(&["ticket_*"]), "notification", Some("ticket_created"), true),
            (&["*"], Some(&["ticket_*"]), "notification", Some("invoice"), false),
            (&["*"], Some(&["ticket_*"]), "delivery.sent", None, false),
            (&["*"], None, "delivery.sent", None, true),
        ];
        for (events, types, event, kind, wanted) in table {
            let found = interest(events, types).unwrap().wants(event, kind);
            assert_eq!(found, wanted, "{events:?} {types:?} {event} {kind:?}");
        }
    }

    #[test]
    fn a_wrong_wish_is_refused_with_what_would_be_right() {
        let refused = interest(&["delivery.sending"], None).unwrap_err();
        assert_eq!(refused.field, "events");
        assert!(refused.message.contains("expected some of notification, delivery.sent"), "{refused}");
        assert_eq!(interest(&[], None).unwrap_err().field, "events");
        assert_eq!(interest(&["*"], Some(&[])).unwrap_err().field, "types");
        assert_eq!(interest(&["*"], Some(&["a b"])).unwrap_err().field, "types");
    }

    #[test]
    fn every_state_that_an_application_may_want_to_know_has_its_event() {
        let told = DeliveryState::ALL.into_iter().filter_map(event_of);
        assert!(told.clone().all(|event| EVENTS.contains(&event)));
        assert_eq!(told.count(), 6);
    }

    #[test]
    fn the_same_thing_told_again_has_the_same_name() {
        let (thing, now) = ("5b0f2d1e", Timestamp::from_millis(5));
        let id = event_id("delivery.sent", thing, 1, now);
        assert_eq!(id, event_id("delivery.sent", thing, 1, now));
        assert_ne!(id, event_id("delivery.sent", thing, 2, now));
        assert_ne!(id, event_id("delivery.failed", thing, 1, now));
        assert_eq!(id.len(), 36);
    }

    #[test]
    fn an_endpoint_is_given_up_when_it_failed_for_long_enough() {
        let since = Timestamp::from_millis(0);
        let days = Duration::from_secs(5 * 86_400);
        assert!(!is_given_up(since, days, since.plus(days).plus_seconds(-1)));
        assert!(is_given_up(since, days, since.plus(days)));
    }
}
