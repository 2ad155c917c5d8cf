//! `oyez doctor` about the mail server: the real program, and servers that take mail, refuse, or are not there.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::{
    mail_server::{MailServer, Setup},
    secure::certificates,
};

/// What the doctor says of e-mail with these lines below `[email]`, and its exit code.
async fn finds(lines: &str) -> (Value, Option<i32>) {
    let data = tempfile::tempdir().unwrap();
    let text = format!(
        "public_url = \"https://n.example.com\"\n[email]\nfrom = \"Acme <notify@example.com>\"\n{lines}"
    );
    std::fs::write(data.path().join("oyez.toml"), text).unwrap();
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_oyez"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OYEZ_")) {
        doctor.env_remove(name);
    }
    doctor.env("OYEZ_LISTEN", "127.0.0.1:0").args(["doctor", "--json", "--data"]).arg(data.path());
    let output = tokio::task::spawn_blocking(move || doctor.output().unwrap()).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("s3cret") && !said.contains("guessed"), "a password is nobody's to read: {said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    let mut about_mail: Vec<_> = said["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["name"] == "e-mail")
        .cloned()
        .collect();
    assert_eq!(about_mail.len(), 1, "{said}");
    (about_mail.remove(0), output.status.code())
}

/// The settings of a server on this machine.
fn server(port: u16, rest: &str) -> String {
    format!("transport = \"smtp\"\nhost = \"localhost\"\nport = {port}\ntimeout = \"30s\"\n{rest}")
}

const LOGIN: &str = "username = \"oyez\"\npassword = \"s3cret\"\n";

fn secured(folder: &Path) -> (Setup, String) {
    let (cert, key, ca) = certificates(folder);
    let setup = Setup { tls: Some(("starttls", cert, key)), login: Some("oyez:s3cret"), ..Setup::default() };
    (setup, format!("{LOGIN}ca_file = {:?}\n", ca.display().to_string()))
}

#[tokio::test]
async fn a_server_that_takes_the_login_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, settings) = secured(folder.path());
    let mut mail_server = MailServer::with(setup).await;
    let (check, code) = finds(&server(mail_server.port, &settings)).await;
    let detail = format!("localhost:{} takes mail as oyez", mail_server.port);
    assert_eq!(check, json!({"name": "e-mail", "state": "ok", "detail": detail, "fix": null}));
    assert_eq!(code, Some(0));
    assert!(mail_server.others().is_empty(), "looking sends nothing");
    let open = MailServer::start().await;
    let (check, _) = finds(&server(open.port, "tls = \"none\"\n")).await;
    assert_eq!(check["detail"], format!("localhost:{} takes mail without a login", open.port));
}

#[tokio::test]
async fn a_wrong_password_is_named_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, settings) = secured(folder.path());
    let mail_server = MailServer::with(setup).await;
    let (check, code) = finds(&server(mail_server.port, &settings.replace("s3cret", "guessed"))).await;
    let detail = check["detail"].as_str().unwrap();
    let expected = format!("localhost:{}: logging in at the mail server: 535", mail_server.port);
    assert!(check["state"] == "wrong" && detail.starts_with(&expected), "{check}");
    assert_eq!(check["fix"], "check email.username, and OYEZ_EMAIL__PASSWORD");
    assert_eq!(code, Some(1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_looked_for() {
    let gone = MailServer::start().await.port;
    let (check, code) = finds(&server(gone, "tls = \"none\"\n")).await;
    let detail = check["detail"].as_str().unwrap();
    assert!(check["state"] == "wrong" && detail.contains("refused"), "{check}");
    let fix = "check email.host, email.port and email.tls, and that this machine may reach the mail server";
    assert_eq!((&check["fix"], code), (&json!(fix), Some(1)));
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_password_and_another_setting_is_named() {
    let mail_server = MailServer::with(Setup { login: Some("oyez:s3cret"), ..Setup::default() }).await;
    let (check, _) = finds(&server(mail_server.port, LOGIN)).await;
    let detail = check["detail"].as_str().unwrap();
    assert!(check["state"] == "wrong" && detail.ends_with("the mail server offers no STARTTLS"), "{check}");
    let fix = "email.tls = \"tls\"    (port 465), or \"none\" for a server on this machine";
    assert_eq!(check["fix"], fix);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_told_from_a_file_that_holds_none() {
    let folder = tempfile::tempdir().unwrap();
    let (setup, _) = secured(folder.path());
    let mail_server = MailServer::with(setup).await;
    let (check, _) = finds(&server(mail_server.port, LOGIN)).await;
    let fix = check["fix"].as_str().unwrap();
    assert!(fix.contains("private authority's in email.ca_file"), "{check}");

    let (empty, missing) = (folder.path().join("empty.pem"), folder.path().join("missing.pem"));
    std::fs::write(&empty, "").unwrap();
    for (path, part) in [(&empty, "there is none in it"), (&missing, "cannot be read")] {
        let settings = format!("{LOGIN}ca_file = {:?}\n", path.display().to_string());
        let (check, _) = finds(&server(mail_server.port, &settings)).await;
        let (detail, fix) = (check["detail"].as_str().unwrap(), check["fix"].as_str().unwrap());
        assert!(check["state"] == "wrong" && detail.contains(part), "{check}");
        assert!(detail.contains("email.ca_file") && !detail.contains('\n'), "{check}");
        assert!(fix.contains("put the PEM file in place"), "{check}");
    }
}

#[tokio::test]
async fn mails_in_files_reach_nobody_and_the_doctor_says_so() {
    let (check, code) = finds("transport = \"file\"\n").await;
    assert_eq!((&check["state"], code), (&json!("warning"), Some(0)));
    assert!(check["fix"].as_str().unwrap().starts_with("email.transport = \"smtp\""), "{check}");
}
