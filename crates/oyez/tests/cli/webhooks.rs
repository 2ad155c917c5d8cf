//! `oyez webhook`, with a server and without one: an endpoint is made, tried, given new secrets, held and deleted.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::binary::{Server, answer, run};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it came: its head, one line each, and its body.
struct Request {
    head: Vec<String>,
    body: String,
}

/// An application on loopback: it answers 500 below `/broken` and 200 elsewhere.
struct Application {
    port: u16,
    requests: Receiver<Request>,
}

impl Application {
    /// Its thread ends with the tests.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hand_on, requests) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Nobody listens any more when the test is over.
                let _ = hand_on.send(take(&stream.unwrap()));
            }
        });
        Self { port, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("the request comes")
    }
}

/// Reads one request and answers it.
fn take(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let mut request = Request { head, body: String::new() };
    let length = request.header("content-length").parse().unwrap();
    reader.take(length).read_to_string(&mut request.body).unwrap();
    let status = if request.head[0].contains(" /broken") { "500 Broken" } else { "200 OK" };
    let mut answers = stream;
    write!(answers, "HTTP/1.1 {status}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nheard").unwrap();
    request
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let mut fields = self.head.iter().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// Which of its signatures are by a secret: by hand, from the specification.
    fn signed_by(&self, secret: &str) -> Vec<bool> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let signed = [self.header("webhook-id"), self.header("webhook-timestamp"), &self.body].join(".");
        let check = |one: &str| {
            let signature = STANDARD.decode(one.strip_prefix("v1,").unwrap()).unwrap();
            aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
        };
        self.header("webhook-signature").split(' ').map(check).collect()
    }
}

/// A command for people that has to succeed.
fn said(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A command that has to fail so: what it said.
fn refused(data: &Path, exit_code: i32, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?} prints an answer");
    said
}

/// The secret in what a command said, where it says that it is shown once.
fn secret_in(said: &str) -> String {
    let (_, secret) = said.split_once("secret, shown once: ").unwrap_or_else(|| panic!("{said}"));
    let secret = secret.lines().next().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{said}");
    secret
}

/// All that an operator does with an endpoint, in the words of the command line.
fn look_after_webhooks(data: &Path) {
    let application = Application::start();
    let url = application.url("/hooks");
    let put = ["webhook", "put", "billing", &url, "--event", "delivery.*"];
    let made = said(data, &put);
    assert!(made.starts_with("webhook billing is made; its secret, shown once: whsec_"), "{made}");
    let first = secret_in(&made);

    assert_eq!(said(data, &["webhook", "test", "billing"]), "webhook billing answered HTTP 200\n");
    let request = application.next();
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!((&body["type"], &body["data"]), (&json!("webhook.test"), &json!({"webhook": "billing"})));
    assert_eq!(request.signed_by(&first), [true]);

    let changed = said(data, &[&put[..], &["--event", "job.failed", "--type", "invoice_*"]].concat());
    assert_eq!(changed, "webhook billing is changed, and keeps its secret\n");
    let as_json = answer(data, &put);
    assert_eq!((&as_json["types"], as_json.get("secret")), (&Value::Null, None), "{as_json}");

    let rotated = said(data, &["webhook", "rotate", "billing", "--overlap", "3600"]);
    let second = secret_in(&rotated);
    assert!(second != first && rotated.contains("\nthe old one signs too until 20"), "{rotated}");
    assert_eq!(answer(data, &["webhook", "test", "billing"])["delivered"], true);
    let request = application.next();
    let accepted = (request.signed_by(&second), request.signed_by(&first));
    assert_eq!(accepted, (vec![true, false], vec![false, true]));

    let state = |wanted: &str| {
        let list = said(data, &["webhook", "list"]);
        let row = list.lines().nth(1).unwrap();
        assert!(row.starts_with("billing") && row.contains(wanted) && row.ends_with(&url), "{list}");
    };
    state("in service");
    assert_eq!(said(data, &["webhook", "disable", "billing"]), "webhook billing is out of service\n");
    state("disabled");
    assert_eq!(answer(data, &["webhook", "list"])["data"][0]["events"], json!(["delivery.*"]), "it is kept");
    assert_eq!(said(data, &["webhook", "enable", "billing"]), "webhook billing is in service\n");
    state("in service");

    for shown in [&["webhook", "list"][..], &["webhook", "list", "--json"], &["webhook", "enable", "billing"]]
    {
        let shown = said(data, shown);
        assert!(!shown.contains("whsec_") && !shown.contains(&second[6..]), "{shown}");
    }
    said(data, &["webhook", "put", "billing", &application.url("/broken"), "--event", "*"]);
    let failed = refused(data, 1, &["webhook", "test", "billing"]);
    assert_eq!(failed, "error: billing answered HTTP 500: heard\n");

    assert_eq!(said(data, &["webhook", "delete", "billing"]), "webhook billing is deleted\n");
    for action in ["test", "rotate", "enable", "disable", "delete"] {
        let refused = refused(data, 1, &["webhook", action, "billing"]);
        assert_eq!(refused, "error: there is no webhook billing\n", "{action}");
    }
}

