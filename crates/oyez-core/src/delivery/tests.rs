//! Tables of what is decided and concluded, and the properties of a life.

use std::time::Duration;

use jiff::tz::TimeZone;
use oyez_protocol::api::{deliveries::ResendRequest, preferences::PolicyRequest};
use proptest::prelude::*;

use super::*;
use crate::{
    fallback::{DigestKey, Policy, Preferences, Retry, Window},
    rate::Bucket,
};

static UTC: TimeZone = TimeZone::UTC;
static NONE: Preferences = Preferences::NONE;

fn at(millis: i64) -> Timestamp {
    // 2026-11-20T13:00:00Z.
    Timestamp::from_millis(1_795_179_600_000 + millis)
}

fn policy(body: &str) -> Policy {
    Policy::new(&serde_json::from_str::<PolicyRequest>(body).unwrap(), &Medium::ALL).unwrap()
}

fn preferences(body: &str) -> Preferences {
    Preferences::read(&serde_json::from_str(body).unwrap()).unwrap()
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

/// Due at 0, by mail, if unseen.
fn delivery(kind: &str) -> Delivery {
    let user: UserId = "anna".parse().unwrap();
    let id = "01930000-0000-7000-8000-000000000001".parse().unwrap();
    let subject = Subject::Notification { id, kind: kind.into() };
    Delivery {
        id: delivery_id(&subject, &user, Medium::Email),
        user,
        medium: Medium::Email,
        subject,
        timing: Timing::IfUnseen,
        state: DeliveryState::Waiting,
        reason: None,
        digest: None,
        attempt: 0,
        given_back: 0,
        resends: 0,
        due_at: Some(at(0)),
        lease_until: None,
        created_at: at(-60_000),
        expires_at: None,
    }
}

fn in_digest(state: DeliveryState) -> Delivery {
    let digest = Some("5b0f2d1e-7c5a-8bbb-8000-000000000001".parse().unwrap());
    Delivery { digest, state, due_at: None, timing: Timing::Digest, ..delivery("x") }
}

/// The decision in a few words.
fn shown(decision: &Decision) -> String {
    match decision {
        Decision::Leave => "leave".into(),
        Decision::Rescue => "rescue".into(),
        Decision::Send { .. } => "send".into(),
        Decision::Wait { until, why } => format!("wait {} {why:?}", until.millis_since(at(0))),
        Decision::Collect(collecting) => format!("collect {:?}", collecting.window),
        Decision::Skip(reason) => format!("skip {}", reason.as_str()),
    }
}

const NO: Item = Item { seen: false, withdrawn: false };
const SEEN: Item = Item { seen: true, withdrawn: false };

#[test]
fn seen_in_time_means_no_mail_and_seen_a_moment_after_means_one() {
    let (policy, none) = (policy("{}"), Preferences::NONE);
    let facts = facts(&policy, &none);
    let waiting = delivery("x");
    assert!(waiting.ends_with_seen());
    assert_eq!(shown(&decide(&waiting, SEEN, &facts, at(-1))), "skip seen");
    assert_eq!(shown(&decide(&waiting, SEEN, &facts, at(0))), "skip seen", "in the instant it is due");
    assert_eq!(shown(&decide(&waiting, NO, &facts, at(-1))), "wait 0 Early");
    assert_eq!(shown(&decide(&waiting, NO, &facts, at(0))), "send");
    // Once a worker has it, it goes out; should that fail, there is no need to try again.
    let leased = Delivery { attempt: 1, lease_until: Some(at(60_000)), ..waiting.clone() };
    assert!(!leased.ends_with_seen());
    let retrying = Delivery { attempt: 1, state: DeliveryState::Retrying, ..waiting };
    assert!(retrying.ends_with_seen());
    assert_eq!(shown(&decide(&retrying, SEEN, &facts, at(0))), "skip seen");
    let at_once = Delivery { timing: Timing::AtOnce, ..delivery("x") };
    assert!(!at_once.ends_with_seen());
    assert_eq!(shown(&decide(&at_once, SEEN, &facts, at(0))), "send");
}

#[test]
fn a_delivery_that_is_due_is_sent_put_off_or_skipped_for_a_reason() {
    let policy = policy(
        r#"{"rules":[{"types":["alarm"],"when":"at_once","critical":true},{"types":["dead"],"when":"off"},
            {"types":["robot"],"when":"at_once","quiet_hours":false}]}"#,
    );
    let plain = facts(&policy, &NONE);
    // It is 13:00: quiet until 14:00.
    let siesta = preferences(r#"{"quiet_hours":{"from":"12:00","to":"14:00"}}"#);
    let siesta = facts(&policy, &siesta);
    let mute = preferences(r#"{"default":{"email":"off"}}"#);
    let mute = facts(&policy, &mute);
    let bare = Policy::new(&PolicyRequest::default(), &[Medium::WebPush]).unwrap();
    let expiring = |millis| Delivery { expires_at: Some(at(millis)), ..delivery("x") };
    let in_state = |state| Delivery { state, ..delivery("x") };
    let leased = |until| Delivery { lease_until: Some(at(until)), attempt: 1, ..delivery("x") };
    let by_hand = |kind: &str| Delivery { resends: 1, state: DeliveryState::Queued, ..delivery(kind) };
    let withdrawn = Item { seen: true, withdrawn: true };
    let table: Vec<(Delivery, Item, Facts<'_>, &str)> = vec![
        (delivery("x"), NO, plain, "send"),
        // Of no use.
        (delivery("x"), withdrawn, plain, "skip withdrawn"),
        (expiring(0), NO, plain, "skip expired"),
        (expiring(1), NO, plain, "send"),
        (expiring(0), SEEN, plain, "skip expired"),
        // Nowhere to send.
        (delivery("x"), NO, Facts { active: false, ..plain }, "skip no_user"),
        (delivery("x"), NO, Facts { policy: &bare, ..plain }, "skip no_medium"),
        (delivery("x"), NO, Facts { address: Address::Missing, ..plain }, "skip no_address"),
        (delivery("alarm"), NO, Facts { address: Address::Suppressed, ..plain }, "skip suppressed"),
        // Not wanted any more.
        (delivery("x"), NO, mute, "skip muted"),
        (delivery("alarm"), NO, mute, "send"),
        (delivery("dead"), NO, plain, "skip off"),
        // Not now.
        (delivery("x"), NO, siesta, "wait 3600000 QuietHours"),
        (
            Delivery { state: DeliveryState::Retrying, attempt: 1, ..delivery("x") },
            NO,
            siesta,
            "wait 3600000 QuietHours",
        ),
        (delivery("alarm"), NO, siesta, "send"),
        (delivery("robot"), NO, siesta, "send"),
        (delivery("x"), SEEN, siesta, "skip seen"),
        // Somebody has it, or had it.
        (leased(1), SEEN, plain, "wait 1 Leased"),
        (leased(0), NO, plain, "rescue"),
        // It has ended, or a digest has it.
        (in_state(DeliveryState::Sent), NO, plain, "leave"),
        (in_state(DeliveryState::Delivered), NO, plain, "leave"),
        (in_state(DeliveryState::Failed), NO, plain, "leave"),
        (in_state(DeliveryState::Bounced), NO, plain, "leave"),
        (in_state(DeliveryState::Skipped), NO, plain, "leave"),
        (in_digest(DeliveryState::Waiting), NO, plain, "leave"),
        (in_digest(DeliveryState::Queued), SEEN, plain, "leave"),
        // By hand: seen and quiet do not matter, what the user wants does.
        (by_hand("x"), SEEN, siesta, "send"),
        (by_hand("x"), NO, mute, "skip muted"),
        (by_hand("x"), withdrawn, plain, "skip withdrawn"),
    ];
    for (delivery, item, facts, expected) in table {
        assert_eq!(shown(&decide(&delivery, item, &facts, at(0))), expected, "{delivery:?}");
    }
}

#[test]
fn what_is_too_much_for_a_user_is_collected_put_off_or_left_out() {
    let limit = |over: &str| {
        policy(&format!(
            r#"{{"throttle":{{"email":{{"count":2,"period":60,"over":"{over}"}}}},
                "rules":[{{"types":["alarm"],"when":"at_once","critical":true}}]}}"#
        ))
    };
    for (over, expected) in
        [("digest", "collect Every(30s)"), ("wait", "wait 30000 Throttle"), ("skip", "skip throttled")]
    {
        let policy = limit(over);
        let none = Preferences::NONE;
        let mut facts = facts(&policy, &none);
        for _ in 0..2 {
            let Decision::Send { bucket } = decide(&delivery("x"), NO, &facts, at(0)) else {
                panic!("sends")
            };
            // As it comes back from the store.
            facts.bucket = Bucket::from_full_at_micros(bucket.full_at_micros());
        }
        assert_eq!(shown(&decide(&delivery("x"), NO, &facts, at(0))), expected);
        assert_eq!(shown(&decide(&delivery("x"), NO, &facts, at(30_000))), "send");
        // Neither the next attempt of what was begun, nor what is critical or asked for by hand.
        let begun = Delivery { attempt: 1, given_back: 1, ..delivery("x") };
        let by_hand = Delivery { resends: 1, ..delivery("x") };
        for exempt in [begun, by_hand, delivery("alarm")] {
            let Decision::Send { bucket } = decide(&exempt, NO, &facts, at(0)) else { panic!("sends") };
            assert_eq!(bucket, facts.bucket, "and it spends nothing");
        }
    }
    // Nothing overtakes what is collected already.
    let policy = limit("digest");
    let facts = Facts { overflows: true, ..facts(&policy, &NONE) };
    let Decision::Collect(collecting) = decide(&delivery("x"), NO, &facts, at(0)) else { panic!("collects") };
    assert_eq!(collecting.key, DigestKey::throttled(&"anna".parse().unwrap(), Medium::Email));
    assert_eq!(collecting.window, Window::Every(Duration::from_millis(1)));
}

