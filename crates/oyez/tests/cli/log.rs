//! The log: JSON for machines, and no secret at any level.

use std::fs::{self, File};

use serde_json::{Value, json};

use super::binary::{Server, answer, oyez};

#[tokio::test]
async fn no_secret_reaches_the_log_at_any_level() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("log");
    let mut command = oyez();
    command.env("OYEZ_LOG__LEVEL", "trace").stderr(File::create(&path).unwrap());
    let mut server = Server::start_with(command, data.path(), &[]);
    let (url, key, password) = (server.url(), server.said("key"), server.said("password"));
    let client = reqwest::Client::new();

    let login = json!({"username": "admin", "password": password});
    let answered = client.post(format!("{url}/api/auth/login")).json(&login).send().await.unwrap();
    let login: Value = answered.json().await.unwrap();
    let (access, refresh) = (login["access"].as_str().unwrap(), login["refresh"].as_str().unwrap());
    let asked =
        client.post(format!("{url}/api/v1/users/anna/ticket")).bearer_auth(&key).send().await.unwrap();
    let ticket: Value = asked.json().await.unwrap();
    let ticket = ticket["ticket"].as_str().unwrap();
    let wrong = json!({"username": "admin", "password": "a-wrong-password"});
    client.post(format!("{url}/api/auth/login")).json(&wrong).send().await.unwrap();
    let token = answer(data.path(), &["token", "--user", "anna"]);
    let token = token["access"].as_str().unwrap();
    for query in [format!("token={token}"), format!("ticket={ticket}"), "token=broken.token.here".to_owned()]
    {
        let stream = client.get(format!("{url}/sse/notifications/?{query}")).send().await.unwrap();
        drop(stream);
    }
    client.get(format!("{url}/nowhere?token={token}")).send().await.unwrap();
    server.terminate();

    let log = fs::read_to_string(&path).unwrap();
    assert!(log.lines().count() > 1);
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    let control = "oyez_sk_";
    for secret in
        [&key, &password, access, refresh, ticket, token, "a-wrong-password", "broken.token.here", control]
    {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
