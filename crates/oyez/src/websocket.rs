//! RFC 6455 and RFC 7692 from the server's side, as plain functions over bytes.
//!
//! Nothing here owns a socket, waits, or knows what a frame's text means: [`handshake`] judges the parts of a
//! request, [`decode`] reads what a client sent, [`encode`] writes what a server sends. Whoever owns the socket
//! calls them. A connection keeps no buffer and no compressor between messages.

pub mod decode;
pub mod encode;
pub mod handshake;

mod deflate;
mod mask;

#[cfg(any(test, feature = "fuzzing"))]
pub mod testing;

#[cfg(test)]
mod tests;
