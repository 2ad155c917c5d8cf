//! What clients ask for, and what they are told.

use oyez_protocol::NotificationId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{Stage, topic, user};

#[tokio::test]
async fn a_ping_is_answered_with_its_own_timestamp() {
    let stage = Stage::new().await;
    let mut client = stage.connect("anna").await;
    for timestamp in ["1732104000.25", "\"2026-11-20T12:00:00Z\"", "null"] {
        client.say(&format!(r#"{{"type":"ping","timestamp":{timestamp}}}"#)).await;
        let expected =
            json!({"type": "pong", "timestamp": serde_json::from_str::<Value>(timestamp).unwrap()});
        assert_eq!(client.next().await, expected);
    }
}

#[tokio::test]
async fn what_one_tab_reads_the_other_tabs_badge_shows() {
    let stage = Stage::new().await;
    let (mut one, mut other) = (stage.connect("anna").await, stage.connect("anna").await);
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(stage.publish("user:anna", &number.to_string()).await.id);
    }
    for client in [&mut one, &mut other] {
        client.messages(3).await;
    }
    let ack = one.ask(json!({"type": "mark_read", "id": ids[0], "ref": "r"})).await;
    assert_eq!(ack, json!({"type": "ack", "ref": "r", "unread": 2, "unseen": 2, "up_to_seq": 3}));
    let inbox = other.next().await;
    assert_eq!((&inbox["type"], &inbox["unread"], &inbox["unseen"]), (&"inbox".into(), &2.into(), &2.into()));
    assert_eq!(inbox["changed"][0]["id"], json!(ids[0]));
    assert_eq!(inbox["changed"][0]["read_at"], "2026-11-20T12:00:00.000Z");

    let ack = one.ask(json!({"type": "mark_seen", "ids": [ids[1], ids[2]], "ref": 2})).await;
    assert_eq!((&ack["unread"], &ack["unseen"]), (&2.into(), &0.into()));
    assert_eq!(other.next().await["changed"].as_array().unwrap().len(), 2);
    let ack = one.ask(json!({"type": "mark_unread", "id": ids[0], "ref": 3})).await;
    assert_eq!(ack["unread"], 3);
    assert_eq!(other.next().await["unread"], 3);
    let ack = one.ask(json!({"type": "mark_read", "all": true, "up_to_seq": 2, "ref": 4})).await;
    assert_eq!(ack["unread"], 1);
    assert_eq!(other.next().await["unread"], 1);
    let ack = one.ask(json!({"type": "clear_all", "ref": 5})).await;
    assert_eq!((&ack["unread"], &ack["unseen"]), (&0.into(), &0.into()));
    assert_eq!(other.next().await["unread"], 0);
    assert_eq!(stage.inboxes.counts(&user("anna")).await.unwrap().unread, 0);
}

#[tokio::test]
async fn marks_of_one_connection_are_carried_out_in_the_order_they_were_sent() {
    let stage = Stage::new().await;
    let id = stage.publish("user:anna", "one").await.id;
    let mut client = stage.connect("anna").await;
    for number in 0..40 {
        let kind = if number % 2 == 0 { "mark_read" } else { "mark_unread" };
        client.send(json!({"type": kind, "id": id, "ref": number})).await;
    }
    for number in 0..40 {
        let ack = client.next_of("ack").await;
        assert_eq!((ack["ref"].as_u64(), ack["unread"].as_u64()), (Some(number), Some(number % 2)));
    }
}

#[tokio::test]
async fn plain_clients_never_see_frames_they_did_not_ask_for() {
    let stage = Stage::new().await;
    let token = stage.token("anna");
    let (mut plain, _) = stage.open(&format!("/ws/notifications/?token={token}")).await;
    let mut full = stage.connect("anna").await;
    let id = stage.publish("user:anna", "one").await.id;
    full.messages(1).await;
    full.ask(json!({"type": "mark_read", "id": id, "ref": 1})).await;
    stage.hand.advance(3_550);
    assert_eq!(full.next_of("token_expiring").await["expires_in"], 50);
    assert_eq!(plain.messages(1).await.len(), 1);
    let ack = plain.ask(json!({"type": "mark_unread", "id": id, "ref": 2})).await;
    assert_eq!(ack["unread"], 1, "answers to its own commands it gets");
    plain.expect_silence().await;
}

#[tokio::test]
async fn topics_are_for_members_for_the_dashboard_or_open_to_all() {
    let stage = Stage::new().await;
    stage.users.join(&topic("red"), &user("anna")).await.unwrap();
    let mut anna = stage.connect("anna").await;
    let mut bert = stage.connect("bert").await;
    let refused = bert.ask(json!({"type": "subscribe", "topic": "red", "ref": 1})).await;
    assert_eq!((&refused["type"], &refused["code"]), (&"error".into(), &"forbidden".into()));
    let ack = bert.ask(json!({"type": "subscribe", "topic": "open-day", "ref": 2})).await;
    assert_eq!(ack, json!({"type": "ack", "ref": 2, "topic": "open-day"}));
    assert_eq!(stage.event("topic:open-day", "started").await, 1);
    assert_eq!(bert.next().await["type"], "started");
    assert_eq!(stage.event("topic:red", "hello").await, 1);
    assert_eq!(anna.next().await["type"], "hello");

    anna.ask(json!({"type": "unsubscribe", "topic": "red", "ref": 3})).await;
    assert_eq!(stage.event("topic:red", "hello").await, 0, "muted on this connection");
    anna.ask(json!({"type": "subscribe", "topic": "red", "ref": 4})).await;
    assert_eq!(stage.event("topic:red", "again").await, 1);
    stage.users.leave(&topic("red"), &user("anna")).await.unwrap();
    assert_eq!(stage.event("topic:red", "gone").await, 0, "a subscription ends with the membership");
    stage.users.join(&topic("red"), &user("bert")).await.unwrap();
    assert_eq!(stage.event("topic:red", "joined").await, 1);
    assert_eq!(bert.next().await["type"], "joined");
}

#[tokio::test]
async fn a_signal_reaches_the_topics_other_members_and_not_too_many_of_them() {
    let stage = Stage::new().await;
    for name in ["anna", "bert"] {
        stage.users.join(&topic("chat"), &user(name)).await.unwrap();
    }
    let (mut anna, mut bert) = (stage.connect("anna").await, stage.connect("bert").await);
    let mut carl = stage.connect("carl").await;
    let signal = json!({"type": "signal", "topic": "chat", "name": "typing", "line": 7, "ref": 1});
    assert_eq!(anna.ask(signal.clone()).await["type"], "ack");
    let heard = bert.next().await;
    assert_eq!(
        (&heard["type"], &heard["topic"], &heard["line"]),
        (&"typing".into(), &"chat".into(), &7.into())
    );
    assert_eq!(heard["actor"], "anna");
    assert_eq!(carl.ask(signal.clone()).await["code"], "forbidden");
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(anna.ask(signal.clone()).await["code"].clone());
    }
    assert_eq!(answers.last().unwrap(), "too_many_requests");
    anna.expect_silence().await;
    carl.expect_silence().await;
}

