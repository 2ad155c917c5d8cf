//! A live connection as any client would hold it: frames in, commands out.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

/// Long enough for a busy machine; nothing asserts that it is fast.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection and the position up to which it has everything.
pub(crate) struct Live {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) greeting: Value,
    pub(crate) seq: u64,
}

impl Live {
    /// Connects with these query parameters and headers, and takes the greeting.
    pub(crate) async fn open(base: &str, query: &str, headers: &[(&'static str, &str)]) -> Self {
        let url = format!("{}/ws/notifications/?{query}", base.replace("http://", "ws://"));
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut live = Self { socket, greeting: Value::Null, seq: 0 };
        live.greeting = live.frame().await;
        assert_eq!(live.greeting["type"], "connection_established");
        // A fresh connection is sent what comes after the head, a resumed one what comes after `since`.
        let since =
            query.split('&').find_map(|pair| pair.strip_prefix("since=")).map(|seq| seq.parse().unwrap());
        live.seq = since.unwrap_or_else(|| live.greeting["seq"].as_u64().unwrap());
        live
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match message.expect("a frame within a minute").expect("the connection stays open").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }
}
