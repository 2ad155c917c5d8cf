//! The codec against an independent implementation, tungstenite, in memory and in both directions.

use std::io::{Cursor, Read, Write};

use bytes::Bytes;
use oyez_protocol::{CloseCode, Seq};
use proptest::prelude::*;
use tokio_tungstenite::tungstenite::{
    self, Message, WebSocket,
    protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode as TungsteniteCode},
};

use super::{
    encode::{self, SharedItem, SharedText},
    testing::{self, Dice, Owned, events, events_cut},
};

/// What the other side reads, and where what it writes is kept.
struct Pipe {
    incoming: Cursor<Vec<u8>>,
    written: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.incoming.read(buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn tungstenite(role: Role, incoming: Vec<u8>) -> WebSocket<Pipe> {
    let pipe = Pipe { incoming: Cursor::new(incoming), written: Vec::new() };
    // A flush for each message, so that nothing stays behind in its buffer.
    WebSocket::from_raw_socket(pipe, role, Some(WebSocketConfig::default().write_buffer_size(0)))
}

/// All that tungstenite reads until the stream ends or displeases it.
fn tungstenite_events(role: Role, incoming: Vec<u8>) -> Vec<Owned> {
    let mut socket = tungstenite(role, incoming);
    let mut events = Vec::new();
    while let Ok(message) = socket.read() {
        events.push(owned(&message));
    }
    events
}

fn owned(message: &Message) -> Owned {
    match message {
        Message::Text(text) => Owned::Text(text.as_str().into()),
        Message::Binary(bytes) => Owned::Binary(bytes.to_vec()),
        Message::Ping(bytes) => Owned::Ping(bytes.to_vec()),
        Message::Pong(bytes) => Owned::Pong(bytes.to_vec()),
        Message::Close(Some(close)) => Owned::Close(Some(close.code.into()), close.reason.to_string()),
        Message::Close(None) => Owned::Close(None, String::new()),
        Message::Frame(_) => unreachable!("only written, never read"),
    }
}

fn any_message() -> impl Strategy<Value = Message> {
    let bytes = |longest| proptest::collection::vec(any::<u8>(), 0..longest);
    prop_oneof![
        4 => "\\PC{0,300}".prop_map(Message::text),
        1 => bytes(70_000usize).prop_map(Message::binary),
        1 => bytes(126).prop_map(|bytes| Message::Ping(bytes.into())),
        1 => bytes(126).prop_map(|bytes| Message::Pong(bytes.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_tungstenite_sends_is_read_however_it_is_cut(
        messages in proptest::collection::vec(any_message(), 0..8),
        seed: u64,
    ) {
        let mut client = tungstenite(Role::Client, Vec::new());
        for message in &messages {
            client.send(message.clone()).unwrap();
        }
        client
            .close(Some(CloseFrame { code: TungsteniteCode::Away, reason: "bye".into() }))
            .unwrap();
        let bytes = &client.get_ref().written;

        let mut expected: Vec<Owned> = messages.iter().map(owned).collect();
        expected.push(Owned::Close(Some(1001), "bye".into()));
        prop_assert_eq!(&events(bytes, 1 << 20, false), &expected);
        let mut dice = Dice::new(seed);
        let cut = events_cut(bytes, 1 << 20, true, |_| dice.below(5_000) as usize);
        prop_assert_eq!(&cut, &expected);
        if bytes.len() < 10_000 {
            prop_assert_eq!(&events_cut(bytes, 1 << 20, false, |_| 1), &expected);
        }
    }
}

#[test]
fn tungstenite_reads_what_is_encoded() {
    let long = "Hear ye, hear ye! ".repeat(5_000);
    let item = SharedItem::compressed(Bytes::from(format!(r#""message":"{long}"}}"#)));
    let mut stream = Vec::new();
    encode::push_text(&mut stream, "short");
    stream.extend_from_slice(SharedText::compressed(&long).frame(false));
    stream.extend_from_slice(&item.head(Seq(17), false));
    stream.extend_from_slice(item.tail(false));
    stream.extend_from_slice(&encode::ping());
    stream.extend_from_slice(&encode::pong(b"you asked"));
    stream.extend_from_slice(&encode::binary_head(3));
    stream.extend_from_slice(&[1, 2, 3]);
    stream.extend_from_slice(&encode::close(CloseCode::TokenExpired, "get a new token"));

    let expected = [
        Owned::Text("short".into()),
        Owned::Text(long.clone()),
        Owned::Text(format!(r#"{{"seq":17,"message":"{long}"}}"#)),
        Owned::Ping(vec![]),
        Owned::Pong(b"you asked".to_vec()),
        Owned::Binary(vec![1, 2, 3]),
        Owned::Close(Some(4401), "get a new token".into()),
    ];
    assert_eq!(tungstenite_events(Role::Client, stream), expected);
}

#[test]
fn whatever_is_accepted_of_a_hostile_stream_tungstenite_reads_alike() {
    for seed in testing::seeds() {
        let stream = testing::hostile_stream(seed);
        let mut ours = events(&stream, 1 << 20, false);
        let theirs = tungstenite_events(Role::Server, stream);
        let refused = matches!(ours.last(), Some(Owned::Violation(_)));
        if refused {
            ours.pop();
        }
        // Refusing more is fine, and reading nothing after a close frame too.
        assert_eq!(ours, theirs[..ours.len().min(theirs.len())], "seed {seed}");
    }
}

#[test]
fn ten_thousand_hostile_commands_are_read_or_refused_in_a_few_words() {
    for seed in testing::seeds() {
        testing::command_any(&testing::hostile_command(seed));
    }
}

#[test]
fn tungstenite_is_what_it_is_compared_with() {
    // A stream that both refuse at once keeps the comparison above honest.
    let unmasked = vec![0x81, 0x01, b'x'];
    assert!(tungstenite_events(Role::Server, unmasked).is_empty());
    let mut server = tungstenite(Role::Server, testing::frame(0x81, b"x"));
    assert_eq!(server.read().unwrap(), Message::text("x"));
    assert!(matches!(server.read(), Err(tungstenite::Error::Protocol(_) | tungstenite::Error::Io(_))));
}
