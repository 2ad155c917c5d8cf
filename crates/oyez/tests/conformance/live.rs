//! One live connection of a scenario: WebSocket or server-sent events, read the same way.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Message,
        handshake::client::Request,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

/// How long anything may take before the scenario fails. Nothing waits that long when all is well.
const PATIENCE: Duration = Duration::from_secs(15);

/// What arrives.
pub(crate) struct Received {
    pub(crate) frame: Value,
    /// Server-sent events only.
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
}

/// A refused handshake.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(crate) enum Live {
    Socket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Events { answer: reqwest::Response, buffer: String },
}

impl Live {
    /// Opens a WebSocket; answers the subprotocol that the server chose.
    pub(crate) async fn socket(request: Request) -> Result<Result<(Self, Option<String>), Refusal>, String> {
        match in_time(connect_async(request)).await? {
            Ok((socket, answer)) => {
                let chosen = answer.headers().get("sec-websocket-protocol");
                let chosen = chosen.and_then(|value| value.to_str().ok()).map(str::to_owned);
                Ok(Ok((Self::Socket(Box::new(socket)), chosen)))
            }
            Err(tungstenite::Error::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                Ok(Err(Refusal { status: answer.status().as_u16(), body: json(body) }))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Opens a stream of server-sent events.
    pub(crate) async fn events(request: reqwest::RequestBuilder) -> Result<Result<Self, Refusal>, String> {
        let answer = in_time(request.send()).await?.map_err(|error| error.to_string())?;
        if answer.status().is_success() {
            return Ok(Ok(Self::Events { answer, buffer: String::new() }));
        }
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(|error| error.to_string())?;
        Ok(Err(Refusal { status, body: json(&body) }))
    }

    pub(crate) async fn send(&mut self, text: &[u8]) -> Result<(), String> {
        let Self::Socket(socket) = self else { return Err("server-sent events take no frames".into()) };
        let frame = Frame::message(text.to_vec(), OpCode::Data(Data::Text), true);
        in_time(socket.send(Message::Frame(frame))).await?.map_err(|error| error.to_string())
    }

    pub(crate) async fn close(self) -> Result<(), String> {
        if let Self::Socket(mut socket) = self {
            in_time(socket.send(Message::Close(None))).await?.map_err(|error| error.to_string())?;
            // Until the server has answered: then it knows too.
            while let Some(Ok(_)) = in_time(socket.next()).await? {}
        }
        Ok(())
    }

    /// The next frame; pings are answered on the way.
    pub(crate) async fn receive(&mut self) -> Result<Received, String> {
        match self {
            Self::Socket(socket) => loop {
                match in_time(socket.next()).await? {
                    Some(Ok(Message::Text(text))) => {
                        let frame =
                            serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?;
                        return Ok(Received { frame, id: None, event: None });
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(other)) => return Err(format!("expected a text message, got {other:?}")),
                    Some(Err(error)) => return Err(error.to_string()),
                    None => return Err("the connection has ended".into()),
                }
            },
            Self::Events { answer, buffer } => loop {
                if let Some(end) = buffer.find("\n\n") {
                    let event: String = buffer.drain(..end + 2).collect();
                    if let Some(received) = read_event(&event)? {
                        return Ok(received);
                    }
                    continue;
                }
                let chunk = in_time(answer.chunk()).await?.map_err(|error| error.to_string())?;
                let chunk = chunk.ok_or("the stream has ended")?;
                buffer.push_str(std::str::from_utf8(&chunk).map_err(|error| error.to_string())?);
            },
        }
    }

    /// The close code; frames that come before it are passed over. `None`: closed without one.
    pub(crate) async fn closed(&mut self) -> Result<Option<u16>, String> {
        match self {
            Self::Socket(socket) => loop {
                match in_time(socket.next()).await? {
                    Some(Ok(Message::Close(frame))) => return Ok(frame.map(|frame| frame.code.into())),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(format!("no close frame: {error}")),
                    None => return Ok(None),
                }
            },
            Self::Events { answer, .. } => {
                while in_time(answer.chunk()).await?.map_err(|error| error.to_string())?.is_some() {}
                Ok(None)
            }
        }
    }
}

fn read_event(text: &str) -> Result<Option<Received>, String> {
    let (mut id, mut event, mut data) = (None, None, Vec::new());
    for line in text.lines() {
        match line.split_once(": ").unwrap_or((line, "")) {
            ("id", value) => id = Some(value.to_owned()),
            ("event", value) => event = Some(value.to_owned()),
            ("data", value) => data.push(value),
            _ => {} // comments keep the connection alive
        }
    }
    if data.is_empty() {
        return Ok(None);
    }
    let data = data.join("\n");
    let frame = serde_json::from_str(&data).map_err(|error| format!("{error} in {data}"))?;
    Ok(Some(Received { frame, id, event }))
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, String> {
    timeout(PATIENCE, work).await.map_err(|_| format!("nothing came within {} s", PATIENCE.as_secs()))
}
