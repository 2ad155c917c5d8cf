//! `oyez delivery` and `oyez preferences`, with a server and without one; what `status` and `doctor` say of them.

use serde_json::{Value, json};

use super::binary::{Server, answer, run};

/// All that an operator does about people who are away, in the words of the command line.
fn look_after_people_who_are_away(data: &std::path::Path) {
    answer(data, &["user", "add", "anna", "--email", "anna@example.org"]);
    let chosen = "{\"default\":{\"email\":\"digest\"},\"digest\":{\"at\":\"08:00\"}}";
    assert_eq!(answer(data, &["preferences", "set", "anna", chosen])["digest"]["at"], "08:00");
    assert_eq!(answer(data, &["preferences", "show", "anna"])["default"], json!({"email": "digest"}));
    let wrong = run(data, &["preferences", "set", "anna", "{\"default\":{\"email\":\"never\"}}"]);
    assert_eq!(wrong.status.code(), Some(2));
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("expected one of off, at_once"), "{said}");
    assert_eq!(answer(data, &["preferences", "set", "anna", "{}"])["default"], Value::Null);

    let listed = answer(data, &["delivery", "list", "--status", "failed,bounced", "--user", "anna"]);
    assert_eq!(listed, json!({"data": [], "next_cursor": null}));
    assert_eq!(run(data, &["delivery", "list", "--status", "lost"]).status.code(), Some(2));
    let nobody = "5b0f2d1e-7c5a-8bbb-8000-000000000001";
    assert_eq!(run(data, &["delivery", "show", nobody]).status.code(), Some(1));
    assert_eq!(run(data, &["delivery", "resend", nobody]).status.code(), Some(1));
    assert_eq!(run(data, &["delivery", "resend"]).status.code(), Some(2));
    let resent = answer(data, &["delivery", "resend", "--status", "failed"]);
    assert_eq!(resent, json!({"queued": 0, "left": 0}));
    let sent = ["delivery", "resend", "--status", "sent"];
    let refused = run(data, &sent);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("add --again"), "{refused:?}");
    assert_eq!(answer(data, &[&sent[..], &["--again"]].concat())["queued"], 0);
    assert_eq!(answer(data, &["status"])["stats"]["deliveries"], json!({}));
    let doctor = run(data, &["doctor"]);
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(found.contains("fallback"), "{found}");
}

#[test]
fn people_who_are_away_are_looked_after_while_the_server_runs_and_without_one() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), &[]);
    look_after_people_who_are_away(data.path());
    assert!(server.terminate().success());
    look_after_people_who_are_away(data.path());
}

#[test]
fn a_rule_that_cannot_be_is_refused_at_the_start_with_its_line() {
    let data = tempfile::tempdir().unwrap();
    let table = [
        (
            "[fallback.email]\nwhen = \"soon\"\n",
            "fallback.email.when: is \"soon\": expected one of off",
            "oyez.toml:2",
        ),
        (
            "[[fallback.rules]]\ntypes = [\"a\"]\nwhen = \"soon\"\n",
            "\"fallback.rules[0].when\" is \"soon\"",
            "oyez.toml:1",
        ),
        ("[fallback]\ngrace = 5\n", "fallback.grace: expected a duration", "oyez.toml:2"),
    ];
    for (text, problem, place) in table {
        std::fs::write(data.path().join("oyez.toml"), text).unwrap();
        let output = run(data.path(), &["serve"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(problem) && said.contains(place), "{said}");
    }
}