#[test]
fn an_outcome_ends_a_delivery_or_brings_the_next_attempt() {
    let failed = |after: Option<u64>| Outcome::Failed {
        error: "451 later".into(),
        retry_after: after.map(Duration::from_secs),
    };
    let table = [
        (1, 0, Outcome::Accepted, "sent", None, false),
        (1, 0, Outcome::Delivered, "delivered", None, false),
        (1, 0, failed(None), "retrying", Some(15_000), false),
        (2, 0, failed(None), "retrying", Some(30_000), false),
        (3, 0, failed(None), "failed", None, false),
        (4, 1, failed(None), "failed", None, false),
        (3, 1, failed(None), "retrying", Some(30_000), false),
        // Who asks for more time gets it, up to a day; for less, not.
        (1, 0, failed(Some(120)), "retrying", Some(120_000), false),
        (1, 0, failed(Some(1)), "retrying", Some(15_000), false),
        (1, 0, failed(Some(9_999_999)), "retrying", Some(86_400_000), false),
        (3, 0, failed(Some(120)), "failed", None, false),
        (1, 0, Outcome::Refused { error: "552".into() }, "failed", None, false),
        (1, 0, Outcome::Bounced { error: "550".into() }, "bounced", None, false),
        (1, 0, Outcome::Lost, "retrying", Some(15_000), false),
        (3, 0, Outcome::Lost, "failed", None, false),
        (1, 0, Outcome::GivenBack, "queued", Some(0), true),
        (3, 0, Outcome::GivenBack, "retrying", Some(0), true),
    ];
    for (attempt, given_back, outcome, state, due, gives_back) in table {
        let delivery = Delivery { attempt, given_back, ..delivery("x") };
        let told = format!("{attempt} {outcome:?}");
        let has_error = !matches!(outcome, Outcome::Accepted | Outcome::Delivered | Outcome::GivenBack);
        let conclusion = conclude(&delivery, outcome, &Retry::default(), at(0), 0.5);
        assert_eq!((conclusion.state.as_str(), conclusion.due_at), (state, due.map(at)), "{told}");
        assert_eq!((conclusion.gives_back, conclusion.error.is_some()), (gives_back, has_error), "{told}");
    }
    let essay = Outcome::Refused { error: "é".repeat(9_000) };
    let error = conclude(&delivery("x"), essay, &Retry::default(), at(0), 0.5).error.unwrap();
    assert!(error.len() <= MAX_ERROR_BYTES);
}