/// A data directory of an installation that reaches applications beside it.
fn beside_applications() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("oyez.toml"), "[webhooks]\nallow_private = true\n").unwrap();
    data
}

#[test]
fn webhooks_are_looked_after_while_the_server_runs_and_without_one() {
    let data = beside_applications();
    let mut server = Server::start(data.path(), &[]);
    look_after_webhooks(data.path());
    assert!(server.terminate().success());
    look_after_webhooks(data.path());
}

#[test]
fn a_test_that_reaches_nobody_fails_and_says_why() {
    let data = beside_applications();
    answer(data.path(), &["migrate"]);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{gone}/hooks");
    said(data.path(), &["webhook", "put", "billing", &url, "--event", "*", "--disabled"]);
    let failed = refused(data.path(), 1, &["webhook", "test", "billing"]);
    assert!(failed.starts_with("error: billing: ") && failed.contains("refused"), "{failed}");
    assert!(said(data.path(), &["webhook", "list"]).contains("disabled"), "it was made so");
}

#[test]
fn what_an_endpoint_cannot_be_is_wrong_use_and_says_what_is_right() {
    let data = tempfile::tempdir().unwrap();
    answer(data.path(), &["migrate"]);
    let long = format!("https://app.example.com/{}", "x".repeat(2_048));
    for (arguments, part) in [
        (
            vec!["billing", "app.example.com", "--event", "*"],
            "not an address such as https://app.example.com",
        ),
        (vec!["billing", "ftp://app.example.com/", "--event", "*"], "it must begin with https://"),
        (
            vec!["billing", "http://127.0.0.1:9000/hooks", "--event", "*"],
            "http:// too where `allow_private` is set",
        ),
        (
            vec!["billing", "https://127.0.0.1/hooks", "--event", "*"],
            "the private address 127.0.0.1, which is refused unless `allow_private`",
        ),
        (vec!["billing", "https://[fd00::1]/hooks", "--event", "*"], "the private address fd00::1"),
        (
            vec!["billing", "https://me:secret@app.example.com/", "--event", "*"],
            "must not hold a user name or password",
        ),
        (vec!["billing", &long, "--event", "*"], "longer than 2048 bytes"),
        (
            vec!["billing", "https://app.example.com/", "--event", "delivery.lost"],
            "expected some of notification",
        ),
        (
            vec!["billing", "https://app.example.com/", "--event", "notification"],
            "set webhooks.notifications",
        ),
        (vec!["billing", "https://app.example.com/", "--event", "*", "--type", "in voice"], "in voice"),
        (vec!["bil ling", "https://app.example.com/", "--event", "*"], "bil ling"),
        (vec!["billing", "https://app.example.com/"], "--event <EVENT>"),
    ] {
        let said = refused(data.path(), 2, &[&["webhook", "put"][..], &arguments].concat());
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(!said.contains("secret@"), "{said}");
    }
    let overlong = ["webhook", "rotate", "billing", "--overlap", "9999999"];
    assert!(refused(data.path(), 2, &overlong).contains("which is 31 days"));
    assert_eq!(answer(data.path(), &["webhook", "list"])["data"], json!([]));
}
