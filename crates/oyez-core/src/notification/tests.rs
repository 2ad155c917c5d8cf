use oyez_protocol::Seq;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_795_179_600_000;
const ID: &str = "01930000-0000-7000-8000-000000000001";

fn now() -> Timestamp {
    Timestamp::from_millis(NOW)
}

fn drafted(body: Value) -> Result<Draft, Invalid> {
    let request: NotificationRequest = serde_json::from_value(body).expect("a request that can be read");
    draft(&request, ID.parse().unwrap(), "key:k1", now())
}

/// The frame a recipient would get.
fn frame(draft: &Draft) -> Value {
    let mut frame = oyez_protocol::frame::server::item_head(Seq(7));
    frame.push_str(&draft.tail);
    serde_json::from_str(&frame).expect("a frame is JSON")
}

/// A request with one field replaced or added.
fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"to": "user:7", "type": "x", "message": "hi"});
    body.as_object_mut().unwrap().insert(field.into(), value);
    body
}

#[test]
fn a_typed_notification_has_its_data_beside_the_envelope() {
    let draft =
        drafted(json!({"to": "user:7", "type": "ticket_created", "message": "New \"T\"", "title": "T",
        "url": "/t/1", "severity": "warning", "actor": {"id": 1}, "group_key": "g",
        "data": {"ticket": {"id": 1}, "data": {"kept": true}}}))
        .unwrap();
    assert_eq!(
        &*draft.tail,
        "\"type\":\"ticket_created\",\"notification_type\":\"ticket_created\",\
         \"id\":\"01930000-0000-7000-8000-000000000001\",\"timestamp\":\"2026-11-20T13:00:00.000Z\",\
         \"message\":\"New \\\"T\\\"\",\"title\":\"T\",\"url\":\"/t/1\",\"severity\":\"warning\",\
         \"group_key\":\"g\",\"actor\":{\"id\":1},\"ticket\":{\"id\":1},\"data\":{\"kept\":true}}"
    );
    assert_eq!(&*draft.kind, "ticket_created");
    assert_eq!(frame(&draft)["seq"], 7);
}

#[test]
fn a_generic_notification_keeps_its_data_under_data() {
    for body in [
        json!({"to": "user:7", "message": "hi", "data": {"a": 1}}),
        json!({"to": "user:7", "type": "notification", "message": "hi", "data": {"a": 1}}),
    ] {
        let frame = frame(&drafted(body).unwrap());
        assert_eq!(frame["type"], "notification");
        assert_eq!(frame["notification_type"], "notification");
        assert_eq!(frame["data"], json!({"a": 1}));
    }
    let bare = drafted(json!({"to": "user:7", "message": "hi"})).unwrap();
    assert_eq!(frame(&bare)["data"], json!({}));
}

#[test]
fn every_reserved_key_is_refused_by_name() {
    for key in RESERVED_KEYS {
        for body in
            [with("data", json!({"a": 1, key: 2})), json!({"to": "user:7", "message": "m", "data": {key: 1}})]
        {
            let refused = drafted(body).unwrap_err();
            assert_eq!(refused.code, ErrorCode::ReservedKey);
            assert_eq!(refused.field, format!("data.{key}"));
            assert!(refused.message.contains(&format!("{key:?}")), "{}", refused.message);
        }
    }
}

#[test]
fn each_limit_is_refused_with_the_field_and_what_would_be_right() {
    let long = |n: usize| json!("x".repeat(n));
    let table = [
        ("message", json!(""), "\"message\" is empty"),
        ("message", json!(" \n"), "\"message\" is empty"),
        ("message", long(4_001), "\"message\" may have 4000 characters at most, not 4001"),
        ("title", long(201), "\"title\" may have 200 characters at most, not 201"),
        ("type", json!(""), "\"type\" must be 1 to 64 of the characters"),
        ("type", json!("new ticket"), "not \"new ticket\""),
        ("type", long(65), "\"type\" must be 1 to 64"),
        ("type", json!("inbox"), "\"type\" must not be \"inbox\""),
        ("type", json!("connection_established"), "the protocol uses it itself"),
        ("url", json!("javascript:alert(1)"), "\"url\" is \"javascript:alert(1)\": expected http://…"),
        ("url", json!("//evil.example"), "expected http://…"),
        ("url", json!("/\\evil.example"), "expected http://…"),
        ("url", json!("/\t/evil.example"), "expected http://…"),
        ("url", json!("https://"), "expected http://…"),
        ("url", json!(""), "expected http://…"),
        ("url", json!(format!("/{}", "x".repeat(2_000))), "\"url\" may have 2000 bytes at most, not 2001"),
        ("icon", json!(""), "\"icon\" is \"\": expected a name"),
        ("icon", json!("javascript:alert(1)"), "expected a name"),
        ("icon", json!("data:image/png;base64,xx"), "expected a name"),
        ("severity", json!("very loud"), "\"severity\" is \"very loud\": expected one word"),
        ("severity", json!(""), "\"severity\" is \"\""),
        ("actor", long(5_000), "\"actor\" may take 4096 bytes of JSON at most, not 5002"),
        ("data", json!({"a": "x".repeat(33_000)}), "\"data\" may take 32768 bytes of JSON at most"),
        ("group_key", json!(""), "\"group_key\" must be 1 to 255 bytes"),
        ("idempotency_key", long(256), "\"idempotency_key\" must be 1 to 255 bytes of printable text"),
        ("idempotency_key", json!("a\u{0}"), "\"idempotency_key\" must be"),
        (
            "media",
            json!(["email", "fax"]),
            "\"media\" names \"fax\", which is no medium: expected email, web_push",
        ),
        ("to", json!([]), "\"to\" is empty"),
        ("expires_at", json!("2026-11-20T13:00:00Z"), "which is past: it is 2026-11-20T13:00:00.000Z"),
    ];
    for (field, value, expected) in table {
        let refused = drafted(with(field, value.clone())).expect_err(field);
        assert_eq!((refused.code, refused.field.as_str()), (ErrorCode::Invalid, field), "{value}");
        assert!(refused.message.contains(expected), "{}", refused.message);
        assert!(refused.message.len() < 400, "{}", refused.message.len());
    }
}

