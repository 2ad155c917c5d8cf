//! Echoes every message, for conformance suites: `cargo run --example websocket_echo -- 127.0.0.1:9001`.
//!
//! The codec is the server's own; messages may have 16 MiB, and where permessage-deflate is agreed every message
//! is compressed.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::Request, response::Response, routing::any};
use hyper_util::rt::TokioIo;
use oyez::websocket::{
    decode::{Event, Reader},
    encode, handshake,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const MAX_MESSAGE: u32 = 16 * 1024 * 1024;

type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let address: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:9001").parse()?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    // The caller may have asked for port 0.
    println_address(listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(any(upgrade))).await?;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "whoever started this reads where to connect")]
fn println_address(address: SocketAddr) {
    println!("{address}");
}

async fn upgrade(request: Request) -> Response {
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
            if let Ok(stream) = upgrade.await {
                // A connection that breaks is the suite's business.
                let _ = echo(TokioIo::new(stream), accept.deflate).await;
            }
        });
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = accept.status;
    *response.headers_mut() = accept.headers;
    response
}

async fn echo(mut stream: Upgraded, deflate: bool) -> std::io::Result<()> {
    let mut reader = Reader::new(MAX_MESSAGE, deflate);
    let mut buffer = vec![0; 64 * 1024];
    let mut answer = Vec::new();
    let mut is_open = true;
    while is_open {
        let received = stream.read(&mut buffer).await?;
        if received == 0 {
            return Ok(());
        }
        is_open = read_all(&mut reader, &mut buffer[..received], deflate, &mut answer);
        stream.write_all(&answer).await?;
        answer.clear();
    }
    // The client may still be sending: closing with unread bytes would reset the connection, and the close frame
    // would be lost with it.
    stream.shutdown().await?;
    let drain = async { while stream.read(&mut buffer).await.is_ok_and(|received| received > 0) {} };
    let _ = tokio::time::timeout(Duration::from_secs(2), drain).await;
    Ok(())
}

/// Answers all that is in `input`; false when the connection is to be closed.
fn read_all(reader: &mut Reader, mut input: &mut [u8], deflate: bool, answer: &mut Vec<u8>) -> bool {
    loop {
        match reader.next(&mut input) {
            Ok(Some(Event::Text(text))) if deflate => {
                encode::push_compressed_text(answer, text);
            }
            Ok(Some(Event::Text(text))) => encode::push_text(answer, text),
            Ok(Some(Event::Binary(bytes))) if deflate => encode::push_compressed_binary(answer, bytes),
            Ok(Some(Event::Binary(bytes))) => {
                answer.extend_from_slice(&encode::binary_head(bytes.len()));
                answer.extend_from_slice(bytes);
            }
            Ok(Some(Event::Ping(payload))) => answer.extend_from_slice(&encode::pong(payload)),
            Ok(Some(Event::Pong(_))) => {}
            Ok(Some(Event::Close { code, .. })) => {
                answer.extend_from_slice(&encode::close_reply(code));
                return false;
            }
            Ok(None) => return true,
            Err(violation) => {
                let reason = violation.to_string();
                answer.extend_from_slice(&encode::close(violation.close_code(), &reason));
                return false;
            }
        }
    }
}
