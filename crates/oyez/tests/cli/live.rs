//! What works beside a running server, and how a server begins and ends.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::binary::{Server, answer, oyez, run};

#[test]
fn a_first_start_says_all_that_is_needed_and_its_curl_line_works_when_pasted() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let mut child = oyez()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said = Vec::new();
    let curl = loop {
        let line = lines.next().expect("it says a curl line");
        if line.trim().starts_with("curl ") {
            break line.trim().to_owned();
        }
        said.push(line);
    };
    let said = said.join("\n");
    assert!(said.contains("Sign in   admin / "), "{said}");
    assert!(said.contains("API key   oyez_sk_"), "{said}");
    let pasted = Command::new("sh").args(["-c", &format!("{curl} -s")]).output();
    child.kill().unwrap();
    child.wait().unwrap();
    let pasted = pasted.unwrap();
    let published: Value = serde_json::from_slice(&pasted.stdout).unwrap();
    assert_eq!(published["recipients"], 1, "{curl}: {published}");
    for (file, mode) in [("", 0o700), ("signing.key", 0o600), ("oyez.db", 0o600)] {
        let found = fs::metadata(data.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{file:?} has {found:o}");
    }
}

#[test]
fn a_second_start_shows_no_secrets() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), &[]);
    assert!(server.ready["password"].is_string());
    assert!(server.terminate().success());
    let server = Server::start(data.path(), &[]);
    assert!(server.ready["password"].is_null() && server.ready["key"].is_null(), "{}", server.ready);
}

#[test]
fn commands_work_while_the_server_runs_by_directory_and_by_address() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let status = answer(data.path(), &["status"]);
    assert_eq!(status["running"], true);
    assert_eq!(status["url"].as_str(), Some(server.url().as_str()));
    answer(data.path(), &["user", "add", "anna", "--password", "correct horse battery"]);
    assert_eq!(answer(data.path(), &["notify", "user:anna", "Hello"])["recipients"], 1);
    assert_eq!(answer(data.path(), &["doctor"])["healthy"], true);

    let (url, key) = (server.url(), server.said("key"));
    let remote = ["--server", &url, "--key", &key, "--json"];
    let output = oyez().args(["user", "list"]).args(remote).output().unwrap();
    let users: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(users["data"].as_array().unwrap().iter().any(|user| user["id"] == "anna"), "{users}");
    let wrong = ["--server", &url, "--key", "oyez_sk_nonsense", "--json"];
    let output = oyez().arg("status").args(wrong).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn tail_shows_what_was_there_and_what_comes() {
    let data = tempfile::tempdir().unwrap();
    let _server = Server::start(data.path(), &[]);
    answer(data.path(), &["notify", "user:anna", "Before"]);
    let mut tail = oyez()
        .args(["tail", "--user", "anna", "--since", "0", "--json", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines().map(Result::unwrap);
    let before: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((&before["message"], &before["seq"]), (&"Before".into(), &1.into()));
    answer(data.path(), &["notify", "user:anna", "After", "--type", "news"]);
    let after: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((&after["message"], &after["type"]), (&"After".into(), &"news".into()));
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn a_database_that_was_only_made_is_introduced_at_its_first_start_and_not_again() {
    let data = tempfile::tempdir().unwrap();
    answer(data.path(), &["migrate"]);
    let server = Server::start(data.path(), &[]);
    assert!(server.said("key").starts_with("oyez_sk_"));
    let output = run(data.path(), &["migrate"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a server runs on"));
    drop(server);
    let server = Server::start(data.path(), &[]);
    assert!(server.ready.get("key").is_none(), "{}", server.ready);
}

#[test]
fn a_second_server_on_the_same_directory_or_port_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let output = run(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another server uses"));
    let other = tempfile::tempdir().unwrap();
    let address = server.said("address");
    let output = run(other.path(), &["serve", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("could not listen on {address}")), "{said}");
}

#[test]
fn sigterm_finishes_what_is_in_flight_and_ends_with_success() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), &[]);
    let (address, key) = (server.said("address"), server.said("key"));
    let body = r#"{"to":"user:anna","message":"In flight"}"#;
    let mut stream = TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /api/v1/notifications HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // The head is there, the body is not: the request is in flight while the server drains.
    stream.write_all(head.as_bytes()).unwrap();
    let mut first = [0];
    let drain = std::thread::scope(|scope| {
        let ended = scope.spawn(|| server.terminate());
        while TcpStream::connect(&address).is_ok() {
            std::thread::yield_now();
        }
        stream.write_all(body.as_bytes()).unwrap();
        stream.read_exact(&mut first).unwrap();
        ended.join().unwrap()
    });
    let mut answered = String::new();
    stream.read_to_string(&mut answered).unwrap();
    assert!(answered.starts_with("TTP/1.1 202"), "{answered}");
    assert!(drain.success(), "{drain}");
    assert_eq!(answer(data.path(), &["status"])["stats"]["items"], 1);
}

#[test]
fn sigterm_says_goodbye_to_live_clients_and_does_not_wait_out_the_grace_period() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), &[]);
    let mut tail = oyez()
        .args(["tail", "--user", "anna", "--since", "0", "--full", "--json", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines().map(Result::unwrap);
    answer(data.path(), &["notify", "user:anna", "Hello"]);
    assert!(lines.next().unwrap().contains("Hello"));
    assert!(server.terminate().success());
    let goodbye = lines.find(|line| line.contains("goodbye")).expect("it says goodbye");
    let goodbye: Value = serde_json::from_str(&goodbye).unwrap();
    assert!(goodbye["retry_after_ms"].is_u64(), "{goodbye}");
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn a_second_signal_stops_a_server_that_waits_for_a_request() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), &[]);
    let address = server.said("address");
    let mut stuck = TcpStream::connect(&address).unwrap();
    let head = "POST /api/v1/notifications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer oyez_sk_x\r\n";
    stuck.write_all(head.as_bytes()).unwrap();
    stuck.write_all(b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n").unwrap();
    server.signal();
    while TcpStream::connect(&address).is_ok() {
        std::thread::yield_now();
    }
    server.terminate();
    assert!(answer(data.path(), &["status"])["running"] == false);
}