#[test]
fn what_is_just_within_the_limits_is_taken() {
    let table = [
        ("message", json!("é".repeat(4_000))),
        ("title", json!("é".repeat(200))),
        ("type", json!("a".repeat(64))),
        ("type", json!("order.paid-2_X")),
        ("url", json!("HTTPS://example.com/x?a=b#c")),
        ("url", json!("/")),
        ("icon", json!("mdi:bell")),
        ("icon", json!("🔔")),
        ("icon", json!("/static/bell.svg")),
        ("icon", json!("https://example.com/bell.svg")),
        ("actor", json!(null)),
        ("data", json!({"": 1, "a": "x".repeat(32_000)})),
        ("media", json!([])),
        ("media", json!(["web_push"])),
    ];
    for (field, value) in table {
        drafted(with(field, value)).unwrap_or_else(|refused| panic!("{field}: {}", refused.message));
    }
}

#[test]
fn times_must_be_in_order_and_a_past_send_at_means_now() {
    let later = |seconds: i64| json!(now().plus_seconds(seconds));
    let mut body = with("send_at", later(60));
    body["expires_at"] = later(60);
    let refused = drafted(body.clone()).unwrap_err();
    assert!(refused.message.contains("must be later than \"send_at\""), "{}", refused.message);

    body["expires_at"] = later(61);
    let waiting = drafted(body).unwrap();
    assert_eq!(waiting.send_at, Some(now().plus_seconds(60)));
    assert_eq!(frame(&waiting)["timestamp"], later(60), "the frame tells when it lands");

    let late = drafted(with("send_at", later(-5))).unwrap();
    assert_eq!((late.send_at, late.created_at), (None, now()));
}

#[test]
fn an_audience_named_twice_counts_once() {
    let draft = drafted(with("to", json!(["role:a", "user:7", "role:a"]))).unwrap();
    assert_eq!(draft.audience, ["role:a".parse().unwrap(), "user:7".parse().unwrap()]);
}

#[test]
fn the_same_request_has_the_same_fingerprint_whatever_the_order_of_its_keys() {
    let fingerprint = |text: &str| {
        let request: NotificationRequest = serde_json::from_str(text).unwrap();
        draft(&request, ID.parse().unwrap(), "key:k1", now()).unwrap().idempotency.unwrap().fingerprint
    };
    let one = fingerprint(
        r#"{"to":"user:7","message":"m","data":{"a":1,"b":{"c":2,"d":3}},"idempotency_key":"k"}"#,
    );
    let two = fingerprint(
        r#"{"idempotency_key":"k","data":{"b":{"d":3,"c":2},"a":1},"message":"m","to":"user:7"}"#,
    );
    let other = fingerprint(
        r#"{"to":"user:7","message":"n","data":{"a":1,"b":{"c":2,"d":3}},"idempotency_key":"k"}"#,
    );
    let elsewhere = fingerprint(
        r#"{"to":"user:7","message":"m","data":{"a":1,"b":{"c":2,"d":3}},"idempotency_key":"l"}"#,
    );
    assert_eq!(one, two);
    assert_ne!(one, other);
    assert_eq!(one, elsewhere);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".{0,10}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_frame_is_json_that_says_what_was_published(
        message in ".{1,80}",
        title in proptest::option::of(".{0,40}"),
        typed: bool,
        actor in proptest::option::of(any_json()),
        data in prop::collection::hash_map("k.{0,8}", any_json(), 0..5),
    ) {
        let data: serde_json::Map<String, Value> = data.into_iter().collect();
        let body = json!({"to": "user:7", "message": message, "title": title, "actor": actor, "data": data,
            "type": typed.then_some("some_type")});
        match drafted(body) {
            Err(refused) => prop_assert_eq!(refused.field, "message"),
            Ok(draft) => {
                let frame = frame(&draft);
                prop_assert_eq!(&frame["message"], &json!(message));
                prop_assert_eq!(frame.get("title").and_then(Value::as_str), title.as_deref());
                // A JSON null is the same as absent.
                prop_assert_eq!(frame.get("actor"), actor.as_ref().filter(|actor| !actor.is_null()));
                for (key, value) in &data {
                    let found = if typed { &frame[key] } else { &frame["data"][key] };
                    prop_assert_eq!(found, value);
                }
            }
        }
    }

    #[test]
    fn no_request_makes_the_checks_panic(body in any_json(), field in 0..13_usize) {
        const FIELDS: [&str; 13] = ["to", "type", "message", "title", "url", "icon", "severity", "actor", "data",
            "group_key", "media", "idempotency_key", "expires_at"];
        if let Ok(request) = serde_json::from_value::<NotificationRequest>(with(FIELDS[field], body)) {
            let _ = draft(&request, ID.parse().unwrap(), "s", now());
        }
    }
}
