//! `oyez job`, `schedule`, `queue` and `status`, with a server and without one.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};

use super::binary::{Server, answer, oyez, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A command for people that has to succeed.
fn said(data: &std::path::Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// All that an operator does with jobs, in the words of the command line.
fn look_after_jobs(data: &std::path::Path) {
    let job = [
        "job",
        "enqueue",
        "report",
        "--user",
        "anna",
        "--args",
        "[7]",
        "--queue",
        "slow",
        "--public-data",
        "{\"n\":1}",
        "--notify",
        "none",
    ];
    let accepted = answer(data, &job);
    assert_eq!(accepted["created"], true);
    let id = accepted["id"].as_str().unwrap().to_owned();
    let shown = answer(data, &["job", "show", &id]);
    assert_eq!(
        (&shown["args"], &shown["data"], &shown["queue"]),
        (&json!([7]), &json!({"n": 1}), &json!("slow"))
    );
    assert_eq!((&shown["steps"], &shown["attempts"]), (&json!([]), &json!([])));
    let listed = said(data, &["job", "list", "--queue", "slow", "--state", "available"]);
    assert!(listed.starts_with("id ") && listed.contains(&id) && listed.contains("anna"), "{listed}");
    assert!(!said(data, &["job", "list", "--kind", "other"]).contains(&id));

    let paused = said(data, &["queue", "pause", "slow"]);
    assert!(paused.contains("paused"), "{paused}");
    let status = said(data, &["status"]);
    assert!(status.contains("`oyez queue resume slow` lets it go"), "{status}");
    let limited = answer(data, &["queue", "limit", "slow", "--concurrency", "2", "--rate", "10/1m"]);
    assert_eq!((&limited["concurrency"], &limited["rate"]["period"]), (&json!(2), &json!(60.0)));
    assert_eq!(answer(data, &["queue", "resume", "slow"])["paused"], false);

    assert_eq!(said(data, &["job", "cancel", &id]), format!("{id} is cancelled\n"));
    let again = run(data, &["job", "cancel", &id]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("has ended: it is cancelled"), "{}", text(&again.stderr));
    assert_eq!(said(data, &["job", "retry", &id]), format!("{id} is available\n"));
    assert_eq!(answer(data, &["job", "cancel", "--queue", "slow"])["changed"], 1);

    let cron = ["--cron", "30 2 * * *", "--time-zone", "Europe/Zurich"];
    let made =
        answer(data, &[&["schedule", "set", "nightly", "report", "--queue", "slow"], &cron[..]].concat());
    assert_eq!((&made["job"]["kind"], made["next"].as_array().map(Vec::len)), (&json!("report"), Some(3)));
    let moved = answer(data, &["schedule", "set", "nightly", "--cron", "@hourly"]);
    assert_eq!((&moved["cron"], &moved["time_zone"]), (&json!("@hourly"), &json!("Europe/Zurich")));
    let all = answer(data, &["schedule", "set", "nightly", "--misfire", "all", "--misfire-window", "1h"]);
    assert_eq!(all["misfire"], json!({"all": {"window": 3600.0, "max": 100}}));
    let next = all["next"].as_array().unwrap().iter().map(|time| time.as_str().unwrap().to_owned());
    let shown = said(data, &["schedule", "show", "nightly"]);
    assert!(next.into_iter().all(|time| shown.contains(&time)), "{shown}");
    let fired = said(data, &["schedule", "run", "nightly"]);
    assert_eq!(answer(data, &["job", "show", fired.trim()])["schedule"], "nightly");
    assert!(said(data, &["schedule", "pause", "nightly"]).contains("paused"));
    assert!(said(data, &["schedule", "list"]).contains("oyez.cleanup"));
    assert_eq!(answer(data, &["schedule", "resume", "nightly"])["paused"], false);
    assert_eq!(said(data, &["schedule", "delete", "nightly"]), "schedule nightly is deleted\n");
    assert_eq!(run(data, &["schedule", "delete", "oyez.cleanup"]).status.code(), Some(1));
}

#[test]
fn jobs_are_looked_after_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let _server = Server::start(data.path(), &[]);
    look_after_jobs(data.path());
    let status = answer(data.path(), &["status"]);
    let node = &status["workers"][0];
    assert!(node["name"].as_str().unwrap().starts_with("oyez/"), "{status}");
    assert!(node["kinds"].as_array().unwrap().contains(&json!("oyez_cleanup")), "{status}");
}

#[test]
fn jobs_are_looked_after_when_no_server_runs() {
    let data = tempfile::tempdir().unwrap();
    assert!(run(data.path(), &["migrate"]).status.success());
    look_after_jobs(data.path());
    let status: Value = answer(data.path(), &["status"]);
    assert_eq!((&status["running"], &status["workers"]), (&json!(false), &json!([])));
}

#[test]
fn watching_a_job_ends_as_the_job_does() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let enqueued = answer(data.path(), &["job", "enqueue", "report"]);
    let id = enqueued["id"].as_str().unwrap().to_owned();
    let mut watching = oyez();
    watching.args(["job", "watch", &id, "--data"]).arg(data.path()).stdout(Stdio::piped());
    let mut watching = watching.spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().ends_with("Report waiting"));
    said(data.path(), &["job", "cancel", &id]);
    assert!(lines.next().unwrap().ends_with("Report cancelled"));
    assert_eq!(lines.next(), None);
    assert_eq!(watching.wait().unwrap().code(), Some(1));
    drop(server);
    let without = run(data.path(), &["job", "watch", &id]);
    assert!(text(&without.stderr).contains("no server runs"), "{}", text(&without.stderr));
}

