//! What works without a server, and what is refused.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use super::binary::{answer, oyez, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_has_examples_and_is_no_failure() {
    let output = oyez().arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("oyez notify user:anna"), "{}", text(&output.stdout));
    let output = oyez().args(["notify", "--help"]).output().unwrap();
    assert!(text(&output.stdout).contains("--type ticket_created"), "{}", text(&output.stdout));
}

#[test]
fn wrong_use_ends_with_2_and_a_hint() {
    let data = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (vec!["frobnicate"], "unrecognized subcommand"),
        (vec!["notify", "anna", "hi"], "not an audience"),
        (vec!["notify", "user:anna", "hi", "--data", "{a:1}"], "hint: quote it"),
        (vec!["token", "--user", "anna", "--ttl", "soon"], "duration such as 15m"),
        (vec!["key", "create", "x", "--scope", "root"], "not a scope"),
        (vec!["serve", "--listen", "8000"], "fix:   --listen 127.0.0.1:8000"),
        (vec!["serve", "--database", "postgres://h/d"], "sqlite:"),
        (vec!["status", "--server", "http://127.0.0.1:1"], "needs an API key"),
        (vec!["user", "list", "--data", "{}"], "takes a directory here"),
    ] {
        let output = run(data.path(), &arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

#[test]
fn a_missing_database_is_a_failure_that_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let output = run(data.path(), &["user", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("hint: start the server once"), "{}", text(&output.stderr));
    let output = run(data.path(), &["user", "list", "--json"]);
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(error["error"]["hint"].is_string(), "{error}");
}

/// A command of somebody who owns the data directory but may not write the database. Root may write whatever the
/// permissions say, so there it runs as a user who may not.
fn without_the_right_to_write(data: &Path, program: &Path, arguments: &[&str]) -> Output {
    const NOBODY: u32 = 65_534;
    let mut command = oyez();
    if rustix::process::geteuid().is_root() {
        for owned in [data.to_owned(), data.join("signing.key"), data.join("server.lock")] {
            std::os::unix::fs::chown(owned, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command = Command::new("setpriv");
        command
            .args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"])
            .arg(program);
    }
    command.args(arguments).arg("--data").arg(data).output().unwrap()
}

#[test]
fn a_database_that_cannot_be_written_says_so_and_stays_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    answer(data.path(), &["migrate"]);
    answer(data.path(), &["user", "add", "anna"]);
    let database = data.path().join("oyez.db");
    let before = fs::read(&database).unwrap();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o444)).unwrap();
    // Where everybody may run it.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("oyez");
    fs::copy(oyez().get_program(), &program).unwrap();
    for arguments in [&["user", "add", "bert"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let output = without_the_right_to_write(data.path(), &program, arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("make the file and its directory writable"), "{arguments:?}: {said}");
    }
    assert_eq!(fs::read(&database).unwrap(), before);
    assert_eq!(answer(data.path(), &["user", "list"])["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_word_that_is_no_level_does_not_silence_the_log() {
    let data = tempfile::tempdir().unwrap();
    for (level, fine) in
        [("debug", true), ("warn,oyez::http=trace", true), ("chatty", false), ("info,", true)]
    {
        let output =
            oyez().env("OYEZ_LOG__LEVEL", level).arg("status").arg("--data").arg(data.path()).output();
        let said = text(&output.unwrap().stderr);
        assert_eq!(said.contains("expected error, warn, info"), !fine, "{level}: {said}");
    }
}

#[test]
fn a_wrong_setting_is_named_with_its_line() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("oyez.toml"), "\n[gateway]\nping_intervall = \"25s\"\n").unwrap();
    let output = run(data.path(), &["status"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("oyez.toml:3") && said.contains("did you mean gateway.ping_interval?"), "{said}");
}

#[test]
fn everything_works_on_a_data_directory_without_a_server() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    assert_eq!(answer(&data, &["migrate"])["made"], true);
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);

    let added = answer(&data, &["user", "add", "anna", "--email", "anna@example.com", "--role", "crew"]);
    assert_eq!(added["id"], "anna");
    let published =
        answer(&data, &["notify", "role:crew", "Hello", "--type", "greeting", "--data", r#"{"a":1}"#]);
    assert_eq!(published["recipients"], 1);
    let users = answer(&data, &["user", "list", "--role", "crew"]);
    assert_eq!(users["data"].as_array().unwrap().len(), 1);
    answer(&data, &["user", "disable", "anna"]);
    assert_eq!(answer(&data, &["user", "list"])["data"][0]["disabled"], true);
    answer(&data, &["user", "enable", "anna"]);
    assert!(answer(&data, &["user", "password", "anna"])["password"].as_str().unwrap().len() > 15);
    let missing = run(&data, &["user", "disable", "nobody"]);
    assert_eq!(missing.status.code(), Some(1));

    let key = answer(&data, &["key", "create", "shop", "--scope", "publish"]);
    assert!(key["key"].as_str().unwrap().starts_with("oyez_sk_"), "{key}");
    let id = key["id"].as_str().unwrap();
    answer(&data, &["key", "revoke", id]);
    assert!(answer(&data, &["key", "list"])["data"][0]["revoked_at"].is_string());

    assert_eq!(answer(&data, &["status"])["running"], false);
    assert_eq!(answer(&data, &["status"])["stats"]["items"], 1);
    let token = answer(&data, &["token", "--user", "anna", "--ttl", "1h"]);
    assert_eq!(token["access"].as_str().unwrap().split('.').count(), 3);
    assert!(token["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(fs::metadata(data.join("signing.key")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_backup_is_private_and_never_overwrites() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    answer(&data, &["migrate"]);
    answer(&data, &["user", "add", "anna"]);
    let copy = root.path().join("copy.db");
    let file = copy.to_str().unwrap();
    assert!(answer(&data, &["backup", file])["bytes"].as_u64().unwrap() > 0);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&data, &["backup", file]).status.code(), Some(2));

    let restored = root.path().join("restored");
    fs::create_dir(&restored).unwrap();
    fs::copy(&copy, restored.join("oyez.db")).unwrap();
    assert_eq!(answer(&restored, &["user", "list"])["data"][0]["id"], "anna");
    let epochs = [&data, &restored].map(|data| answer(data, &["status"])["stats"]["epoch"].clone());
    assert_ne!(epochs[0], epochs[1], "positions of the copy mean something else");
}

#[test]
fn the_doctor_names_what_is_wrong_and_the_line_that_fixes_it() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    answer(&data, &["migrate"]);
    answer(&data, &["token", "--user", "anna"]);
    let free = ["--config", "/dev/null"];
    let healthy = answer(&data, &[&["doctor"], &free[..]].concat());
    assert_eq!(healthy["healthy"], true, "{healthy}");

    let key = data.join("signing.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(&data, &["doctor"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("fix: chmod 600 {}", key.display())), "{said}");

    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(data.join("oyez.db"), vec![b'x'; 8192]).unwrap();
    let output = run(&data, &["doctor"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let said = text(&output.stdout);
    assert!(
        said.contains("wrong    database") && said.contains("fix: name another data directory"),
        "{said}"
    );
}

#[test]
fn an_id_that_would_be_another_place_in_the_path_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    answer(&data, &["migrate"]);
    for (id, part) in [("", "an id or name is empty"), (".", "cannot be an id"), ("..", "cannot be an id")] {
        let output = run(&data, &["user", "disable", id]);
        assert_eq!(output.status.code(), Some(2), "{id:?}");
        assert!(text(&output.stderr).contains(part), "{id:?}: {}", text(&output.stderr));
    }
}

#[test]
fn openapi_prints_a_description() {
    let output = oyez().arg("openapi").output().unwrap();
    let description: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(description["paths"]["/api/v1/notifications"].is_object());
}