#[test]
fn later_reports_settle_what_was_sent() {
    use DeliveryState::{Bounced, Delivered, Failed, Sent, Skipped};
    assert_eq!(settle(Sent, Report::Arrived), Some(Delivered));
    assert_eq!(settle(Sent, Report::CameBack), Some(Bounced));
    assert_eq!(settle(Delivered, Report::CameBack), Some(Bounced));
    for state in [Delivered, Bounced, Failed, Skipped] {
        assert_eq!(settle(state, Report::Arrived), None);
    }
}

#[test]
fn a_person_sends_again_what_has_ended_under_another_name() {
    let (policy, none) = (policy("{}"), Preferences::NONE);
    let failed = Delivery { state: DeliveryState::Failed, attempt: 3, due_at: None, ..delivery("x") };
    assert_eq!(failed.message_key(), failed.id.to_string());
    let again = failed.resent(at(5)).unwrap();
    assert_eq!((again.state, again.due_at, again.attempt), (DeliveryState::Queued, Some(at(5)), 3));
    assert_eq!((again.id, again.message_key()), (failed.id, format!("{}.1", failed.id)));
    assert_eq!(shown(&decide(&again, SEEN, &facts(&policy, &none), at(5))), "send");
    let attempted = Delivery { attempt: 4, ..again.clone() };
    let failure = Outcome::Failed { error: "451".into(), retry_after: None };
    let conclusion = conclude(&attempted, failure, &Retry::default(), at(5), 0.5);
    assert_eq!(conclusion.state, DeliveryState::Retrying, "it has all its attempts before it");

    assert_eq!(again.resent(at(6)), Err(NotResendable::Unfinished(DeliveryState::Queued)));
    let member = in_digest(DeliveryState::Failed);
    let message = delivery_id(&Subject::Digest(member.digest.unwrap()), &member.user, Medium::Email);
    assert_eq!(member.resent(at(6)), Err(NotResendable::InDigest(message)));
    let left_out = Delivery { digest: None, ..in_digest(DeliveryState::Skipped) };
    assert!(left_out.resent(at(6)).is_ok());
}

