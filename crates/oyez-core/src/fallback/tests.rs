//! Tables of rules and preferences, what follows from the two, and what is planned.

use oyez_protocol::api::preferences::{PolicyRequest, PreferencesRequest};
use proptest::prelude::*;

use super::{preferences::muted, *};

static UTC: TimeZone = TimeZone::UTC;
static NONE: Preferences = Preferences::NONE;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_795_179_600_000 + millis)
}

fn policy(body: &str) -> Policy {
    Policy::new(&serde_json::from_str::<PolicyRequest>(body).unwrap(), &Medium::ALL).unwrap()
}

fn preferences(body: &str) -> Preferences {
    Preferences::read(&serde_json::from_str(body).unwrap()).unwrap()
}

/// The outcome in a word: a timing, or why not.
fn found(policy: &Policy, preferences: &Preferences, kind: &str, asked: Option<&[Medium]>) -> &'static str {
    match verdict(policy, preferences, kind, asked, Medium::Email) {
        Ok(verdict) => verdict.timing.as_str(),
        Err(reason) => reason.as_str(),
    }
}

#[test]
fn without_a_word_from_anybody_mail_and_push_go_to_those_who_did_not_see() {
    let policy = policy("{}");
    let found = |medium| verdict(&policy, &NONE, "x", None, medium);
    let verdict = found(Medium::Email).unwrap();
    assert_eq!((verdict.timing, verdict.grace), (Timing::IfUnseen, policy::DEFAULT_GRACE));
    assert_eq!((verdict.critical, verdict.heeds_quiet_hours), (false, true));
    assert_eq!(found(Medium::WebPush).unwrap().timing, Timing::IfUnseen);
    assert_eq!(found(Medium::Webhook), Err(SkipReason::Off));
    assert_eq!(policy.retry(Medium::Email), Retry { max_attempts: 3, backoff: Default::default() });
    assert_eq!(policy.throttle(Medium::Email), None);
    let unset = Policy::new(&PolicyRequest::default(), &[Medium::WebPush]).unwrap();
    let found = super::verdict(&unset, &NONE, "x", None, Medium::Email);
    assert_eq!(found, Err(SkipReason::NoMedium));
}

