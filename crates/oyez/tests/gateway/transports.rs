//! The same stream by other roads: server-sent events, HTTP/2, compressed.

use std::io::Read as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, client::conn::http2, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use crate::stage::{PATIENCE, Stage};

/// An event stream, read as text.
pub(crate) struct Events {
    response: reqwest::Response,
    unread: String,
}

/// One event: its id, its type, its data.
pub(crate) type Event = (Option<String>, String, Value);

impl Events {
    pub(crate) async fn open(stage: &Stage, name: &str, query: &str, last_event_id: Option<&str>) -> Self {
        let url = format!("http://{}/sse/{name}{query}", stage.address);
        let mut request = reqwest::Client::new().get(url);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, unread: String::new() }
    }

    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let event = event.to_owned();
                self.unread = rest.to_owned();
                let field = |name: &str| {
                    let prefix = format!("{name}: ");
                    event.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
                };
                let Some(data) = field("data") else { continue };
                return Some((field("id"), field("event").unwrap(), serde_json::from_str(&data).unwrap()));
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("nothing came");
            self.unread.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }
}

#[tokio::test]
async fn an_event_stream_says_what_a_websocket_says() {
    let stage = Stage::new().await;
    stage.publish("user:anna", "one").await;
    let token = stage.token("anna");
    let mut events =
        Events::open(&stage, "notifications/", &format!("?frames=full&since=0&token={token}"), None).await;
    let (mut client, _) = stage.connect_with("anna", "&since=0").await;
    let (id, kind, greeting) = events.next().await.unwrap();
    assert_eq!((id, kind.as_str()), (None, "connection_established"));
    assert_eq!(greeting["resumed"], true);
    stage.publish("user:anna", "two").await;
    stage.event("everyone", "ping_all").await;
    client.send(json!({"type": "mark_read", "all": true})).await;
    for _ in 0..4 {
        let frame = client.next().await;
        let (id, kind, data) = events.next().await.unwrap();
        assert_eq!(data, frame);
        assert_eq!(frame["type"], kind);
        // Only an item moves the position from which a browser resumes.
        let seq = frame["seq"].as_u64().filter(|_| frame["type"] != "inbox");
        assert_eq!(id, seq.map(|seq| seq.to_string()));
    }
    drop(events);
    drop(client);
    stage.connections(0).await;
}

#[tokio::test]
async fn an_event_stream_resumes_by_its_last_event_id() {
    let stage = Stage::new().await;
    for number in 1..=9 {
        stage.publish("user:anna", &number.to_string()).await;
    }
    let query = format!("?since=2&token={}", stage.token("anna"));
    let mut events = Events::open(&stage, "notifications", &query, Some("7")).await;
    assert_eq!(events.next().await.unwrap().2["resumed"], true);
    for expected in ["8", "9"] {
        assert_eq!(events.next().await.unwrap().0.as_deref(), Some(expected));
    }
    stage.hand.advance(3_700);
    assert_eq!(events.next().await.unwrap().2["code"], 4401, "it ends with its token, and says so");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn an_event_stream_is_refused_like_a_websocket() {
    let stage = Stage::new().await;
    for (path, status, code) in [
        ("/sse/notifications/".to_owned(), 401, "token_missing"),
        (format!("/sse/dashboard/?token={}", stage.token("anna")), 403, "forbidden"),
    ] {
        let response = reqwest::get(format!("http://{}{path}", stage.address)).await.unwrap();
        assert_eq!(response.status(), status);
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(body["error"]["code"], code);
    }
}

#[tokio::test]
async fn websockets_share_one_http2_connection() {
    let stage = Stage::new().await;
    let stream = TcpStream::connect(stage.address).await.unwrap();
    let (mut send, connection) =
        http2::handshake::<_, _, Empty<bytes::Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut clients = Vec::new();
    for name in ["anna", "bert"] {
        let request = Request::connect(format!(
            "http://{}/ws/notifications/?frames=full&token={}",
            stage.address,
            stage.token(name)
        ))
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .body(Empty::new())
        .unwrap();
        let mut response = send.send_request(request).await.unwrap();
        if response.status() != 200 {
            panic!("{}: {:?}", response.status(), response.into_body().collect().await);
        }
        let upgraded = hyper::upgrade::on(&mut response).await.unwrap();
        let io = TokioIo::new(upgraded);
        clients.push(WebSocketStream::from_raw_socket(io, Role::Client, None).await);
    }
    let mut next = async |index: usize| -> Value {
        let message =
            tokio::time::timeout(PATIENCE, futures_util::StreamExt::next(&mut clients[index])).await;
        serde_json::from_str(message.unwrap().unwrap().unwrap().to_text().unwrap()).unwrap()
    };
    assert_eq!(next(0).await["user_id"], "anna");
    assert_eq!(next(1).await["user_id"], "bert");
    stage.publish("user:bert", "for bert").await;
    stage.event("everyone", "for_all").await;
    assert_eq!(next(1).await["message"], "for bert");
    assert_eq!(next(0).await["type"], "for_all");
    drop(clients);
    stage.connections(0).await;
}

#[tokio::test]
async fn long_frames_are_compressed_for_clients_that_agreed_to_it() {
    let stage = Stage::with(|settings| settings.gateway.compression = true).await;
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    let key = BASE64_STANDARD.encode([7; 16]);
    let request = format!(
        "GET /ws/notifications/?token={} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
        stage.token("anna")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(head.contains("sec-websocket-extensions: permessage-deflate"), "{head}");
    assert_eq!(read_frame(&mut stream).await.0, 0x81, "the greeting is this client's alone");
    let message = "the same words again and again, ".repeat(30);
    stage.publish("user:anna", &message).await;
    let (first, payload) = read_frame(&mut stream).await;
    assert_eq!(first, 0xc1, "compressed");
    assert!(payload.len() < 400, "{}", payload.len());
    let mut packed = payload;
    packed.extend_from_slice(&[0, 0, 0xff, 0xff]);
    let mut text = Vec::new();
    let _cut_short = flate2::read::DeflateDecoder::new(&packed[..]).read_to_end(&mut text);
    let frame: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((&frame["seq"], &frame["message"]), (&1.into(), &message.into()));
}

async fn read_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let first = stream.read_u8().await.unwrap();
    let length = match stream.read_u8().await.unwrap() {
        126 => usize::from(stream.read_u16().await.unwrap()),
        127 => usize::try_from(stream.read_u64().await.unwrap()).unwrap(),
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.unwrap();
    (first, payload)
}