#[test]
fn what_to_send_again_is_named_or_found_not_both() {
    let check = |body: &str| check_resend(&serde_json::from_str::<ResendRequest>(body).unwrap());
    let id = "5b0f2d1e-7c5a-8bbb-8000-000000000001";
    check(&format!(r#"{{"ids":["{id}"]}}"#)).unwrap();
    check(r#"{"status":"failed","medium":"email"}"#).unwrap();
    check(r#"{"status":"sent","again":true}"#).unwrap();
    check(r#"{"status":"skipped"}"#).unwrap();
    let table = [
        ("{}".to_owned(), "status", "is missing"),
        (r#"{"medium":"email"}"#.into(), "status", "is missing"),
        (r#"{"ids":[]}"#.into(), "ids", "names 0 deliveries: it must be 1 to 1000"),
        (format!(r#"{{"ids":["{id}"],"status":"failed"}}"#), "ids", "leave out either"),
        (r#"{"status":"retrying"}"#.into(), "status", "is \"retrying\", which is still on its way"),
        (
            r#"{"status":"retrying","again":true}"#.into(),
            "status",
            "is \"retrying\", which is still on its way",
        ),
        (r#"{"status":"sent"}"#.into(), "again", "say \"again\": true"),
        (r#"{"status":"delivered","medium":"email"}"#.into(), "again", "would get it once more"),
    ];
    for (body, field, why) in table {
        let refused = check(&body).unwrap_err();
        assert_eq!(refused.field, field, "{body}");
        assert!(refused.message.contains(why), "{}", refused.message);
    }
}

#[test]
fn an_id_follows_from_what_goes_to_whom_by_what() {
    let notification = |text: &str| Subject::Notification { id: text.parse().unwrap(), kind: "x".into() };
    let one = notification("01930000-0000-7000-8000-000000000001");
    let two = notification("01930000-0000-7000-8000-000000000002");
    let digest = Subject::Digest("01930000-0000-7000-8000-000000000001".parse().unwrap());
    let (anna, ann): (UserId, UserId) = ("anna".parse().unwrap(), "ann".parse().unwrap());
    let mut ids = std::collections::HashSet::new();
    for subject in [&one, &two, &digest] {
        for user in [&anna, &ann] {
            for medium in Medium::ALL {
                assert!(ids.insert(delivery_id(subject, user, medium)));
            }
        }
    }
    // Kept: it is the key of rows, and names messages.
    assert_eq!(delivery_id(&one, &anna, Medium::Email).to_string(), "65ebbbc9-f6da-84b6-9611-7c2ff60d30d9");
}

proptest! {
    #[test]
    fn every_life_ends_and_no_more_attempts_are_made_than_allowed(
        outcomes in prop::collection::vec(0..6_usize, 200),
        max_attempts in 1..6_u16,
        random in 0.0..1.0_f64,
    ) {
        let (policy, none) = (policy("{}"), Preferences::NONE);
        let facts = facts(&policy, &none);
        let retry = Retry { max_attempts, ..Retry::default() };
        let (mut delivery, mut now, mut failures) = (delivery("x"), at(0), 0_u16);
        for outcome in outcomes {
            let decision = decide(&delivery, NO, &facts, now);
            if delivery.state.is_final() {
                prop_assert!(matches!(decision, Decision::Leave));
                prop_assert_eq!(delivery.due_at, None);
                break;
            }
            prop_assert!(matches!(decision, Decision::Send { .. }), "{:?}", decision);
            delivery.attempt += 1;
            let outcome = match outcome {
                0 => Outcome::Accepted,
                1 | 2 => Outcome::Failed { error: "451".into(), retry_after: None },
                3 => Outcome::Lost,
                4 => Outcome::Bounced { error: "550".into() },
                _ => Outcome::GivenBack,
            };
            failures += u16::from(matches!(outcome, Outcome::Failed { .. } | Outcome::Lost));
            prop_assert!(failures <= max_attempts);
            let conclusion = conclude(&delivery, outcome, &retry, now, random);
            prop_assert_eq!(conclusion.state.is_final(), conclusion.due_at.is_none());
            prop_assert!(conclusion.due_at.is_none_or(|due_at| due_at >= now));
            delivery.given_back += u32::from(conclusion.gives_back);
            delivery.state = conclusion.state;
            delivery.due_at = conclusion.due_at;
            now = conclusion.due_at.unwrap_or(now);
        }
        prop_assert!(failures < max_attempts || delivery.state.is_final());
    }

    #[test]
    fn what_is_decided_holds_and_a_wait_ends(
        timing in 0..3_usize, state in 0..8_usize, attempt in 0..5_u32, resends in 0..2_u32,
        due in -5_000..5_000_i64, expires in prop::option::of(-5_000..5_000_i64),
        lease in prop::option::of(-5_000..5_000_i64), member: bool,
        seen: bool, withdrawn: bool, active: bool, address in 0..3_usize, spent: bool, overflows: bool, quiet: bool,
        over in 0..3_usize, kind in "x|alarm|muted",
    ) {
        let over = ["digest", "wait", "skip"][over];
        let policy = policy(&format!(
            r#"{{"throttle":{{"email":{{"count":1,"period":60,"over":"{over}"}}}},
                "rules":[{{"types":["alarm"],"when":"at_once","critical":true}}]}}"#
        ));
        let hours = r#","quiet_hours":{"from":"12:00","to":"14:00"}"#;
        let body = format!(r#"{{"types":{{"muted":{{"email":"off"}}}}{}}}"#, if quiet { hours } else { "" });
        let preferences = preferences(&body);
        let mut facts = facts(&policy, &preferences);
        (facts.active, facts.overflows) = (active, overflows);
        facts.address = [Address::Known, Address::Missing, Address::Suppressed][address];
        if spent {
            facts.bucket.take(policy.throttle(Medium::Email).unwrap().rate, at(0)).unwrap();
        }
        let given = Delivery {
            timing: Timing::ALL[timing], state: DeliveryState::ALL[state], attempt, resends,
            due_at: Some(at(due)), expires_at: expires.map(at), lease_until: lease.map(at),
            digest: member.then(|| in_digest(DeliveryState::Waiting).digest.unwrap()),
            ..delivery(&kind)
        };
        let item = Item { seen, withdrawn };
        let decision = decide(&given, item, &facts, at(0));
        prop_assert_eq!(shown(&decision), shown(&decide(&given, item, &facts, at(0))));
        match decision {
            Decision::Send { .. } => {
                prop_assert!(active && address == 0 && due <= 0 && !withdrawn && !member && kind != "muted");
                prop_assert!(lease.is_none() && expires.is_none_or(|expires| expires > 0));
                prop_assert!(!seen || given.timing == Timing::AtOnce || resends > 0);
                prop_assert!(!quiet || kind == "alarm" || resends > 0);
                prop_assert!(!spent || kind == "alarm" || resends > 0 || attempt > 0);
            }
            Decision::Wait { until, .. } => prop_assert!(until > at(0)),
            Decision::Collect(collecting) => {
                prop_assert!(spent || overflows);
                prop_assert!(collecting.window.end(at(0), &collecting.zone) > at(0));
            }
            Decision::Skip(reason) => prop_assert!(reason != SkipReason::Seen || seen),
            Decision::Rescue => prop_assert!(lease.is_some_and(|lease| lease <= 0)),
            Decision::Leave => prop_assert!(given.state.is_final() || member),
        }
        // What seen ends at once, and what is found seen when it is due, are of one mind.
        if given.ends_with_seen() && !member {
            let found = decide(&given, Item { seen: true, withdrawn: false }, &facts, at(0));
            prop_assert!(matches!(found, Decision::Skip(SkipReason::Seen | SkipReason::Expired)));
        }
    }
}
