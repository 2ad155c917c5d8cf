//! Echoes every message, for conformance suites: `cargo run --example websocket_echo -- 127.0.0.1:9001`.
//!
//! Handshake, codec and the hub's shards are the server's own; only what a message means differs. Messages may have
//! 16 MiB, and where permessage-deflate is agreed every message is compressed.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::Request, extract::State, response::Response, routing::any};
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use oyez::{
    hub::{Action, Attach, Format, Greeting, Hub, HubOptions, Peer, Reply, Socket, Stream},
    protocol::{ConnectionId, Seq, Timestamp, UserId},
    websocket::{
        decode::{Event, Reader},
        encode, handshake,
    },
};
use oyez_core::clock::Clock;
use tokio::net::TcpStream;

const MAX_MESSAGE: u32 = 16 * 1024 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let address: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:9001").parse()?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    // The caller may have asked for port 0.
    print_address(listener.local_addr()?);
    // Of a ping that it did not ask for, the suite believes that it ends the case; a busy machine takes long for some.
    let ping_interval = Duration::from_secs(3_600);
    let outbox_bytes = 4 * MAX_MESSAGE as usize;
    let options = HubOptions { ping_interval, outbox_bytes, ..HubOptions::default() };
    // Nobody asks the gateway anything: an echo needs no store.
    let (hub, _questions) = Hub::start(&options, &Clock::system())?;
    let router = Router::new().fallback(any(upgrade)).with_state(hub);
    axum::serve(listener, router).await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "whoever started this reads where to connect")]
fn print_address(address: SocketAddr) {
    println!("{address}");
}

async fn upgrade(State(hub): State<Hub>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let accept = match handshake::check(&parts) {
        Ok(upgrade) => upgrade.accept(None, true),
        Err(refusal) => {
            let mut response = Response::new(Body::from(refusal.message));
            *response.status_mut() = refusal.status;
            *response.headers_mut() = refusal.headers;
            return response;
        }
    };
    if let Some(upgrade) = parts.extensions.remove::<hyper::upgrade::OnUpgrade>() {
        tokio::spawn(async move {
            // A connection that breaks is the suite's business.
            if let Ok(Ok(parts)) = upgrade.await.map(downcast::<TokioIo<TcpStream>>)
                && let Ok(stream) = parts.io.into_inner().into_std()
                && let Ok(socket) = Socket::tcp(stream)
            {
                attach(&hub, socket, parts.read_buf[..].into(), accept.deflate);
            }
        });
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = accept.status;
    *response.headers_mut() = accept.headers;
    response
}

fn attach(hub: &Hub, socket: Socket, leftover: Box<[u8]>, deflate: bool) {
    let id = ConnectionId(uuid::Uuid::now_v7());
    let user = UserId::new(&id.to_string()).expect("a UUID is a user id");
    hub.attach(Attach {
        id,
        user: user.clone(),
        stream: Stream::Dashboard,
        format: if deflate { Format::Deflate } else { Format::WebSocket },
        full: false,
        session: None,
        expires_at: None,
        topics: Vec::new(),
        boards: Vec::new(),
        all_boards: false,
        address: None,
        peer: Box::new(Echo { reader: Reader::new(MAX_MESSAGE, deflate), deflate, is_over: false }),
        socket,
        leftover,
    });
    let greeting = Greeting {
        frames: Vec::new(),
        position: Seq::ZERO,
        head: Seq::ZERO,
        roles: Vec::new(),
        topics: Vec::new(),
    };
    hub.reply(&user, id, Reply::Greeting(greeting));
}

struct Echo {
    reader: Reader,
    deflate: bool,
    is_over: bool,
}

impl Peer for Echo {
    fn received(&mut self, mut input: &mut [u8], _now: Timestamp, actions: &mut Vec<Action>) {
        while !self.is_over {
            let mut answer = Vec::new();
            match self.reader.next(&mut input) {
                Ok(None) => return,
                Ok(Some(Event::Text(text))) if self.deflate => {
                    encode::push_compressed_text(&mut answer, text);
                }
                Ok(Some(Event::Text(text))) => encode::push_text(&mut answer, text),
                Ok(Some(Event::Binary(bytes))) if self.deflate => {
                    encode::push_compressed_binary(&mut answer, bytes);
                }
                Ok(Some(Event::Binary(bytes))) => {
                    answer.extend_from_slice(&encode::binary_head(bytes.len()));
                    answer.extend_from_slice(bytes);
                }
                Ok(Some(Event::Ping(payload))) => answer.extend_from_slice(&encode::pong(payload)),
                Ok(Some(Event::Pong(_))) => {}
                Ok(Some(Event::Close { code, .. })) => {
                    answer.extend_from_slice(&encode::close_reply(code));
                    self.is_over = true;
                }
                Err(violation) => {
                    actions.push(Action::Close(violation.close_code(), violation.to_string()));
                    self.is_over = true;
                    return;
                }
            }
            actions.push(Action::Raw(answer.into()));
            if self.is_over {
                actions.push(Action::End);
            }
        }
    }

    fn answered(&mut self, _now: Timestamp, _actions: &mut Vec<Action>) {}
}
