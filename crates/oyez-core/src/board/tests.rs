use oyez_protocol::ErrorCode;
use proptest::prelude::*;
use serde_json::json;

use super::{merge_patch::*, *};

fn name() -> BoardName {
    BoardName::new("suppliers").unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

fn object(value: Value) -> State {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn put(state: Value) -> BoardRequest {
    BoardRequest { state: object(state), ..BoardRequest::default() }
}

fn patch(body: &str) -> BoardPatchRequest {
    serde_json::from_str(body).unwrap()
}

fn latest(outcome: Result<Outcome, Refused>) -> Latest {
    match outcome.unwrap() {
        Outcome::Changed(board) | Outcome::Same(board) => {
            Latest { version: board.version, board: Some(board) }
        }
    }
}

fn made(state: Value) -> Latest {
    latest(replaced(&name(), &Latest::default(), &put(state), Guard::Any, at(1)))
}

#[test]
fn a_merge_patch_does_what_the_rfc_says() {
    // RFC 7396, appendix A, those whose target and patch are objects.
    let table = [
        (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
        (json!({"a":"b"}), json!({"a":null}), json!({})),
        (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
        (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
        (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
        (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
        (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
        (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
    ];
    for (target, patch, result) in table {
        let mut merged = object(target.clone());
        merge(&mut merged, &object(patch.clone()));
        assert_eq!(Value::Object(merged), result, "{target} {patch}");
    }
}

#[test]
fn a_null_that_must_appear_cannot_be_patched_in() {
    let table = [
        (json!({"a": 1}), json!({"a": null})),
        (json!({}), json!({"a": {"b": null}})),
        (json!({"a": {"b": 1}}), json!({"a": {"b": null}})),
        (json!({"a": [1]}), json!({"a": {"b": {"c": null}}})),
    ];
    for (from, to) in table {
        assert_eq!(diff(&object(from.clone()), &object(to.clone())), None, "{from} {to}");
    }
    let found = diff(&object(json!({"a": null, "b": 1})), &object(json!({"a": null, "b": [null]})));
    assert_eq!(found, Some(object(json!({"b": [null]}))), "one that stays, or lies in a list, is no matter");
}

#[test]
fn versions_count_changes_and_go_on_after_a_deletion() {
    let first = made(json!({"pending": 1}));
    assert_eq!(first.version, 1);
    let same = replaced(&name(), &first, &put(json!({"pending": 1})), Guard::Any, at(2)).unwrap();
    assert_eq!(same, Outcome::Same(first.board.clone().unwrap()), "nothing changed");
    let second = latest(patched(&first, &patch(r#"{"state":{"done":2}}"#), Guard::Any, at(2)));
    let board = second.board.as_ref().unwrap();
    assert_eq!((second.version, &*board.state), (2, &object(json!({"pending": 1, "done": 2}))));
    assert_eq!((board.created_at, board.updated_at), (at(1), at(2)));
    let end = deleted(&second, Guard::Version(2)).unwrap();
    let gone = Latest { version: end, board: None };
    assert_eq!(patched(&gone, &patch("{}"), Guard::Any, at(3)), Err(Refused::Missing));
    assert_eq!(deleted(&gone, Guard::Any), Err(Refused::Missing));
    let again = latest(replaced(&name(), &gone, &put(json!({})), Guard::Absent, at(4)));
    assert_eq!((again.version, again.board.unwrap().created_at), (4, at(4)));
}

#[test]
fn a_guard_lets_only_the_expected_version_be_changed() {
    let board = made(json!({}));
    let none = Latest { version: 7, board: None };
    let table = [
        (&board, Guard::Any, Ok(())),
        (&board, Guard::Version(1), Ok(())),
        (&board, Guard::Exists, Ok(())),
        (&board, Guard::Version(2), Err(Some(1))),
        (&board, Guard::Absent, Err(Some(1))),
        (&none, Guard::Absent, Ok(())),
        (&none, Guard::Version(7), Err(None)),
        (&none, Guard::Exists, Err(None)),
    ];
    for (latest, guard, expected) in table {
        let given = replaced(&name(), latest, &put(json!({"x": 1})), guard, at(1)).map(drop);
        let expected = expected.map_err(|present| Refused::Mismatch { present });
        assert_eq!(given, expected, "{guard:?}");
    }
    let refused = Refused::Mismatch { present: Some(3) }.to_string();
    assert_eq!(refused, "the board is at version 3: read it, and decide again what to change");
}

#[test]
fn what_is_not_said_stays_and_null_goes_back_to_the_default() {
    let body = r#"{"state":{},"roles":["b","a","b"],"refresh":{"kind":"count"}}"#;
    let request: BoardRequest = serde_json::from_str(body).unwrap();
    let first = latest(replaced(&name(), &Latest::default(), &request, Guard::Any, at(1)));
    let second = latest(replaced(&name(), &first, &put(json!({"n": 1})), Guard::Any, at(2)));
    let board = second.board.as_ref().unwrap();
    let roles = ["a", "b"].map(|role| RoleName::new(role).unwrap());
    assert_eq!((board.roles.as_deref(), board.refresh.is_some()), (Some(&roles[..]), true));
    let third = latest(patched(&second, &patch(r#"{"roles":null,"refresh":null}"#), Guard::Any, at(3)));
    let board = third.board.unwrap();
    assert_eq!((board.version, board.roles, board.refresh), (3, None, None));
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_with_advice() {
    let refused = |state: Value| match replaced(&name(), &Latest::default(), &put(state), Guard::Any, at(1)) {
        Err(Refused::Invalid(invalid)) => invalid,
        other => panic!("{other:?}"),
    };
    let large = refused(json!({"list": "x".repeat(MAX_STATE_BYTES)}));
    assert_eq!((large.code, large.field.as_str()), (ErrorCode::Invalid, "state"));
    assert!(large.message.starts_with("\"state\" may take 262144 bytes of JSON at most, not 2621"));
    assert!(large.message.ends_with("keep lists short, or use several boards"), "{}", large.message);
    let deep = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
    assert!(replaced(&name(), &Latest::default(), &put(deep(MAX_DEPTH)), Guard::Any, at(1)).is_ok());
    let message = refused(deep(MAX_DEPTH + 1)).message;
    assert_eq!(message, "\"state\" may have 32 levels of objects and lists at most");
    let many: Vec<String> = (0..=MAX_ROLES).map(|number| format!("r{number}")).collect();
    let request = serde_json::from_value(json!({"state": {}, "roles": many})).unwrap();
    let refused = replaced(&name(), &Latest::default(), &request, Guard::Any, at(1)).unwrap_err();
    assert_eq!(refused.to_string(), "\"roles\" may name 50 roles at most, not 51");
}

#[test]
fn the_job_of_a_board_knows_its_board_and_does_not_pile_up() {
    let refresh: RefreshRequest = serde_json::from_str(r#"{"kind":"count","queue":"reports"}"#).unwrap();
    let job = refresh_job(&name(), &refresh);
    assert_eq!(job.args.unwrap().get(), r#"{"board":"suppliers"}"#);
    assert_eq!(job.unique_key.as_deref(), Some("board:suppliers"));
    let refresh: RefreshRequest = serde_json::from_str(r#"{"kind":"count","args":[1, 2]}"#).unwrap();
    assert_eq!(refresh_job(&name(), &refresh).args.unwrap().get(), "[1, 2]");
}

#[test]
fn viewers_are_told_the_shorter_of_patch_and_whole() {
    let long = object(json!({"a": 1, "text": "x".repeat(50)}));
    let next = object(json!({"a": 2, "text": "x".repeat(50)}));
    let short = update(&name(), Some((4, &long)), 5, &next);
    let frame = r#"{"type":"board_patch","name":"suppliers","version":5,"from_version":4,"patch":{"a":2}}"#;
    assert_eq!(short, Update::Patch { from_version: 4, frame: frame.into() });
    let whole = r#"{"type":"board","name":"suppliers","version":5,"state":{"b":1}}"#;
    assert_eq!(update(&name(), Some((4, &long)), 5, &object(json!({"b": 1}))), Update::Whole(whole.into()));
    assert_eq!(update(&name(), None, 5, &object(json!({"b": 1}))), Update::Whole(whole.into()));
}

/// A viewer that knows nothing but RFC 7396.
#[derive(Default)]
struct Viewer {
    version: u64,
    state: State,
}

impl Viewer {
    fn sees(&mut self, update: &Update) {
        let frame: Value = serde_json::from_str(update.frame()).unwrap();
        match update {
            Update::Whole(_) => self.state = object(frame["state"].clone()),
            Update::Patch { from_version, .. } => {
                assert_eq!((*from_version, &frame["from_version"]), (self.version, &json!(self.version)));
                merge(&mut self.state, frame["patch"].as_object().unwrap());
            }
        }
        self.version = frame["version"].as_u64().unwrap();
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4i64).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            json_object(inner).prop_map(Value::Object),
        ]
    })
}

fn json_object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = State> {
    proptest::collection::btree_map("[a-d]", value, 0..4).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn a_patch_that_is_found_leads_there(from in json_object(json_value()), to in json_object(json_value())) {
        if let Some(patch) = diff(&from, &to) {
            let mut merged = from.clone();
            merge(&mut merged, &patch);
            prop_assert_eq!(&merged, &to);
            prop_assert_eq!(patch.is_empty(), from == to);
        }
    }

    // Each viewer skips whatever it likes, as a full socket does, and is brought to the present from what it has.
    #[test]
    fn whatever_is_left_out_every_viewer_ends_with_the_stored_state(
        changes in proptest::collection::vec((json_object(json_value()), any::<bool>(), any::<u8>()), 1..12),
    ) {
        let mut stored = Latest::default();
        let mut history = vec![State::default()];
        let mut viewers: [Viewer; 3] = Default::default();
        for (change, replace, told) in changes {
            let outcome = if replace || stored.board.is_none() {
                replaced(&name(), &stored, &put(Value::Object(change)), Guard::Any, at(1))
            } else {
                let request = BoardPatchRequest { state: Some(change), ..BoardPatchRequest::default() };
                patched(&stored, &request, Guard::Any, at(1))
            };
            stored = latest(outcome);
            let state = &stored.board.as_ref().unwrap().state;
            history.resize(stored.version as usize + 1, State::clone(state));
            for (number, viewer) in viewers.iter_mut().enumerate() {
                if told & (1 << number) != 0 && viewer.version < stored.version {
                    let had = (viewer.version > 0).then(|| (viewer.version, &history[viewer.version as usize]));
                    viewer.sees(&update(&name(), had, stored.version, state));
                }
            }
        }
        let board = stored.board.unwrap();
        for viewer in &mut viewers {
            let had = (viewer.version > 0).then(|| (viewer.version, &history[viewer.version as usize]));
            viewer.sees(&update(&name(), had, board.version, &board.state));
            prop_assert_eq!(&viewer.state, &*board.state);
        }
    }
}
