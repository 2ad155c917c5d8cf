use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

struct Running {
    address: SocketAddr,
    draining: CancellationToken,
    task: tokio::task::JoinHandle<TaskTracker>,
}

async fn start(limits: Limits, router: Router) -> Running {
    let tcp = bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let draining = CancellationToken::new();
    let listener = Listener { tcp, tls: None, limits, live: Arc::new(|| 0) };
    let task = tokio::spawn(listener.run(router, draining.clone()));
    Running { address, draining, task }
}

fn limits() -> Limits {
    Limits { header_limit: 16 << 10, header_timeout: Duration::from_secs(5), max_connections: 100 }
}

fn hello() -> Router {
    Router::new().route("/", axum::routing::get(|| async { "hello" }))
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let server = start(limits(), hello()).await;
    let close = "Connection: close\r\n";
    let answer = exchange(server.address, &format!("GET / HTTP/1.1\r\nHost: x\r\n{close}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let long = "x".repeat(20 << 10);
    let answer = exchange(server.address, &format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_client_that_says_nothing_or_half_a_head_is_let_go() {
    let limits = Limits { header_timeout: Duration::from_millis(50), ..limits() };
    let server = start(limits, hello()).await;
    for begun in ["", "P", "GET / HTTP/1.1\r\nHo"] {
        assert_eq!(exchange(server.address, begun).await, "", "{begun:?}");
    }
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_the_next_one_is_served_again() {
    let server = start(Limits { max_connections: 1, ..limits() }, hello()).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(server.address, request).await, "");
    drop(first);
    // The server notices the end of the first connection a moment later.
    let mut answer = String::new();
    while answer.is_empty() {
        answer = exchange(server.address, request).await;
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_drain_finishes_the_request_in_flight_and_refuses_new_connections() {
    let (began, go) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let router = {
        let (began, go) = (Arc::clone(&began), Arc::clone(&go));
        let slow = || async move {
            began.notify_one();
            go.notified().await;
            "done"
        };
        Router::new().route("/", axum::routing::get(slow))
    };
    let server = start(limits(), router).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let request = tokio::spawn(exchange(server.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    began.notified().await;
    server.draining.cancel();
    let connections = server.task.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
    go.notify_one();
    let answer = request.await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    connections.wait().await;
}
