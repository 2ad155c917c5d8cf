//! Tables of windows, keys and closings; and a store in which everything that may happen at once does.

use std::collections::{HashMap, HashSet};

use oyez_protocol::{
    DeliveryId, NotificationId,
    api::{
        deliveries::{SkipReason, Timing},
        preferences::PolicyRequest,
    },
};
use proptest::prelude::*;

use super::*;
use crate::{
    delivery::{Address, Decision, Delivery, Facts, Item, Outcome, Subject, conclude, decide},
    fallback::{Notice, Policy, Preferences, Recipient, plan},
    rate::Bucket,
};

static UTC: TimeZone = TimeZone::UTC;
static NONE: Preferences = Preferences::NONE;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn millis(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_795_179_600_000 + millis)
}

fn anna() -> UserId {
    "anna".parse().unwrap()
}

fn window(body: &str) -> Window {
    Window::new("digest", &serde_json::from_str(body).unwrap()).unwrap()
}

fn collecting(window: Window) -> Collecting {
    let key = DigestKey::grouped(&anna(), Medium::Email, window, None);
    Collecting { key, window, zone: TimeZone::UTC }
}

fn opened(collected: Collected) -> Digest {
    match collected {
        Collected::Opens(digest) => digest,
        Collected::Joins(id) => panic!("joins {id}"),
    }
}

fn policy(body: &str) -> Policy {
    let request: PolicyRequest = serde_json::from_str(body).unwrap();
    Policy::new(&request, &Medium::ALL).unwrap()
}

fn facts<'a>(policy: &'a Policy, preferences: &'a Preferences) -> Facts<'a> {
    Facts {
        policy,
        preferences,
        zone: &UTC,
        active: true,
        address: Address::Known,
        bucket: Bucket::default(),
        overflows: false,
    }
}

fn delivery(number: u8, kind: &str) -> Delivery {
    let id: NotificationId = format!("00000000-0000-7000-8000-0000000000{number:02x}").parse().unwrap();
    let subject = Subject::Notification { id, kind: kind.into() };
    Delivery {
        id: crate::delivery::delivery_id(&subject, &anna(), Medium::Email),
        user: anna(),
        medium: Medium::Email,
        subject,
        timing: Timing::Digest,
        state: DeliveryState::Waiting,
        reason: None,
        digest: None,
        attempt: 0,
        given_back: 0,
        resends: 0,
        due_at: None,
        lease_until: None,
        created_at: millis(i64::from(number)),
        expires_at: None,
    }
}

