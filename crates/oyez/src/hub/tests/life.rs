//! How connections begin, are kept alive and end.

use super::*;

#[tokio::test]
async fn nothing_is_read_or_sent_before_the_greeting() {
    let stage = Stage::new();
    let mut anna = stage.knock("anna", |attach| attach.leftover = b"early".as_slice().into());
    anna.say("late");
    stage.event("everyone", r#"{"type":"too soon"}"#);
    eventually("the connection is there", async || stage.hub.connections().await.len() == 1).await;
    stage.greet(&anna, 0);
    assert_eq!(anna.next()["type"], "hello");
    assert_eq!(anna.next()["text"], "early");
    assert_eq!(anna.next()["text"], "late");
}

#[tokio::test]
async fn a_command_is_asked_and_its_answer_sent() {
    let mut stage = Stage::new();
    let mut anna = stage.connect("anna");
    anna.say("ask");
    let ask = stage.questions.recv().await.unwrap();
    assert!(matches!(ask.question, Question::Command(_)));
    let topic = TopicName::new("extra").unwrap();
    let answer = Answer {
        frames: vec![r#"{"type":"ack"}"#.into()],
        effect: Effect::Subscribed(topic.clone(), Grant::Open),
    };
    stage.hub.reply(&ask.user, ask.connection, Reply::Answer(answer));
    assert_eq!(anna.next()["type"], "ack");
    assert_eq!(anna.next()["type"], "answered");
    stage.event("topic:extra", r#"{"type":"heard"}"#);
    assert_eq!(anna.next()["type"], "heard");
}

#[tokio::test]
async fn a_token_is_noticed_before_it_ends_and_its_connection_closed() {
    let stage = Stage::new();
    let expiring = |attach: &mut Attach| {
        attach.expires_at = Some(Timestamp::from_millis(1_800_000_000_000).plus_seconds(100));
    };
    let mut full = stage.connect_at("anna", 0, expiring);
    let mut plain = stage.connect_at("anna", 0, |attach| {
        expiring(attach);
        attach.full = false;
    });
    let mut renewed = stage.connect_at("anna", 0, expiring);
    stage.hand.advance(50);
    for client in [&mut full, &mut renewed] {
        let notice = client.next();
        assert_eq!(notice["type"], "token_expiring");
        assert_eq!(notice["expires_in"], 50);
    }
    let expires_at = Some(Timestamp::from_millis(1_800_000_000_000).plus_seconds(10_000));
    let effect = Effect::Renewed { expires_at, session: None };
    stage.hub.reply(&renewed.user, renewed.id, Reply::Answer(Answer { frames: Vec::new(), effect }));
    assert_eq!(renewed.next()["type"], "answered");
    stage.hand.advance(60);
    assert_eq!((full.ending(), plain.ending()), (Some(4401), Some(4401)));
    renewed.settle();
}

#[tokio::test]
async fn two_unanswered_pings_end_a_connection_and_an_answer_keeps_it() {
    let stage = Stage::new();
    let websocket = |attach: &mut Attach| attach.format = Format::WebSocket;
    let mut mute = stage.knock("anna", websocket);
    let mut alive = stage.knock("bert", websocket);
    stage.greet(&mute, 0);
    stage.greet(&alive, 0);
    let read = |client: &mut Client, bytes: usize| {
        while client.unread.len() < bytes {
            if !client.read_some() {
                return false;
            }
        }
        client.unread.clear();
        true
    };
    let hello = 2 + r#"{"type":"hello"}"#.len();
    assert!(read(&mut mute, hello) && read(&mut alive, hello));
    for _ in 0..2 {
        stage.hand.advance(26);
        assert!(read(&mut mute, 2) && read(&mut alive, 2), "pinged");
        alive.say("pong");
        assert!(read(&mut alive, 2), "heard");
    }
    stage.hand.advance(26);
    assert!(!read(&mut mute, 2), "silence ends it");
    assert!(read(&mut alive, 2));
    assert_eq!(stage.hub.stats().timed_out, 1);
}

#[tokio::test]
async fn event_streams_are_kept_alive_with_comments_and_need_not_answer() {
    let stage = Stage::new();
    let mut anna = stage.connect("anna");
    for _ in 0..5 {
        stage.hand.advance(26);
        while !anna.unread.ends_with(b":\n\n") {
            assert!(anna.read_some());
        }
        anna.unread.clear();
    }
}

#[tokio::test]
async fn a_connection_that_takes_nothing_for_too_long_is_ended() {
    let mut stage = Stage::new();
    let _stuck = stage.connect("anna");
    while stage.hub.stats().blocked == 0 {
        stage.publish(4_000);
    }
    stage.hand.advance(31);
    eventually("it is gone", async || stage.hub.connections().await.is_empty()).await;
    assert_eq!(stage.hub.stats().timed_out, 1);
}

#[tokio::test]
async fn a_connection_that_nobody_greets_is_ended() {
    let stage = Stage::new();
    let mut anna = stage.knock("anna", |_| {});
    eventually("it is there", async || stage.hub.connections().await.len() == 1).await;
    stage.hand.advance(16);
    assert!(anna.next().is_null());
}

#[tokio::test]
async fn a_revoked_login_is_closed_at_once_and_cannot_slip_in_late() {
    let stage = Stage::new();
    let mut one = stage.connect_at("anna", 0, |attach| attach.session = Some(session(1)));
    let mut two = stage.connect_at("anna", 0, |attach| attach.session = Some(session(2)));
    stage.hub.revoked(&user("anna"), Some(session(1)));
    assert_eq!(one.ending(), Some(4403));
    two.settle();
    let mut late = stage.knock("anna", |attach| attach.session = Some(session(1)));
    stage.greet(&late, 0);
    assert_eq!(late.ending(), Some(4403), "its token was checked before the revocation");
    stage.hub.revoked(&user("anna"), None);
    assert_eq!(two.ending(), Some(4403));
}

#[tokio::test]
async fn who_loses_the_dashboard_role_loses_the_dashboard() {
    let stage = Stage::new();
    let mut board = stage.connect_at("anna", 0, |attach| attach.stream = Stream::Dashboard);
    let mut inbox = stage.connect("anna");
    stage.hub.roles_changed(&user("anna"), &Arc::from([]), Rights { dashboard: true, own_topics: false });
    board.settle();
    stage.hub.roles_changed(&user("anna"), &Arc::from([]), Rights::default());
    assert_eq!(board.ending(), Some(4403));
    inbox.settle();
}

#[tokio::test]
async fn one_connection_too_many_replaces_the_oldest() {
    let stage = Stage::with(|options| options.max_connections_per_user = 2);
    let mut first = stage.connect("anna");
    let mut second = stage.connect("anna");
    let _other = stage.connect("bert");
    let mut third = stage.connect("anna");
    assert_eq!(first.ending(), Some(4409));
    second.settle();
    third.settle();
}

#[tokio::test]
async fn one_connection_can_be_ended_by_its_name() {
    let stage = Stage::new();
    let (mut anna, mut bert) = (stage.connect("anna"), stage.connect("bert"));
    assert!(stage.hub.disconnect(anna.id, CloseCode::Normal, "bye").await);
    assert_eq!(anna.ending(), Some(1000));
    let id = anna.id;
    drop(anna);
    eventually("it is gone", async || !stage.hub.disconnect(id, CloseCode::Normal, "bye").await).await;
    bert.settle();
    assert_eq!(stage.hub.stats().connections, 1);
}

#[tokio::test]
async fn a_drain_says_goodbye_to_full_clients_and_ends_everybody() {
    let stage = Stage::new();
    let mut full: Vec<Client> = (0..20).map(|number| stage.connect(&format!("user{number}"))).collect();
    let mut plain = stage.connect_at("anna", 0, |attach| attach.full = false);
    let hub = stage.hub.clone();
    let drained = tokio::spawn(async move { hub.drain(Duration::from_secs(10)).await });
    let mut waits = std::collections::BTreeSet::new();
    tokio::task::spawn_blocking(move || {
        for client in &mut full {
            let goodbye = client.next();
            assert_eq!(goodbye["type"], "goodbye");
            waits.insert(goodbye["retry_after_ms"].as_u64().unwrap());
            assert!(client.next().is_null());
        }
        assert!(waits.len() > 15 && *waits.last().unwrap() <= 10_100, "{waits:?}");
        assert!(plain.next().is_null(), "a plain client is only closed");
    })
    .await
    .unwrap();
    drained.await.unwrap();
    assert!(stage.hub.connections().await.is_empty());
    let mut late = stage.knock("anna", |_| {});
    stage.greet(&late, 0);
    assert!(late.next().is_null(), "nobody is let in any more");
}

#[tokio::test]
async fn a_client_that_says_goodbye_gets_what_waits_and_is_forgotten() {
    let stage = Stage::new();
    let mut anna = stage.connect("anna");
    anna.say("last words");
    assert_eq!(anna.next()["text"], "last words");
    anna.say("bye");
    assert!(anna.next().is_null());
    eventually("it is gone", async || stage.hub.stats().connections == 0).await;
    drop(stage.connect("bert"));
    eventually("one that just leaves, too", async || stage.hub.stats().connections == 0).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_ends_nobody() {
    let stage = Stage::new();
    let mut anna = stage.connect("anna");
    stage.hand.advance(-100_000);
    anna.settle();
    stage.hand.advance(26);
    while !anna.unread.ends_with(b":\n\n") {
        assert!(anna.read_some());
    }
    anna.unread.clear();
    anna.settle();
}
