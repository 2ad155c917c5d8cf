use super::*;

fn session() -> Session {
    Session::new(Arc::new(Limits::new(10, 200)))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).plus_seconds(seconds)
}

/// What the actions come to, in short.
fn told(actions: &mut Vec<Action>) -> Vec<String> {
    let short = |action: Action| match action {
        Action::Frame(text) => text,
        Action::Ask(frame) => format!("ask {}", frame.reference.map_or_else(String::new, |r| r.get().into())),
        Action::Unsubscribe(topic) => format!("unsubscribe {topic}"),
        Action::Close(code, _) => format!("close {}", code.as_u16()),
        Action::Raw(bytes) => format!("raw {}", bytes.len()),
        Action::End => "end".into(),
    };
    actions.drain(..).map(short).collect()
}

#[test]
fn each_frame_leads_to_its_actions() {
    let error = |code: &str| format!(r#""code":"{code}""#);
    let table: [(&str, String); 12] = [
        (r#"{"type":"ping","timestamp":17.5}"#, r#"{"type":"pong","timestamp":17.5}"#.into()),
        (r#"{"type":"ping"}"#, r#""timestamp":null"#.into()),
        (r#"{"type":"mark_read","all":true,"ref":1}"#, "ask 1".into()),
        (r#"{"type":"history","ref":"h"}"#, "ask \"h\"".into()),
        (r#"{"type":"subscribe","topic":"a","ref":2}"#, "ask 2".into()),
        (r#"{"type":"auth","token":"x","ref":3}"#, "ask 3".into()),
        (r#"{"type":"cancel_job","job_id":"1","ref":4}"#, "ask 4".into()),
        ("{", error("not_json")),
        ("[1]", error("not_an_object")),
        ("{}", error("type_missing")),
        (r#"{"type":"dance"}"#, error("type_unknown")),
        (r#"{"type":"mark_read"}"#, error("invalid")),
    ];
    for (frame, expected) in table {
        let mut actions = Vec::new();
        session().text(frame, at(0), &mut actions);
        let told = told(&mut actions);
        assert_eq!(told.len(), 1, "{frame}: {told:?}");
        assert!(told[0].contains(&expected), "{frame}: {told:?} should contain {expected}");
    }
}

#[test]
fn commands_are_handed_on_one_at_a_time_and_in_order() {
    let (mut session, mut actions) = (session(), Vec::new());
    for number in 1..=3 {
        let text = format!(r#"{{"type":"mark_read","all":true,"ref":{number}}}"#);
        session.text(&text, at(0), &mut actions);
    }
    session.text(r#"{"type":"unsubscribe","topic":"t","ref":4}"#, at(0), &mut actions);
    session.text(r#"{"type":"ping"}"#, at(0), &mut actions);
    assert_eq!(told(&mut actions), ["ask 1", r#"{"type":"pong","timestamp":null}"#]);
    session.answered(&mut actions);
    assert_eq!(told(&mut actions), ["ask 2"]);
    session.answered(&mut actions);
    assert_eq!(told(&mut actions), ["ask 3"]);
    session.answered(&mut actions);
    assert_eq!(told(&mut actions), ["unsubscribe t", r#"{"type":"ack","ref":4,"topic":"t"}"#]);
    assert!(session.waiting.capacity() == 0, "nothing is kept between commands");
}

#[test]
fn too_many_waiting_commands_are_refused_and_the_others_still_run() {
    let mut session = Session::new(Arc::new(Limits::new(1000, 1000)));
    let mut actions = Vec::new();
    for _ in 0..=MOST_WAITING {
        session.text(r#"{"type":"mark_read","all":true}"#, at(0), &mut actions);
    }
    assert_eq!(told(&mut actions), ["ask "]);
    session.text(r#"{"type":"mark_read","all":true,"ref":9}"#, at(0), &mut actions);
    assert!(told(&mut actions)[0].contains(r#""ref":9,"code":"too_many_requests""#));
    for _ in 0..MOST_WAITING {
        session.answered(&mut actions);
    }
    assert_eq!(told(&mut actions).len(), MOST_WAITING);
}

#[test]
fn too_fast_is_told_first_and_abuse_ends_the_connection() {
    let mut session = Session::new(Arc::new(Limits::new(10, 20)));
    let mut actions = Vec::new();
    for _ in 0..20 {
        session.text(r#"{"type":"ping"}"#, at(0), &mut actions);
    }
    assert!(told(&mut actions).iter().all(|frame| frame.contains("pong")));
    session.text(r#"{"type":"ping"}"#, at(0), &mut actions);
    assert!(told(&mut actions)[0].contains("too_many_requests"));
    session.text(r#"{"type":"ping"}"#, at(1), &mut actions);
    assert!(told(&mut actions)[0].contains("pong"), "a second later it may go on");
    for _ in 0..200 {
        session.text("nonsense", at(1), &mut actions);
    }
    let told = told(&mut actions);
    assert_eq!(told.last().map(String::as_str), Some("close 1008"));
    assert_eq!(told.iter().filter(|action| action.starts_with("close")).count(), 1);
    assert!(session.is_over());
}

#[test]
fn binary_messages_are_answered_with_what_would_be_right() {
    let (mut session, mut actions) = (session(), Vec::new());
    session.binary(at(0), &mut actions);
    assert!(told(&mut actions)[0].contains("not_json"));
}