#[test]
fn a_window_ends_after_its_length_or_at_its_time_of_day() {
    let table = [
        (r#"{"every":600}"#, "UTC", "2026-06-01T12:00:00Z", "2026-06-01T12:10:00Z"),
        (r#"{"at":"08:00"}"#, "UTC", "2026-06-01T07:59:59.999Z", "2026-06-01T08:00:00Z"),
        // Who comes at the time itself waits for the next day: the message of this day may be under way.
        (r#"{"at":"08:00"}"#, "UTC", "2026-06-01T08:00:00Z", "2026-06-02T08:00:00Z"),
        (r#"{"at":"08:00"}"#, "Europe/Zurich", "2026-06-01T06:00:00Z", "2026-06-02T06:00:00Z"),
        (r#"{"at":"08:00"}"#, "Europe/Zurich", "2026-10-24T07:00:00Z", "2026-10-25T07:00:00Z"),
        // The clock leaps over it: right after the leap. It repeats it: once.
        (r#"{"at":"02:30"}"#, "Europe/Zurich", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        (r#"{"at":"02:30"}"#, "Europe/Zurich", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        (r#"{"at":"02:30"}"#, "Europe/Zurich", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
    ];
    for (body, zone, start, end) in table {
        let found = window(body).end(at(start), &TimeZone::get(zone).unwrap());
        assert_eq!(found, at(end), "{body} in {zone} from {start}");
    }
}

#[test]
fn a_window_names_one_of_the_two() {
    let table = [
        ("{}", "digest", "names neither \"every\" nor \"at\": expected one of them, {\"every\": 3600}"),
        (r#"{"every":60,"at":"08:00"}"#, "digest", "names both"),
        (r#"{"every":9}"#, "digest.every", "is 9: it must be 10 to 2678400 seconds"),
        (r#"{"every":4000000}"#, "digest.every", "is 4000000"),
        (r#"{"at":"8 am"}"#, "digest.at", "is \"8 am\": expected a time of day"),
    ];
    for (body, field, why) in table {
        let refused = Window::new("digest", &serde_json::from_str(body).unwrap()).unwrap_err();
        assert_eq!(refused.field, field);
        assert!(refused.message.contains(why), "{}", refused.message);
    }
}

#[test]
fn the_id_follows_from_user_medium_key_and_start_alone() {
    let hourly = window(r#"{"every":3600}"#);
    let key =
        |user: &str, medium, window, group| DigestKey::grouped(&user.parse().unwrap(), medium, window, group);
    let keys = [
        key("anna", Medium::Email, hourly, None),
        key("ann", Medium::Email, hourly, None),
        key("anna", Medium::WebPush, hourly, None),
        key("anna", Medium::Email, window(r#"{"at":"08:00"}"#), None),
        key("anna", Medium::Email, hourly, Some("")),
        key("anna", Medium::Email, hourly, Some("ticket-7")),
        DigestKey::throttled(&anna(), Medium::Email),
    ];
    let starts = [millis(0), millis(1)];
    let ids: HashSet<DigestId> =
        keys.iter().flat_map(|key| starts.iter().map(|start| key.id(*start))).collect();
    assert_eq!(ids.len(), keys.len() * starts.len(), "no two are alike");
    assert_eq!(keys[0].id(millis(0)), key("anna", Medium::Email, hourly, None).id(millis(0)));
    // Kept: it is the key of rows, and names messages.
    assert_eq!(keys[0].id(at("2026-01-01T00:00:00Z")).to_string(), "cbf06054-7ed5-85eb-ae40-a8e78f67df66");
}

#[test]
fn events_of_one_instant_share_a_digest_and_a_closed_one_is_followed_by_another() {
    let collecting = collecting(window(r#"{"every":600}"#));
    let (one, two) = (collecting.join(None, millis(0)), collecting.join(None, millis(0)));
    assert_eq!(one, two, "two nodes that know nothing of each other make the same row");
    let first = opened(one);
    assert_eq!((first.start, first.due_at), (millis(0), millis(600_000)));
    // Open, it is joined, overdue or not.
    assert_eq!(collecting.join(Some(&first), millis(0)), Collected::Joins(first.id));
    assert_eq!(collecting.join(Some(&first), millis(700_000)), Collected::Joins(first.id));
    for state in DigestState::ALL.into_iter().skip(1) {
        assert_eq!(state.as_str().parse(), Ok(state));
        let closed = Digest { state, ..first.clone() };
        let later = opened(collecting.join(Some(&closed), millis(600_001)));
        assert_eq!((later.start, later.due_at), (millis(600_001), millis(1_200_001)));
        // In the instant it started in, or before it by a clock that was set back: still another.
        for now in [0, -5_000] {
            let next = opened(collecting.join(Some(&closed), millis(now)));
            assert_eq!(next.start, millis(1));
            assert_ne!(next.id, first.id);
        }
    }
}

#[test]
fn a_digest_lists_what_is_still_of_use_oldest_first() {
    let policy = policy(r#"{"rules":[{"types":["off"],"when":"off"}]}"#);
    let preferences = serde_json::from_str(r#"{"types":{"muted":{"email":"off"}}}"#).unwrap();
    let preferences = Preferences::read(&preferences).unwrap();
    let now = millis(600_000);
    let plain = |number| (delivery(number, "x"), Item::default());
    let seen = Item { seen: true, withdrawn: false };
    let members = [
        plain(3),
        plain(1),
        (delivery(2, "x"), seen),
        (Delivery { timing: Timing::AtOnce, ..delivery(4, "x") }, seen),
        (Delivery { expires_at: Some(now), ..delivery(5, "x") }, Item::default()),
        (Delivery { expires_at: Some(millis(600_001)), ..delivery(6, "x") }, Item::default()),
        (delivery(7, "x"), Item { seen: false, withdrawn: true }),
        (delivery(8, "muted"), Item::default()),
        (delivery(9, "off"), Item::default()),
        (Delivery { state: DeliveryState::Skipped, ..delivery(10, "x") }, Item::default()),
    ];
    let members: Vec<Member<'_>> =
        members.iter().map(|(delivery, item)| Member { delivery, item: *item }).collect();
    let digest = opened(collecting(window(r#"{"every":600}"#)).join(None, millis(0)));
    let id = |number| delivery(number, "x").id;
    let Closing::Close { listed, mut left_out, message, .. } =
        close(&digest, &members, &facts(&policy, &preferences), now)
    else {
        panic!("it closes")
    };
    assert_eq!(listed, [1, 3, 4, 6].map(id));
    let mut expected = [
        (id(2), SkipReason::Seen),
        (id(5), SkipReason::Expired),
        (id(7), SkipReason::Withdrawn),
        (id(8), SkipReason::Muted),
        (id(9), SkipReason::Off),
    ];
    left_out.sort_by_key(|(id, _)| *id);
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!(left_out, expected);
    assert_eq!(
        (message.digest, message.state, message.due_at),
        (Some(digest.id), DeliveryState::Queued, Some(now))
    );
    assert!(!message.ends_with_seen() && !message.ends_with_notification());

    // Nothing left, or nobody to tell.
    let alone = &members[2..3];
    let dropped = Closing::Drop { left_out: vec![(id(2), SkipReason::Seen)] };
    assert_eq!(close(&digest, alone, &facts(&policy, &preferences), now), dropped);
    let gone = Facts { address: Address::Missing, ..facts(&policy, &preferences) };
    let dropped = Closing::Drop { left_out: vec![(id(3), SkipReason::NoAddress)] };
    assert_eq!(close(&digest, &members[..1], &gone, now), dropped);
    assert_eq!(close(&digest, &[], &gone, now), Closing::Drop { left_out: Vec::new() });
    // Closed by somebody else, or not due.
    let closing = Digest { state: DigestState::Closing, ..digest.clone() };
    assert_eq!(close(&closing, &members, &gone, now), Closing::Leave);
    assert_eq!(close(&digest, &members, &gone, millis(599_999)), Closing::Wait { until: now });
}

#[test]
fn a_digest_waits_for_the_end_of_quiet_hours_and_of_a_throttle() {
    let policy = policy(
        r#"{"throttle":{"email":{"count":1,"period":3600}},
            "rules":[{"types":["alarm"],"when":"digest","critical":true},
                     {"types":["free"],"when":"digest","quiet_hours":false}]}"#,
    );
    let quiet = serde_json::from_str(r#"{"quiet_hours":{"from":"22:00","to":"07:00"}}"#).unwrap();
    let quiet = Preferences::read(&quiet).unwrap();
    let now = at("2026-06-01T23:00:00Z");
    let start = at("2026-06-01T22:50:00Z");
    let digest = opened(collecting(window(r#"{"every":600}"#)).join(None, start));
    let (plain, alarm, free) = (delivery(1, "x"), delivery(2, "alarm"), delivery(3, "free"));
    let member = |delivery| Member { delivery, item: Item::default() };
    let quiet = facts(&policy, &quiet);
    let until = at("2026-06-02T07:00:00Z");
    assert_eq!(close(&digest, &[member(&plain)], &quiet, now), Closing::Wait { until });
    let timing = |members: &[Member<'_>], facts: &Facts<'_>, now| match close(&digest, members, facts, now) {
        Closing::Close { message, bucket, .. } => Ok((message.timing, bucket != facts.bucket)),
        other => Err(other),
    };
    // What is urgent takes the others along.
    assert_eq!(timing(&[member(&plain), member(&alarm)], &quiet, now), Ok((Timing::AtOnce, false)));
    assert_eq!(timing(&[member(&plain), member(&free)], &quiet, now), Ok((Timing::AtOnce, true)));
    assert_eq!(timing(&[member(&plain)], &quiet, until), Ok((Timing::Digest, true)));
    // Its message waits no second time.
    let Closing::Close { message, .. } = close(&digest, &[member(&alarm)], &quiet, now) else {
        panic!("closes")
    };
    assert!(matches!(decide(&message, Item::default(), &quiet, now), Decision::Send { .. }));

    let mut spent = facts(&policy, &NONE);
    spent.bucket.take(policy.throttle(Medium::Email).unwrap().rate, now).unwrap();
    let until = now.plus_seconds(3_600);
    assert_eq!(close(&digest, &[member(&plain)], &spent, now), Closing::Wait { until });
    assert_eq!(timing(&[member(&alarm)], &spent, now), Ok((Timing::AtOnce, false)));
    assert_eq!(timing(&[member(&plain)], &spent, until), Ok((Timing::Digest, true)));
}

#[test]
fn a_digest_and_its_list_follow_its_message() {
    let table = [
        (DeliveryState::Queued, DigestState::Closing, DeliveryState::Queued),
        (DeliveryState::Retrying, DigestState::Closing, DeliveryState::Queued),
        (DeliveryState::Sent, DigestState::Sent, DeliveryState::Sent),
        (DeliveryState::Delivered, DigestState::Sent, DeliveryState::Delivered),
        (DeliveryState::Failed, DigestState::Failed, DeliveryState::Failed),
        (DeliveryState::Bounced, DigestState::Failed, DeliveryState::Bounced),
        (DeliveryState::Skipped, DigestState::Failed, DeliveryState::Skipped),
    ];
    for (message, digest, member) in table {
        assert_eq!(follow(message), (digest, member));
    }
}

/// What happens next.
#[derive(Debug, Clone)]
enum Event {
    /// A notification is published, or published again; perhaps by a node that saw the digests as they were before.
    Publish { number: u8, stale: bool },
    /// Its user sees it.
    Seen { number: u8 },
    /// Two workers close what is due, having read the same.
    Close,
    /// A worker tries each message that is due, and this comes of it.
    Send { outcome: usize },
    /// The clock goes on, stands, or is set back.
    Pass { millis: i64 },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0..40_u8, any::<bool>()).prop_map(|(number, stale)| Event::Publish { number, stale }),
        1 => (0..40_u8).prop_map(|number| Event::Seen { number }),
        2 => Just(Event::Close),
        2 => (0..4_usize).prop_map(|outcome| Event::Send { outcome }),
        2 => prop_oneof![Just(1), Just(9_999), Just(10_000), Just(40_000), Just(-20_000)]
            .prop_map(|millis| Event::Pass { millis }),
    ];
    prop::collection::vec(event, 1..120)
}

/// A store that keeps the promises that the module asks for: ids are unique, one digest of a key is open, a state
/// changes only from the state it was read in.
struct Store {
    policy: Policy,
    now: Timestamp,
    digests: Vec<Digest>,
    before: Vec<Digest>,
    deliveries: HashMap<DeliveryId, Delivery>,
    seen: HashSet<NotificationId>,
    listings: HashMap<DigestId, Vec<Vec<DeliveryId>>>,
    accepted: HashMap<DigestId, u32>,
}

impl Store {
    fn new() -> Self {
        Self {
            policy: policy(r#"{"default":{"email":"digest","web_push":"off"},"digest":{"every":10}}"#),
            now: millis(0),
            digests: Vec::new(),
            before: Vec::new(),
            deliveries: HashMap::new(),
            seen: HashSet::new(),
            listings: HashMap::new(),
            accepted: HashMap::new(),
        }
    }

    fn notification(number: u8) -> NotificationId {
        format!("00000000-0000-7000-8000-0000000000{number:02x}").parse().unwrap()
    }

    fn publish(&mut self, number: u8, stale: bool) {
        let notice = Notice {
            id: Self::notification(number),
            kind: "x",
            group_key: None,
            media: None,
            expires_at: None,
        };
        let user = anna();
        let recipient = Recipient { user: &user, preferences: &NONE, zone: &UTC };
        let planned = plan(&notice, &self.policy, [recipient], self.now);
        assert_eq!(planned.len(), 1);
        let planned = planned.into_iter().next().unwrap();
        if self.deliveries.contains_key(&planned.delivery.id) {
            return;
        }
        let collecting = planned.collecting.unwrap();
        let last = |digests: &[Digest]| digests.iter().max_by_key(|digest| digest.start).cloned();
        let mut latest = last(if stale { &self.before } else { &self.digests });
        let digest = loop {
            let collected = collecting.join(latest.as_ref(), self.now);
            let open = |digest: &&Digest| digest.state == DigestState::Open;
            match collected {
                Collected::Joins(id) if self.digests.iter().filter(open).any(|digest| digest.id == id) => {
                    break id;
                }
                Collected::Opens(digest)
                    if !self.digests.iter().any(|other| open(&other) || other.id == digest.id) =>
                {
                    self.digests.push(digest.clone());
                    break digest.id;
                }
                _ => latest = last(&self.digests),
            }
        };
        let row = Delivery { digest: Some(digest), ..planned.delivery };
        self.deliveries.insert(row.id, row);
    }

    fn see(&mut self, number: u8) {
        self.seen.insert(Self::notification(number));
        for delivery in self.deliveries.values_mut() {
            let about = matches!(&delivery.subject, Subject::Notification { id, .. } if *id == Self::notification(number));
            if about && delivery.ends_with_seen() {
                (delivery.state, delivery.digest) = (DeliveryState::Skipped, None);
                delivery.reason = Some(SkipReason::Seen);
            }
        }
    }

    fn close(&mut self) {
        let read: Vec<(DigestId, Closing)> = self
            .digests
            .iter()
            .filter(|digest| digest.due_at <= self.now)
            .map(|digest| {
                let members: Vec<Member<'_>> = self
                    .deliveries
                    .values()
                    .filter(|delivery| delivery.digest == Some(digest.id))
                    .filter(|delivery| matches!(delivery.subject, Subject::Notification { .. }))
                    .map(|delivery| Member {
                        delivery,
                        item: Item { seen: self.is_seen(delivery), withdrawn: false },
                    })
                    .collect();
                let facts = facts(&self.policy, &NONE);
                (digest.id, close(digest, &members, &facts, self.now))
            })
            .collect();
        for (id, closing) in read.iter().chain(&read) {
            let digest = self.digests.iter_mut().find(|digest| digest.id == *id).unwrap();
            if digest.state != DigestState::Open {
                continue;
            }
            let left_out = match closing {
                Closing::Leave | Closing::Wait { .. } => continue,
                Closing::Drop { left_out } => {
                    digest.state = DigestState::Dropped;
                    left_out
                }
                Closing::Close { listed, left_out, message, .. } => {
                    digest.state = DigestState::Closing;
                    for id in listed {
                        self.deliveries.get_mut(id).unwrap().state = DeliveryState::Queued;
                    }
                    assert!(self.deliveries.insert(message.id, (**message).clone()).is_none());
                    left_out
                }
            };
            for (id, reason) in left_out {
                let delivery = self.deliveries.get_mut(id).unwrap();
                (delivery.state, delivery.digest) = (DeliveryState::Skipped, None);
                delivery.reason = Some(*reason);
            }
        }
    }

    fn is_seen(&self, delivery: &Delivery) -> bool {
        matches!(&delivery.subject, Subject::Notification { id, .. } if self.seen.contains(id))
    }

    fn send(&mut self, outcome: usize) {
        let ids: Vec<DeliveryId> = self.deliveries.keys().copied().collect();
        for id in ids {
            let delivery = &self.deliveries[&id];
            let facts = facts(&self.policy, &NONE);
            let item = Item { seen: self.is_seen(delivery), withdrawn: false };
            let Decision::Send { .. } = decide(delivery, item, &facts, self.now) else { continue };
            let Subject::Digest(digest) = delivery.subject else { panic!("a member is sent by itself") };
            let mut attempted = delivery.clone();
            attempted.attempt += 1;
            let mut listed: Vec<DeliveryId> = self
                .deliveries
                .values()
                .filter(|member| member.digest == Some(digest) && member.id != id)
                .map(|member| member.id)
                .collect();
            listed.sort();
            self.listings.entry(digest).or_default().push(listed.clone());
            let outcome = match outcome {
                0 => Outcome::Accepted,
                1 => Outcome::Failed { error: "451".into(), retry_after: None },
                2 => Outcome::Lost,
                _ => Outcome::GivenBack,
            };
            if outcome == Outcome::Accepted {
                *self.accepted.entry(digest).or_default() += 1;
            }
            let retry = crate::fallback::Retry { max_attempts: 100, ..self.policy.retry(Medium::Email) };
            let conclusion = conclude(&attempted, outcome, &retry, self.now, 0.5);
            attempted.state = conclusion.state;
            attempted.due_at = conclusion.due_at;
            attempted.given_back += u32::from(conclusion.gives_back);
            let (of_digest, of_member) = follow(attempted.state);
            self.digests.iter_mut().find(|other| other.id == digest).unwrap().state = of_digest;
            for id in listed {
                self.deliveries.get_mut(&id).unwrap().state = of_member;
            }
            self.deliveries.insert(id, attempted);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_happens_at_once_each_notification_is_listed_in_one_message_or_skipped_for_a_reason(events in events()) {
        let mut store = Store::new();
        for event in events {
            let before = store.digests.clone();
            match event {
                Event::Publish { number, stale } => store.publish(number, stale),
                Event::Seen { number } => store.see(number),
                Event::Close => store.close(),
                Event::Send { outcome } => store.send(outcome),
                Event::Pass { millis } => store.now = Timestamp::from_millis(store.now.as_millis() + millis),
            }
            store.before = before;
            let open = store.digests.iter().filter(|digest| digest.state == DigestState::Open).count();
            prop_assert!(open <= 1);
        }
        for _ in 0..3 {
            store.now = store.now.plus_seconds(86_400);
            store.close();
            store.send(0);
        }
        for digest in &store.digests {
            let listings = store.listings.get(&digest.id).cloned().unwrap_or_default();
            prop_assert!(listings.windows(2).all(|pair| pair[0] == pair[1]), "every attempt tells the same");
            match digest.state {
                DigestState::Sent => prop_assert_eq!(store.accepted[&digest.id], 1),
                state => prop_assert_eq!((state, listings.len()), (DigestState::Dropped, 0)),
            }
        }
        for delivery in store.deliveries.values() {
            if let Subject::Digest(_) = delivery.subject {
                prop_assert_eq!(delivery.state, DeliveryState::Sent);
                continue;
            }
            let messages = store.listings.values().filter(|listings| listings[0].contains(&delivery.id)).count();
            match delivery.state {
                DeliveryState::Sent => prop_assert_eq!((messages, delivery.reason), (1, None)),
                DeliveryState::Skipped => {
                    prop_assert_eq!((messages, delivery.reason), (0, Some(SkipReason::Seen)));
                    prop_assert!(store.is_seen(delivery));
                }
                state => prop_assert!(false, "{state:?} is left behind"),
            }
        }
    }
}
