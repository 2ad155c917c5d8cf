//! What reaches whom, in which order, and what a client that does not read costs.

use oyez_protocol::frame::server::{InboxChange, ItemState};

use super::*;

#[tokio::test]
async fn items_follow_the_greeting_in_order_and_once() {
    let mut stage = Stage::new();
    let mut anna = stage.connect("anna");
    let mut bert = stage.connect("bert");
    for _ in 0..20 {
        stage.publish(10);
    }
    let again = Landed::clone(&stage.store(1));
    stage.hub.landed(&[Arc::new(again.clone())]);
    stage.hub.landed(&[Arc::new(again)]);
    assert_eq!(anna.numbers(21), (1..=21).collect::<Vec<_>>());
    stage.event("everyone", r#"{"type":"end"}"#);
    assert_eq!(anna.next()["type"], "end", "the repeated announcement was dropped");
    assert_eq!(bert.next()["type"], "end", "and nobody else got anything");
}

#[tokio::test]
async fn what_lands_between_registering_and_greeting_is_paged_and_not_doubled() {
    let mut stage = Stage::new();
    for _ in 0..5 {
        stage.store(10);
    }
    let mut anna = stage.knock("anna", |_| {});
    stage.publish(10);
    stage.publish(10);
    stage.greet(&anna, 3);
    assert_eq!(stage.answer_page().await, Seq(3));
    stage.publish(10);
    assert_eq!(anna.next()["type"], "hello");
    assert_eq!(anna.numbers(5), [4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn a_lost_announcement_is_noticed_by_the_next_and_by_the_head_check() {
    let mut stage = Stage::new();
    let mut anna = stage.connect("anna");
    stage.store(10);
    stage.publish(10);
    assert_eq!(stage.answer_page().await, Seq(0));
    assert_eq!(anna.numbers(2), [1, 2]);
    stage.store(10);
    let (name, version) = stage.hub.users().await.remove(0);
    let mut standing = Standing::unknown(name);
    standing.head = Seq(3);
    stage.hub.readings(vec![Reading { standing, version, rights: Rights::default() }]);
    assert_eq!(stage.answer_page().await, Seq(2));
    assert_eq!(anna.numbers(1), [3]);
}

#[tokio::test]
async fn a_slow_client_is_paged_misses_nothing_and_holds_bounded_memory() {
    let mut stage = Stage::new();
    let mut anna = stage.connect("anna");
    let mut quick = stage.connect_at("anna", 0, |_| {});
    let total = 5_000;
    for number in 1..=total {
        stage.publish(1_000);
        assert_eq!(quick.numbers(1), [number], "others are not slowed");
    }
    let waiting = stage.hub.connections().await.iter().map(|info| info.waiting_bytes).max().unwrap();
    assert!(waiting <= 18 * 1024, "{waiting} bytes wait for one client");
    assert!(stage.hub.stats().blocked > 0);
    let reader = std::thread::spawn(move || anna.numbers(total as usize));
    while !reader.is_finished() {
        let Ok(Some(ask)) = tokio::time::timeout(Duration::from_millis(20), stage.questions.recv()).await
        else {
            continue;
        };
        stage.answer(&ask);
    }
    assert_eq!(reader.join().unwrap(), (1..=total).collect::<Vec<_>>());
}

#[tokio::test]
async fn events_that_a_client_does_not_read_make_way_for_newer_ones() {
    let stage = Stage::new();
    let mut anna = stage.connect("anna");
    let pad = "x".repeat(500);
    for number in 0..5_000 {
        stage.event("user:anna", &format!(r#"{{"type":"tick","number":{number},"pad":"{pad}"}}"#));
    }
    eventually("events are given up", async || stage.hub.stats().events_dropped > 0).await;
    assert!(stage.hub.connections().await[0].waiting_bytes <= 20 * 1024);
    let mut last = None;
    while last != Some(4_999) {
        let number = anna.next()["number"].as_u64();
        assert!(number > last, "in order");
        last = number;
    }
}

#[tokio::test]
async fn inbox_changes_for_a_client_that_does_not_read_become_one() {
    let mut stage = Stage::new();
    let mut anna = stage.connect("anna");
    while stage.hub.stats().blocked == 0 {
        stage.publish(4_000);
    }
    let state = |number: u64| ItemState {
        id: NotificationId(Uuid::from_u128(u128::from(number))),
        seen_at: None,
        read_at: None,
        archived_at: None,
    };
    for number in 1..=50 {
        let changed = vec![state(number)];
        let seq = Seq(stage.items.len() as u64);
        let change = InboxChange { seq, unread: 100 - number, unseen: 7, changed, all: false };
        stage.hub.inbox_changed(&user("anna"), &Arc::new(change));
    }
    let total = stage.items.len() as u64 + 1;
    stage.publish(10);
    let reader = std::thread::spawn(move || {
        let mut seqs = Vec::new();
        loop {
            let frame = anna.next();
            if frame["type"] == "inbox" {
                return (seqs, frame);
            }
            seqs.push(frame["seq"].as_u64().unwrap());
        }
    });
    while !reader.is_finished() {
        if let Ok(Some(ask)) = tokio::time::timeout(Duration::from_millis(20), stage.questions.recv()).await {
            stage.answer(&ask);
        }
    }
    let (seqs, change) = reader.join().unwrap();
    assert_eq!(seqs, (1..=total).collect::<Vec<_>>());
    assert_eq!(
        (change["type"].as_str(), change["unread"].as_u64()),
        (Some("inbox"), Some(51)),
        "50, and one landed"
    );
    assert_eq!(change["changed"].as_array().unwrap().len(), 50);
    assert_eq!(stage.hub.stats().conflated, 49);
}

#[tokio::test]
async fn counts_fit_the_items_a_client_has_when_a_page_overtook_the_announcements() {
    let mut stage = Stage::new();
    let mut anna = stage.connect("anna");
    stage.store(10);
    stage.publish(10);
    // Committed after the change below, and read with the page before either is announced.
    let late = stage.store(10);
    assert_eq!(stage.answer_page().await, Seq(0));
    assert_eq!(anna.numbers(3), [1, 2, 3]);
    let change = InboxChange { seq: Seq(2), unread: 1, unseen: 0, all: true, ..InboxChange::default() };
    stage.hub.inbox_changed(&user("anna"), &Arc::new(change));
    stage.hub.landed(&[late]);
    let told = anna.next();
    assert_eq!((&told["type"], &told["up_to_seq"]), (&"inbox".into(), &3.into()));
    assert_eq!((&told["unread"], &told["unseen"]), (&2.into(), &1.into()), "the third counts on top");
}

#[tokio::test]
async fn counts_that_include_items_not_announced_yet_wait_for_them() {
    let mut stage = Stage::new();
    let mut anna = stage.connect("anna");
    stage.store(10);
    let change = InboxChange { seq: Seq(1), unread: 1, unseen: 1, all: true, ..InboxChange::default() };
    stage.hub.inbox_changed(&user("anna"), &Arc::new(change));
    assert_eq!(stage.answer_page().await, Seq(0));
    assert_eq!(anna.next()["type"], "note");
    let told = anna.next();
    assert_eq!((&told["type"], &told["unread"]), (&"inbox".into(), &1.into()));
}

#[tokio::test]
async fn events_reach_their_audience_once_in_order_and_are_counted() {
    let stage = Stage::new();
    let mut anna = stage.connect("anna");
    let mut bert = stage.connect("bert");
    let mut board = stage.connect_at("anna", 0, |attach| {
        attach.stream = Stream::Dashboard;
        attach.topics = vec![TopicName::new("board").unwrap()];
    });
    let (report, reached) = tokio::sync::oneshot::channel();
    let audience = ["role:reader", "topic:news", "user:anna"].map(|text| text.parse().unwrap()).to_vec();
    let event = LiveEvent::new(audience, r#"{"type":"one"}"#.into(), None)
        .reporting(move |count| report.send(count).unwrap());
    stage.hub.event(&Arc::new(event));
    assert_eq!(reached.await.unwrap(), 2);
    for number in 0..100 {
        stage.event("topic:news", &format!(r#"{{"type":"news","number":{number}}}"#));
        if number % 10 == 0 {
            stage.event("topic:board", &format!(r#"{{"type":"board","number":{number}}}"#));
        }
    }
    stage.event("everyone", r#"{"type":"end"}"#);
    for client in [&mut anna, &mut bert] {
        assert_eq!(client.next()["type"], "one");
        for number in 0..100 {
            assert_eq!(client.next()["number"], number);
        }
        assert_eq!(client.next()["type"], "end");
    }
    for number in (0..100).step_by(10) {
        assert_eq!(board.next()["number"], number);
    }
    assert_eq!(stage.hub.stats().events, 2 + 200 + 10 + 2);
}

#[tokio::test]
async fn plain_clients_get_no_inbox_frames() {
    let stage = Stage::new();
    let mut plain = stage.connect_at("anna", 0, |attach| attach.full = false);
    let mut full = stage.connect("anna");
    let change = InboxChange { unread: 1, unseen: 2, all: true, ..InboxChange::default() };
    stage.hub.inbox_changed(&user("anna"), &Arc::new(change));
    stage.event("everyone", r#"{"type":"end"}"#);
    assert_eq!(full.next()["type"], "inbox");
    assert_eq!(full.next()["type"], "end");
    assert_eq!(plain.next()["type"], "end");
}

#[tokio::test]
async fn a_flood_of_answers_that_is_not_read_stops_being_read_itself() {
    let stage = Stage::new();
    let mut anna = stage.connect("anna");
    let mut flood = anna.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        for _ in 0..400 {
            flood.write_all(&[b'a'; 4_096]).unwrap();
        }
    });
    eventually("the answers fill the socket", async || stage.hub.stats().blocked > 0).await;
    let received = stage.hub.stats().bytes_received;
    assert!(received < 400 * 4_096, "{received}");
    let mut letters = 0;
    while letters < 400 * 4_096 {
        letters += anna.next()["text"].as_str().unwrap().len();
    }
    sender.join().unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_told_the_latest_of_each_job_and_every_end() {
    let mut stage = Stage::new();
    let mut anna = stage.connect("anna");
    while stage.hub.stats().blocked == 0 {
        stage.publish(4_000);
    }
    let job = |number: u128| JobId(Uuid::from_u128(number));
    let frame = |number: u128, text: &str| format!(r#"{{"type":"job","number":{number},"text":"{text}"}}"#);
    let tell = |number: u128, frame: JobFrame| stage.hub.job_moved(&user("anna"), job(number), frame);
    for round in 0..50 {
        for number in 1..=3 {
            tell(number, JobFrame::Now(frame(number, &format!("round {round}")).into()));
        }
    }
    tell(1, JobFrame::End(Some(frame(1, "over").into())));
    tell(2, JobFrame::End(None));
    tell(1, JobFrame::Now(frame(1, "late").into()));
    let reader = std::thread::spawn(move || {
        let mut told = Vec::new();
        let last = |told: &[(u64, String)], number| told.iter().rfind(|(one, _)| *one == number).cloned();
        while last(&told, 1) != Some((1, "over".into())) || last(&told, 3) != Some((3, "round 49".into())) {
            let next = anna.next();
            if next["type"] == "job" {
                told.push((next["number"].as_u64().unwrap(), next["text"].as_str().unwrap().to_owned()));
            }
        }
        (anna, told)
    });
    while !reader.is_finished() {
        let Ok(Some(ask)) = tokio::time::timeout(Duration::from_millis(20), stage.questions.recv()).await
        else {
            continue;
        };
        stage.answer(&ask);
    }
    let (_anna, told) = reader.join().unwrap();
    // The system may take a little more after all before it is full again.
    assert!(told.len() < 30, "most of the 150 frames made way for newer ones: {told:?}");
}

#[tokio::test]
async fn what_a_job_says_while_its_owner_is_being_greeted_follows_the_greeting() {
    let stage = Stage::new();
    let mut anna = stage.knock("anna", |_| {});
    for percent in [10, 20] {
        let frame = format!(r#"{{"type":"job","percent":{percent}}}"#);
        stage.hub.job_moved(&user("anna"), JobId(Uuid::nil()), JobFrame::Now(frame.into()));
    }
    stage.greet(&anna, 0);
    assert_eq!(anna.next()["type"], "hello");
    assert_eq!(anna.next()["percent"], 20);
}