#[tokio::test]
async fn history_goes_back_page_by_page() {
    let stage = Stage::new().await;
    for number in 1..=25 {
        stage.publish("user:anna", &number.to_string()).await;
    }
    let mut client = stage.connect("anna").await;
    let mut before = Value::Null;
    let mut seqs = Vec::new();
    loop {
        let page = client.ask(json!({"type": "history", "before": before, "limit": 10, "ref": "h"})).await;
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["message"], item["seq"].to_string());
            seqs.push(item["seq"].as_u64().unwrap());
        }
        before = page["next_before"].clone();
        if before.is_null() {
            break;
        }
    }
    assert_eq!(seqs, (1..=25).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_done_is_answered_with_an_error_and_its_ref() {
    let stage = Stage::new().await;
    let mut client = stage.connect("anna").await;
    let missing = NotificationId(Uuid::from_u128(1));
    let table = [
        (json!({"type": "cancel_job", "job_id": "7", "ref": 1}), "not_found"),
        (json!({"type": "mark_read", "ref": 2}), "invalid"),
        (json!({"type": "subscribe", "topic": "two words", "ref": 3}), "invalid"),
        (json!({"type": "auth", "token": "nonsense", "ref": 4}), "token_malformed"),
        (json!({"type": "history", "limit": 1_000, "ref": 5}), "invalid"),
        (json!({"type": "jump", "ref": 6}), "type_unknown"),
        (json!({"type": "signal", "topic": "a", "name": "x", "seq": 1, "ref": 7}), "reserved_key"),
    ];
    for (frame, code) in table {
        let answer = client.ask(frame.clone()).await;
        assert_eq!((&answer["type"], &answer["code"]), (&"error".into(), &code.into()), "{frame}");
        assert!(!answer["message"].as_str().unwrap().is_empty());
    }
    let ack = client.ask(json!({"type": "mark_read", "id": missing, "ref": 8})).await;
    assert_eq!(ack["type"], "ack", "ids that are not in the inbox are passed over");
}
