//! A live connection as any client would hold it: frames in, commands out.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
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
    /// Connects to a stream (`notifications`, `dashboard`) with these query parameters and headers, and takes the
    /// greeting.
    pub(crate) async fn open(
        base: &str,
        stream: &str,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Self {
        let url = format!("{}/ws/{stream}/?{query}", base.replace("http://", "ws://"));
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut live = Self { socket, greeting: Value::Null, seq: 0 };
        live.greeting = live.frame().await;
        assert_eq!(live.greeting["type"], "connection_established");
        live.seq = live.greeting["seq"].as_u64().unwrap_or(0);
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

    /// The next frame of which this is true; what comes before it is passed over.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.frame().await;
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// The next item is this notification and nothing else: the envelope's keys, the message and the fields.
    pub(crate) async fn expect(&mut self, kind: &str, message: &str, fields: Value) {
        let mut frame = self.until(|frame| frame["seq"].is_u64()).await;
        let object = frame.as_object_mut().unwrap();
        let mut take = |key: &str| object.remove(key).unwrap_or_else(|| panic!("{kind} has no {key}"));
        assert_eq!(take("seq"), self.seq + 1, "{kind}: no gap, nothing extra");
        let (id, timestamp) = (take("id"), take("timestamp"));
        assert!(id.as_str().is_some_and(|id| !id.is_empty()), "{id}");
        assert!(timestamp.as_str().is_some_and(|time| time.ends_with('Z')), "{timestamp}");
        let mut expected = json!({"type": kind, "notification_type": kind, "message": message});
        expected.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(frame, expected);
        self.seq += 1;
    }

    pub(crate) async fn send(&mut self, command: &Value) {
        self.socket.send(Message::text(command.to_string())).await.unwrap();
    }
}
