//! Against a listener on loopback, with a resolver that says what the test wants.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

fn options(allow_private: bool) -> OutboundOptions {
    OutboundOptions { allow_private, timeout: Duration::from_secs(5), max_answer: 16 }
}

/// A client whose names lead to these addresses, one list per look-up, the last one for ever; and how many there were.
fn resolving(allow_private: bool, answers: Vec<Vec<SocketAddr>>) -> (Outbound, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let guard = Guard::new(allow_private, move |_| {
        let turn = counted.fetch_add(1, Ordering::SeqCst);
        let answer = answers[turn.min(answers.len() - 1)].clone();
        async move { Ok(answer) }.boxed()
    });
    (Outbound::with_guard(options(allow_private), guard).unwrap(), asked)
}

/// A server that answers every request alike; and how many connections it had.
async fn answering(response: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    (address, connections)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";

async fn post(outbound: &Outbound, url: &str) -> Result<Answer, OutboundError> {
    outbound.post(url, HeaderMap::new(), Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
    let (address, connections) = answering(OK).await;
    let (outbound, _) = resolving(false, vec![vec![address]]);
    let refused = post(&outbound, &format!("https://hook.test:{}/", address.port())).await.unwrap_err();
    assert_eq!(refused, OutboundError::Private("hook.test".into()));
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_is_asked_for_once_and_the_address_that_was_looked_at_is_used() {
    let ((first, met), (second, unmet)) = (answering(OK).await, answering(OK).await);
    // As a rebinding name does: harmless at the first look, hostile at every later one.
    let (outbound, asked) = resolving(true, vec![vec![first], vec![second]]);
    let answer = post(&outbound, &format!("http://hook.test:{}/", first.port())).await.unwrap();
    assert_eq!((answer.status, answer.text.as_str()), (200, "hi"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!((met.load(Ordering::SeqCst), unmet.load(Ordering::SeqCst)), (1, 0));
}

#[tokio::test]
async fn of_several_addresses_only_the_public_ones_are_given_out() {
    let mixed = ["127.0.0.1:0", "8.8.8.8:0", "[::1]:0", "10.0.0.1:0"].map(|one| one.parse().unwrap());
    let guard = Guard::new(false, move |_| async move { Ok(mixed.to_vec()) }.boxed());
    let given: Vec<_> = {
        use reqwest::dns::Resolve as _;
        guard.resolve("mixed.test".parse().unwrap()).await.unwrap().collect()
    };
    assert_eq!(given, ["8.8.8.8:0".parse().unwrap()]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let moved = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\
                 connection: close\r\n\r\n";
    let (address, connections) = answering(moved).await;
    let outbound = Outbound::new(options(true)).unwrap();
    let answer = post(&outbound, &format!("http://{address}/")).await.unwrap();
    assert_eq!((answer.status, answer.is_success()), (307, false));
    assert_eq!(answer.summary(), "HTTP 307 (redirects are not followed: give the address itself)");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_long_answer_is_cut_and_one_that_breaks_off_counts() {
    let (address, _) =
        answering("HTTP/1.1 500 No\r\ncontent-length: 999999\r\n\r\nan essay of a thousand pages").await;
    let outbound = Outbound::new(options(true)).unwrap();
    let answer = post(&outbound, &format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.summary(), "HTTP 500: an essay of a th");
}

#[tokio::test]
async fn who_does_not_answer_is_told_from_who_is_not_there() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limit = Duration::from_millis(50);
    let outbound = Outbound::new(OutboundOptions { timeout: limit, ..options(true) }).unwrap();
    let late = post(&outbound, &format!("http://{}/", silent.local_addr().unwrap())).await.unwrap_err();
    assert_eq!(late, OutboundError::Timeout(limit));
    let outbound = Outbound::new(options(true)).unwrap();
    let gone = silent.local_addr().unwrap();
    drop(silent);
    let refused = post(&outbound, &format!("http://{gone}/secret")).await.unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("refused") && !refused.contains("secret"), "{refused}");
}

#[test]
fn an_address_is_checked_before_anything_is_asked() {
    let strict = Outbound::new(options(false)).unwrap();
    let lax = Outbound::new(options(true)).unwrap();
    for good in ["https://push.example.net/x", "https://[2606:4700::1]/", "https://8.8.8.8:8443/a?b=c"] {
        assert!(strict.check(good).is_ok(), "{good}");
    }
    let private = |text: &str| AddressError::Private(text.parse().unwrap());
    let table = [
        ("", AddressError::NotAUrl),
        ("hook", AddressError::NotAUrl),
        ("ftp://example.com/", AddressError::NotHttps),
        ("http://example.com/", AddressError::NotHttps),
        ("https://anna:secret@example.com/", AddressError::Credentials),
        ("https://127.0.0.1/", private("127.0.0.1")),
        // As browsers read it, these are loopback too.
        ("https://0x7f.1/", private("127.0.0.1")),
        ("https://2130706433/", private("127.0.0.1")),
        ("https://[::ffff:10.0.0.1]/", private("::ffff:10.0.0.1")),
        ("https://169.254.169.254/latest/", private("169.254.169.254")),
    ];
    for (text, refused) in table {
        assert_eq!(strict.check(text), Err(refused), "{text}");
    }
    assert_eq!(strict.check(&format!("https://a/{}", "x".repeat(2_048))), Err(AddressError::TooLong));
    assert!(lax.check("http://127.0.0.1:8080/hook").is_ok());
    assert_eq!(lax.check("file:///etc/passwd"), Err(AddressError::NotHttps));
}

#[test]
fn a_receiver_asks_for_time_in_seconds_or_by_a_date() {
    let now: Timestamp = "2026-11-20T13:00:00.000Z".parse().unwrap();
    let asked = |text: &str| {
        Answer { status: 429, retry_after: Some(text.into()), text: String::new() }.retry_after(now)
    };
    assert_eq!(asked("120"), Some(Duration::from_secs(120)));
    assert_eq!(asked("Fri, 20 Nov 2026 13:01:30 GMT"), Some(Duration::from_secs(90)));
    assert_eq!(asked("Fri, 20 Nov 2026 12:00:00 GMT"), Some(Duration::ZERO));
    assert_eq!(asked("soon"), None);
}