#[test]
fn wrong_use_of_jobs_ends_with_2_and_says_what_is_right() {
    let data = tempfile::tempdir().unwrap();
    assert!(run(data.path(), &["migrate"]).status.success());
    for (arguments, part) in [
        (vec!["job", "enqueue", "Report"], "expected a letter a-z"),
        (vec!["job", "enqueue", "report", "--args", "{a}"], "hint: quote it"),
        (vec!["job", "enqueue", "report", "--timeout", "soon"], "a duration such as 90s"),
        (vec!["job", "cancel"], "hint: name ids"),
        (vec!["job", "list", "--state", "lost"], "unknown variant `lost`"),
        (vec!["schedule", "set", "x", "report", "--cron", "61 * * * *"], "field 1 (minute) is \"61\""),
        (vec!["schedule", "set", "x", "report"], "say the job's kind and --cron"),
        (vec!["schedule", "set", "x", "report", "--cron", "@daily", "--overlap", "twice"], "possible values"),
        (vec!["queue", "limit", "x"], "--concurrency N"),
        (vec!["queue", "limit", "x", "--rate", "10"], "such as 10/1s"),
    ] {
        let output = run(data.path(), &arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

#[test]
fn a_board_is_set_patched_shown_and_deleted() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    assert!(run(data, &["migrate"]).status.success());
    let made = said(data, &["board", "set", "suppliers", "{\"pending\": 3}", "--role", "reviewer"]);
    assert_eq!(made, "board suppliers is made: version 1\n");
    let patched = answer(data, &["board", "patch", "suppliers", "{\"done\": 1}"]);
    assert_eq!((&patched["version"], &patched["changed"]), (&json!(2), &json!(true)));
    let shown = answer(data, &["board", "show", "suppliers"]);
    assert_eq!((&shown["state"], &shown["roles"]), (&json!({"pending": 3, "done": 1}), &json!(["reviewer"])));
    assert!(said(data, &["board", "show", "suppliers"]).contains("\"pending\": 3"));
    assert!(said(data, &["board", "list"]).contains("reviewer"));
    let refused = run(data, &["board", "refresh", "suppliers"]);
    assert!(text(&refused.stderr).contains("names no job"), "{}", text(&refused.stderr));
    assert_eq!(run(data, &["board", "set", "suppliers", "[1]"]).status.code(), Some(2));
    assert_eq!(said(data, &["board", "delete", "suppliers"]), "board suppliers is deleted\n");
    assert_eq!(run(data, &["board", "show", "suppliers"]).status.code(), Some(1));
}
