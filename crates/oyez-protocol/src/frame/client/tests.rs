use super::*;

fn command(text: &str) -> Command {
    ClientFrame::parse(text).unwrap().command
}

fn refusal(text: &str) -> (ErrorCode, String) {
    let error = ClientFrame::parse(text).unwrap_err();
    (error.code, error.message)
}

#[test]
fn a_ping_keeps_its_timestamp_as_it_was_sent() {
    for (text, kept) in [
        (r#"{"type":"ping","timestamp":1700000000123.5}"#, Some("1700000000123.5")),
        (r#"{"type":"ping","timestamp":"now"}"#, Some("\"now\"")),
        (r#"{"type":"ping"}"#, None),
    ] {
        let Command::Ping { timestamp } = command(text) else { panic!("{text}") };
        assert_eq!(timestamp.as_deref().map(RawValue::get), kept);
    }
}

#[test]
fn marks_name_their_items_in_one_way_only() {
    let id = "018f4d5e-7c3a-7b1e-8d2f-1a2b3c4d5e6f";
    let one = command(&format!(r#"{{"type":"mark_read","id":"{id}"}}"#));
    assert!(
        matches!(one, Command::Mark { action: MarkAction::Read, selection: Selection::Ids(ids) } if ids.len() == 1)
    );
    let all = command(r#"{"type":"mark_seen","all":true,"up_to_seq":7}"#);
    assert!(matches!(
        all,
        Command::Mark { action: MarkAction::Seen, selection: Selection::All { up_to: Some(Seq(7)) } }
    ));
    let cleared = command(r#"{"type":"clear_all"}"#);
    assert!(matches!(
        cleared,
        Command::Mark { action: MarkAction::Archive, selection: Selection::All { up_to: None } }
    ));
    for text in [
        r#"{"type":"mark_read"}"#.to_owned(),
        r#"{"type":"mark_read","ids":[]}"#.to_owned(),
        r#"{"type":"mark_read","all":false}"#.to_owned(),
        format!(r#"{{"type":"archive","id":"{id}","all":true}}"#),
        r#"{"type":"mark_read","id":"seven"}"#.to_owned(),
    ] {
        assert_eq!(refusal(&text).0, ErrorCode::Invalid, "{text}");
    }
}

#[test]
fn a_signal_takes_all_other_keys_as_its_data() {
    let signal = command(r#"{"type":"signal","topic":"t-1","name":"typing","ref":1,"who":"ann"}"#);
    let Command::Signal { topic, name, data } = signal else { panic!() };
    assert_eq!((topic.as_str(), name.as_str(), data.len()), ("t-1", "typing", 1));
    assert_eq!(refusal(r#"{"type":"signal","topic":"t","name":"x","seq":1}"#).0, ErrorCode::ReservedKey);
    assert_eq!(refusal(r#"{"type":"signal","topic":"t"}"#).0, ErrorCode::Invalid);
}

#[test]
fn what_is_not_a_frame_is_told_apart() {
    for (text, code) in [
        ("", ErrorCode::NotJson),
        ("hello", ErrorCode::NotJson),
        ("{\"type\":", ErrorCode::NotJson),
        ("[1]", ErrorCode::NotAnObject),
        ("7", ErrorCode::NotAnObject),
        ("{}", ErrorCode::TypeMissing),
        (r#"{"type":7}"#, ErrorCode::TypeMissing),
        (r#"{"type":"teleport"}"#, ErrorCode::TypeUnknown),
        (r#"{"type":"subscribe"}"#, ErrorCode::Invalid),
        (r#"{"type":"subscribe","topic":"a b"}"#, ErrorCode::Invalid),
        (r#"{"type":"history","limit":0}"#, ErrorCode::Invalid),
    ] {
        assert_eq!(refusal(text).0, code, "{text:?}");
    }
}

#[test]
fn a_refusal_echoes_ref_but_never_a_token() {
    let error = ClientFrame::parse(r#"{"type":"nope","ref":"r-1"}"#).unwrap_err();
    assert_eq!(error.reference.unwrap().get(), "\"r-1\"");
    let error = ClientFrame::parse(r#"{"type":"auth","token":{"secret":"s3cr3t"}}"#).unwrap_err();
    assert!(!error.message.contains("s3cr3t"), "{}", error.message);
}

#[test]
fn a_refusal_does_not_send_a_huge_value_back() {
    let (code, message) = refusal(&format!(r#"{{"type":"mark_read","up_to_seq":"{}"}}"#, "x".repeat(60_000)));
    assert_eq!(code, ErrorCode::Invalid);
    assert!(message.starts_with("mark_read: invalid type") && message.len() < 400, "{}", message.len());
}