#[test]
fn the_most_exact_word_counts_and_the_users_before_the_operators() {
    let rules = r#"{"default":{"email":"digest"},"rules":[
        {"types":["*"],"media":["web_push"],"when":"off"},
        {"types":["ticket_*"],"when":"if_unseen"},
        {"types":["ticket_closed"],"when":"off"},
        {"types":["ticket_re*","alarm"],"when":"at_once"}]}"#;
    let policy = policy(rules);
    let table = [
        // The operator alone.
        ("{}", "x", "digest"),
        ("{}", "ticket_created", "if_unseen"),
        ("{}", "ticket_closed", "off"),
        ("{}", "ticket_reopened", "at_once"),
        ("{}", "ticket_", "if_unseen"),
        ("{}", "ticket", "digest"),
        ("{}", "Ticket_created", "digest"),
        // The user's default stands above all rules, their types above that.
        (r#"{"default":{"email":"off"}}"#, "ticket_created", "muted"),
        (r#"{"default":{"email":"off"}}"#, "ticket_closed", "off"),
        (r#"{"default":{"email":"at_once"}}"#, "ticket_closed", "at_once"),
        (r#"{"default":{"web_push":"off"}}"#, "ticket_created", "if_unseen"),
        (r#"{"default":{"email":"off"},"types":{"ticket_*":{"email":"digest"}}}"#, "ticket_x", "digest"),
        (r#"{"default":{"email":"off"},"types":{"ticket_*":{"email":"digest"}}}"#, "x", "muted"),
        (r#"{"types":{"ticket_*":{"email":"off"},"ticket_a*":{"email":"at_once"}}}"#, "ticket_ab", "at_once"),
        (r#"{"types":{"ticket_*":{"email":"off"},"ticket_ab":{"email":"digest"}}}"#, "ticket_ab", "digest"),
        // An entry that does not name the medium says nothing of it.
        (r#"{"types":{"*":{"email":"off"},"ticket_ab":{"web_push":"digest"}}}"#, "ticket_ab", "muted"),
    ];
    for (chosen, kind, expected) in table {
        assert_eq!(found(&policy, &preferences(chosen), kind, None), expected, "{chosen} {kind}");
    }
}

#[test]
fn a_publisher_chooses_among_media_and_wakes_those_that_nobody_spoke_of() {
    let policy = policy(
        r#"{"default":{"email":"off"},"rules":[{"types":["secret"],"when":"off"},{"types":["news"],"when":"digest"}]}"#,
    );
    let mute = preferences(r#"{"default":{"email":"off"}}"#);
    let none = Preferences::NONE;
    let email: &[Medium] = &[Medium::Email];
    let table: [(&Preferences, &str, Option<&[Medium]>, &str); 8] = [
        (&none, "x", None, "off"),
        (&none, "x", Some(email), "if_unseen"),
        (&none, "x", Some(&[Medium::WebPush]), "not_asked"),
        (&none, "x", Some(&[]), "not_asked"),
        (&none, "news", Some(email), "digest"),
        (&none, "secret", Some(email), "off"),
        (&mute, "x", Some(email), "muted"),
        (&mute, "secret", Some(email), "off"),
    ];
    for (chosen, kind, asked, expected) in table {
        assert_eq!(found(&policy, chosen, kind, asked), expected, "{kind} {asked:?}");
    }
}

#[test]
fn what_is_critical_is_neither_muted_nor_put_off() {
    let policy = policy(
        r#"{"rules":[{"types":["security_*"],"when":"if_unseen","grace":30,"critical":true},
                     {"types":["security_news"],"when":"if_unseen"}]}"#,
    );
    let table = [
        (r#"{"default":{"email":"off"}}"#, "security_login", "if_unseen"),
        (r#"{"default":{"email":"digest"}}"#, "security_login", "if_unseen"),
        (r#"{"default":{"email":"at_once"}}"#, "security_login", "at_once"),
        (r#"{"types":{"security_login":{"email":"off"}}}"#, "security_login", "if_unseen"),
        (r#"{"default":{"email":"off"}}"#, "security_news", "muted"),
    ];
    for (chosen, kind, expected) in table {
        assert_eq!(found(&policy, &preferences(chosen), kind, None), expected, "{chosen} {kind}");
    }
    let verdict = verdict(&policy, &NONE, "security_x", None, Medium::Email).unwrap();
    assert_eq!((verdict.critical, verdict.heeds_quiet_hours), (true, false));
    assert_eq!(verdict.grace, Duration::from_secs(30));
    let critical: Vec<String> =
        policy.critical().iter().map(|one| format!("{} {}", one.kind, one.medium)).collect();
    assert_eq!(critical, ["security_* email", "security_* web_push", "security_* webhook"]);

    let check = |body: &str| Preferences::check(&serde_json::from_str(body).unwrap(), &policy);
    for body in [
        r#"{"types":{"security_login":{"email":"off"}}}"#,
        r#"{"types":{"security_*":{"email":"off"}}}"#,
        r#"{"types":{"security_lo*":{"email":"off"}}}"#,
    ] {
        let refused = check(body).unwrap_err();
        assert!(refused.field.starts_with("types.security_") && refused.field.ends_with(".email"));
        assert!(refused.message.contains("is critical and cannot be muted by email"), "{}", refused.message);
    }
    for body in [
        r#"{"types":{"security_news":{"email":"off"}}}"#,
        r#"{"types":{"sec*":{"email":"off"}},"default":{"email":"off"}}"#,
        r#"{"types":{"security_login":{"email":"at_once"}}}"#,
    ] {
        check(body).unwrap();
    }
}

#[test]
fn a_user_may_have_digests_at_another_time_and_live_elsewhere() {
    let policy =
        policy(r#"{"time_zone":"Europe/Zurich","digest":{"at":"08:00"},"default":{"email":"digest"}}"#);
    let window = |chosen: &Preferences| verdict(&policy, chosen, "x", None, Medium::Email).unwrap().window;
    assert_eq!(window(&NONE), Window::Until(jiff::civil::time(8, 0, 0, 0)));
    let own = preferences(r#"{"digest":{"every":600}}"#);
    assert_eq!(window(&own), Window::Every(Duration::from_secs(600)));

    let abroad = preferences(r#"{"quiet_hours":{"from":"22:00","to":"07:00","time_zone":"Asia/Tokyo"}}"#);
    let name = |chosen: &Preferences, profile| chosen.zone(&policy, profile).iana_name().map(str::to_owned);
    assert_eq!(name(&NONE, None).as_deref(), Some("Europe/Zurich"));
    assert_eq!(name(&NONE, Some("Mars/Olympus")).as_deref(), Some("Europe/Zurich"));
    assert_eq!(name(&NONE, Some("America/Lima")).as_deref(), Some("America/Lima"));
    assert_eq!(name(&abroad, Some("America/Lima")).as_deref(), Some("Asia/Tokyo"));
}

#[test]
fn preferences_are_refused_with_field_what_was_given_and_what_is_right() {
    let table = [
        (
            r#"{"default":{"sms":"off"}}"#,
            "default.sms",
            "names \"sms\", which is no medium: expected email, web_push, webhook",
        ),
        (
            r#"{"default":{"email":"never"}}"#,
            "default.email",
            "is \"never\": expected one of off, at_once, if_unseen, digest",
        ),
        (r#"{"types":{"a b":{}}}"#, "types", "names the type \"a b\": expected 1 to 64 of the characters"),
        (r#"{"types":{"a*b":{}}}"#, "types", "\"a*b\""),
        (r#"{"types":{"":{}}}"#, "types", "a beginning with one * at its end such as \"ticket_*\""),
        (r#"{"types":{"x":{"email":"on"}}}"#, "types.x.email", "is \"on\""),
        (r#"{"types":{"ticket_*":{"mail":"off"}}}"#, "types.ticket_*.mail", "no medium"),
        (
            r#"{"quiet_hours":{"from":"22","to":"07:00"}}"#,
            "quiet_hours.from",
            "is \"22\": expected a time of day",
        ),
        (
            r#"{"quiet_hours":{"from":"22:00","to":"07:00","time_zone":"CET+1"}}"#,
            "quiet_hours.time_zone",
            "is \"CET+1\", which is no IANA time zone: expected a name such as \"UTC\" or \"Europe/Zurich\"",
        ),
        (r#"{"digest":{"every":1}}"#, "digest.every", "is 1: it must be 10 to 2678400 seconds"),
        (r#"{"digest":{}}"#, "digest", "names neither"),
    ];
    let policy = policy("{}");
    for (body, field, why) in table {
        let refused = Preferences::check(&serde_json::from_str(body).unwrap(), &policy).unwrap_err();
        assert_eq!(refused.field, field, "{body}");
        assert!(refused.message.starts_with(&format!("\"{field}\"")), "{}", refused.message);
        assert!(refused.message.contains(why), "{}", refused.message);
    }
    let many = (0..201).map(|n| (format!("t{n}"), Default::default())).collect();
    let many = PreferencesRequest { types: many, ..PreferencesRequest::default() };
    assert_eq!(
        Preferences::check(&many, &policy).unwrap_err().message,
        "\"types\" may name 200 types at most, not 201"
    );
}

#[test]
fn a_policy_is_refused_with_the_place_in_it() {
    let rule = |rule: &str| format!(r#"{{"rules":[{{"types":["a"],"when":"off"}},{rule}]}}"#);
    let table = [
        (r#"{"time_zone":"Moon"}"#.to_owned(), "time_zone", "no IANA time zone"),
        (r#"{"grace":-1}"#.into(), "grace", "\"grace\" is -1: it must be 0 to 2678400 seconds"),
        (r#"{"default":{"fax":"off"}}"#.into(), "default.fax", "no medium"),
        (rule(r#"{"types":["b"],"when":"later"}"#), "rules[1].when", "is \"later\": expected one of off,"),
        (rule(r#"{"types":[],"when":"off"}"#), "rules[1].types", "is empty: name a type"),
        (rule(r#"{"types":["b"],"media":["fax"],"when":"off"}"#), "rules[1].media", "names \"fax\""),
        (
            rule(r#"{"types":["b"],"when":"off","critical":true}"#),
            "rules[1].critical",
            "must be sent; choose one",
        ),
        (
            rule(r#"{"types":["b"],"when":"digest","digest":{"at":"25:00"}}"#),
            "rules[1].digest.at",
            "time of day",
        ),
        (
            rule(r#"{"types":["b","a"],"when":"at_once"}"#),
            "rules[1].types",
            "names \"a\" for email, as a rule before",
        ),
        (
            r#"{"throttle":{"email":{"count":0,"period":60}}}"#.into(),
            "throttle.email.count",
            "is 0: it must be 1 to 10000",
        ),
        (
            r#"{"throttle":{"email":{"count":1,"period":0}}}"#.into(),
            "throttle.email.period",
            "is 0: it must be 1 to",
        ),
        (
            r#"{"throttle":{"email":{"count":1,"period":9,"over":"drop"}}}"#.into(),
            "throttle.email.over",
            "expected digest, wait or skip",
        ),
        (
            r#"{"retry":{"email":{"max_attempts":0}}}"#.into(),
            "retry.email.max_attempts",
            "is 0: it must be 1 to 100",
        ),
        (
            r#"{"retry":{"email":{"backoff":{"factor":99}}}}"#.into(),
            "retry.email.backoff.factor",
            "is 99: it must be 1 to 10",
        ),
    ];
    for (body, field, why) in table {
        let request = serde_json::from_str(&body).unwrap();
        let refused = Policy::new(&request, &Medium::ALL).unwrap_err();
        assert_eq!(refused.field, field, "{body}");
        assert!(refused.message.starts_with(&format!("\"{field}\"")), "{}", refused.message);
        assert!(refused.message.contains(why), "{}", refused.message);
    }
    assert!(
        serde_json::from_str::<PolicyRequest>(r#"{"rules":[{"types":["a"],"when":"off","crit":true}]}"#)
            .is_err()
    );
}

#[test]
fn one_click_mutes_a_type_or_a_medium_and_leaves_the_rest() {
    let policy = policy("{}");
    let before: PreferencesRequest = serde_json::from_str(
        r#"{"types":{"news":{"email":"digest","web_push":"at_once"},"ad":{"email":"at_once"}},"digest":{"every":60}}"#,
    )
    .unwrap();
    let one = muted(before.clone(), Some("news"), Medium::Email);
    assert_eq!(one.types["news"]["web_push"], "at_once");
    let read = Preferences::check(&one, &policy).unwrap();
    assert_eq!(found(&policy, &read, "news", None), "muted");
    assert_eq!(found(&policy, &read, "ad", None), "at_once");
    let all = muted(before, None, Medium::Email);
    let read = Preferences::check(&all, &policy).unwrap();
    assert_eq!(found(&policy, &read, "news", None), "muted");
    assert_eq!(found(&policy, &read, "ad", None), "muted");
    assert_eq!(found(&policy, &read, "x", None), "muted");
    assert_eq!(read.choice("news", Medium::WebPush), Some(Choice::AtOnce));
}

fn notice(kind: &str) -> Notice<'_> {
    let id = "01930000-0000-7000-8000-000000000001".parse().unwrap();
    Notice { id, kind, group_key: None, media: None, expires_at: None }
}

#[test]
fn a_notification_is_planned_for_those_who_want_it_when_they_want_it() {
    let policy = policy(
        r#"{"grace":60,"rules":[{"types":["now"],"when":"at_once"},{"types":["soon"],"when":"if_unseen","grace":0},
            {"types":["list"],"when":"digest","digest":{"every":600}}]}"#,
    );
    let (anna, ben): (UserId, UserId) = ("anna".parse().unwrap(), "ben".parse().unwrap());
    let mute = preferences(r#"{"default":{"email":"off"}}"#);
    let recipients = |wants| {
        [(&anna, wants), (&ben, &NONE)].map(|(user, preferences)| Recipient { user, preferences, zone: &UTC })
    };
    let shown = |notice: &Notice<'_>| -> Vec<String> {
        let planned = plan(notice, &policy, recipients(&mute), at(0));
        planned
            .iter()
            .map(|Planned { delivery, collecting }| {
                let due = delivery.due_at.map_or("none".into(), |due| due.millis_since(at(0)).to_string());
                let key = collecting.as_ref().map_or("", |collecting| &collecting.key.key);
                let (user, medium, state) = (&delivery.user, delivery.medium, delivery.state.as_str());
                format!("{user} {medium} {state} {due} {key}").trim().replace('\n', "/")
            })
            .collect()
    };
    assert_eq!(
        shown(&notice("x")),
        ["anna web_push waiting 60000", "ben email waiting 60000", "ben web_push waiting 60000"]
    );
    let email = Some(&[Medium::Email][..]);
    assert_eq!(shown(&Notice { media: email, ..notice("now") }), ["ben email queued 0"]);
    assert_eq!(shown(&Notice { media: email, ..notice("soon") }), ["ben email queued 0"]);
    assert_eq!(shown(&Notice { media: email, ..notice("list") }), ["ben email waiting none every 600"]);
    let grouped = Notice { media: email, group_key: Some("t7"), ..notice("list") };
    assert_eq!(shown(&grouped), ["ben email waiting none every 600/t7"]);
    // Of no use by the time it would go out.
    let expiring = |millis| Notice { media: email, expires_at: Some(at(millis)), ..notice("x") };
    assert_eq!(shown(&expiring(60_000)), [""; 0]);
    assert_eq!(shown(&expiring(60_001)), ["ben email waiting 60000"]);

    assert!(may_deliver(&notice("x"), &policy));
    assert!(!may_deliver(&Notice { media: Some(&[]), ..notice("x") }, &policy));
    let mute = Policy::new(&PolicyRequest::default(), &[]).unwrap();
    assert!(!may_deliver(&notice("x"), &mute));
}

proptest! {
    #[test]
    fn planning_twice_gives_the_same_rows_and_parts_make_the_whole(
        users in prop::collection::btree_set("[a-z]{1,6}", 1..8),
        choices in prop::collection::vec(0..5_usize, 8),
        split in 0..8_usize,
    ) {
        let policy = policy(r#"{"default":{"webhook":"at_once"}}"#);
        let bodies = ["{}", r#"{"default":{"email":"off"}}"#, r#"{"default":{"email":"at_once"}}"#,
            r#"{"default":{"email":"digest","web_push":"off"}}"#, r#"{"types":{"x":{"webhook":"off"}}}"#];
        let people: Vec<(UserId, Preferences)> = users
            .iter()
            .zip(choices)
            .map(|(user, choice)| (user.parse().unwrap(), preferences(bodies[choice])))
            .collect();
        let recipients = |people: &[(UserId, Preferences)], now: Timestamp| -> Vec<Delivery> {
            let recipients = people
                .iter()
                .map(|(user, preferences)| Recipient { user, preferences, zone: &UTC });
            plan(&notice("x"), &policy, recipients, now).into_iter().map(|planned| planned.delivery).collect()
        };
        let whole = recipients(&people, at(0));
        let (head, tail) = people.split_at(split.min(people.len()));
        let mut parts = recipients(head, at(0));
        parts.extend(recipients(tail, at(0)));
        prop_assert_eq!(&whole, &parts);
        let ids = |rows: &[Delivery]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        prop_assert_eq!(ids(&whole), ids(&recipients(&people, at(99_999))), "after a crash, the same rows");
        let distinct: std::collections::HashSet<_> = ids(&whole).into_iter().collect();
        prop_assert_eq!(distinct.len(), whole.len());
    }

    #[test]
    fn no_words_make_the_checks_panic(
        kind in ".{0,80}", medium in "email|web_push|.{0,10}", choice in "off|digest|.{0,10}",
        from in "[0-9]{2}:[0-9]{2}|.{0,8}", zone in "Europe/Zurich|.{0,20}", every in any::<Option<u32>>(),
    ) {
        let body = serde_json::json!({
            "types": {&kind: {&medium: choice}}, "quiet_hours": {"from": from, "to": "07:00", "time_zone": zone},
            "digest": {"every": every},
        });
        let request: PreferencesRequest = serde_json::from_value(body).unwrap();
        if let Err(refused) = Preferences::check(&request, &policy("{}")) {
            prop_assert!(refused.message.starts_with('"') && refused.message.len() < 600, "{}", refused.message);
        }
    }
}
