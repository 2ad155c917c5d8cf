//! Carries bytes between the hub and connections that are more than a socket: TLS, HTTP/2, event streams.
//!
//! The hub sees one end of a socket pair and treats it like any other connection; a task here moves the bytes.

use std::io;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{io::copy_bidirectional_with_sizes, net::UnixStream};

use crate::hub::Socket;

/// Clients send little.
const UP: usize = 1024;
/// One record of TLS, or a quarter of an HTTP/2 frame.
const DOWN: usize = 4 * 1024;

/// Pumps an upgraded connection both ways until one side ends.
pub(super) fn start(upgraded: Upgraded) -> io::Result<Socket> {
    let (mut ours, hubs) = UnixStream::pair()?;
    let socket = Socket::pair(hubs.into_std()?)?;
    // Ends when the client or the hub does.
    tokio::spawn(async move {
        let mut client = TokioIo::new(upgraded);
        if let Err(error) = copy_bidirectional_with_sizes(&mut client, &mut ours, UP, DOWN).await {
            tracing::debug!(%error, "a pumped connection ended");
        }
    });
    Ok(socket)
}

/// The hub's bytes as the body of a response that begins with `first`. The client ends it by dropping it.
pub(super) fn body(first: Bytes) -> io::Result<(Socket, Body)> {
    let (ours, hubs) = UnixStream::pair()?;
    let socket = Socket::pair(hubs.into_std()?)?;
    let chunks = stream::unfold((Some(first), ours), |(first, ours)| async move {
        if let Some(first) = first {
            return Some((Ok(first), (None, ours)));
        }
        loop {
            if let Err(error) = ours.readable().await {
                return Some((Err(error), (None, ours)));
            }
            // Made only when there is something to read, so that an idle stream holds no buffer.
            let mut chunk = BytesMut::with_capacity(DOWN);
            match ours.try_read_buf(&mut chunk) {
                Ok(0) => return None,
                Ok(_) => return Some((Ok(chunk.freeze()), (None, ours))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Some((Err(error), (None, ours))),
            }
        }
    });
    Ok((socket, Body::from_stream(chunks)))
}
