//! Clients that break the rules.

use proptest::{prelude::*, strategy::ValueTree as _};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::stage::{PATIENCE, Stage};

#[tokio::test]
async fn mistakes_are_answered_until_they_are_abuse() {
    let stage = Stage::new().await;
    let mut client = stage.connect("anna").await;
    for (text, code) in [("{", "not_json"), ("[]", "not_an_object"), ("{}", "type_missing")] {
        client.say(text).await;
        assert_eq!(client.next().await["code"], code);
    }
    futures_util::SinkExt::send(&mut client.stream, Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.next().await["code"], "not_json");
    client.expect_silence().await;
    for _ in 0..400 {
        let _may_be_closed = futures_util::SinkExt::send(&mut client.stream, Message::text("{")).await;
    }
    assert_eq!(client.close_code().await, 1008);
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009_and_bad_utf8_with_1007() {
    let stage = Stage::new().await;
    let mut client = stage.connect("anna").await;
    client.say(&"x".repeat(65 * 1024)).await;
    assert_eq!(client.close_code().await, 1009);
    let mut client = stage.connect("anna").await;
    let bad = [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff];
    tokio::io::AsyncWriteExt::write_all(client.stream.get_mut(), &bad).await.unwrap();
    assert_eq!(client.close_code().await, 1007);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_malformed_inputs_break_nothing() {
    let stage = Stage::new().await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let frames = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(Input::Bytes),
        ".{0,80}".prop_map(Input::Text),
        broken_command().prop_map(Input::Text),
    ];
    let mut client = stage.connect("anna").await;
    for _ in 0..10_000 {
        let sent = match frames.new_tree(&mut runner).unwrap().current() {
            Input::Text(text) => {
                futures_util::SinkExt::send(&mut client.stream, Message::text(text)).await.is_ok()
            }
            Input::Bytes(bytes) => {
                tokio::io::AsyncWriteExt::write_all(client.stream.get_mut(), &bytes).await.is_ok()
            }
        };
        if !sent || client.stream.get_ref().try_read(&mut [0; 4096]).is_ok_and(|count| count == 0) {
            client = stage.connect("anna").await;
        }
    }
    let mut other = stage.connect("bert").await;
    other.expect_silence().await;
    drop(client);
    drop(other);
    stage.connections(0).await;
}

#[derive(Debug, Clone)]
enum Input {
    Bytes(Vec<u8>),
    Text(String),
}

/// Frames that look right at first.
fn broken_command() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        Just("mark_read"),
        Just("subscribe"),
        Just("unsubscribe"),
        Just("signal"),
        Just("auth"),
        Just("history"),
        Just("cancel_job"),
        Just("ping"),
        "[a-z_]{1,12}".prop_map(|text| &*text.leak()),
    ];
    let key = prop_oneof![Just("id"), Just("ids"), Just("topic"), Just("token"), Just("limit"), Just("ref")];
    let value = prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        ".{0,20}".prop_map(|text| json!(text)),
        Just(json!(null)),
        Just(json!([{}, [], ""])),
        Just(json!({"a": {"b": []}})),
    ];
    (kind, key, value).prop_map(|(kind, key, value)| json!({"type": kind, key: value}).to_string())
}

#[tokio::test]
async fn half_a_handshake_or_a_wrong_query_breaks_nothing() {
    let stage = Stage::new().await;
    let token = stage.token("anna");
    for query in ["since=-1", "since=1e3", "since=99999999999999999999", "since=%31"] {
        let (status, _) =
            stage.upgrade(&format!("/ws/notifications/?{query}&token={token}"), &[]).await.err().unwrap();
        assert_eq!(status, 422, "{query}");
    }
    for query in ["", "&", "=&=", "since=", "frames=none", "epoch=", "a=b=c&token"] {
        let path = format!("/ws/notifications/?{query}&token={token}");
        assert!(stage.upgrade(&path, &[]).await.is_ok(), "{query}");
    }
    let mut raw = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let half = "GET /ws/notifications/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut raw, half.as_bytes()).await.unwrap();
    drop(raw);
    tokio::time::timeout(PATIENCE, stage.connect("anna")).await.unwrap().expect_silence().await;
}
