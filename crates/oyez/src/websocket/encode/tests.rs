use proptest::prelude::*;

use super::*;
use crate::websocket::deflate::inflate;
use oyez_protocol::Seq;

/// Reads one server frame by hand: first byte and payload.
fn unframe(frame: &[u8]) -> (u8, &[u8]) {
    let (length, start) = match frame[1] {
        126 => (u16::from_be_bytes(frame[2..4].try_into().unwrap()) as usize, 4),
        127 => (u64::from_be_bytes(frame[2..10].try_into().unwrap()) as usize, 10),
        short => (short as usize, 2),
    };
    assert_eq!(frame.len(), start + length, "the length is the payload's");
    (frame[0], &frame[start..])
}

/// The text of a frame, compressed or not.
fn text_of(frame: &[u8]) -> String {
    let (first, payload) = unframe(frame);
    let body = match first {
        0x81 => payload.to_vec(),
        0xc1 => inflate(payload, 1 << 24).unwrap(),
        other => panic!("not a text frame: {other:x}"),
    };
    String::from_utf8(body).unwrap()
}

fn long_tail() -> String {
    let mut tail = r#""type":"ticket_created","ticket":{"title":"Printer on fire","notes":""#.to_owned();
    tail.push_str(&"The printer on the second floor is on fire again. ".repeat(12));
    tail.push_str(r#""}}"#);
    tail
}

#[test]
fn control_frames_are_as_the_rfc_writes_them() {
    assert_eq!(&*ping(), [0x89, 0]);
    assert_eq!(&*pong(b"Hello"), [0x8a, 5, b'H', b'e', b'l', b'l', b'o']);
    assert_eq!(&*close(CloseCode::TokenExpired, "no"), [0x88, 4, 0x11, 0x31, b'n', b'o']);
    assert_eq!(&*close_reply(Some(1000)), [0x88, 2, 0x03, 0xe8]);
    assert_eq!(&*close_reply(None), [0x88, 0]);
    assert_eq!(pong(&[7; 125]).len(), 127);
}

#[test]
fn a_long_reason_is_cut_between_two_characters() {
    let frame = close(CloseCode::Policy, &"é".repeat(100));
    assert_eq!(frame.len(), 2 + 2 + 122);
    assert!(std::str::from_utf8(&frame[4..]).is_ok());
}

#[test]
fn short_texts_and_noise_are_never_compressed() {
    for text in ["x".repeat(256), (0..400).map(|n| char::from(33 + (n * n * 7 % 90) as u8)).collect()] {
        let shared = SharedText::compressed(&text);
        assert_eq!(text_of(shared.frame(true)), text);
        if text.len() == 256 {
            assert_eq!(shared.frame(true), shared.frame(false));
        }
    }
}

#[test]
fn an_items_tail_is_compressed_once_and_fits_behind_every_head() {
    let tail = long_tail();
    let item = SharedItem::compressed(Bytes::from(tail.clone()));
    assert!(item.tail(true).len() < tail.len() / 3);
    for seq in [1, 9, 10, 65_535, u64::MAX] {
        let expected = format!(r#"{{"seq":{seq},{tail}"#);
        for deflate in [false, true] {
            let frame = [&*item.head(Seq(seq), deflate), item.tail(deflate)].concat();
            assert_eq!(frame[0], if deflate { 0xc1 } else { 0x81 });
            assert_eq!(text_of(&frame), expected);
        }
    }
}

#[test]
fn a_short_items_tail_stays_plain_for_all() {
    let item = SharedItem::compressed(Bytes::from_static(br#""type":"x"}"#));
    let frame = [&*item.head(Seq(7), true), item.tail(true)].concat();
    assert_eq!((frame[0], &*text_of(&frame)), (0x81, r#"{"seq":7,"type":"x"}"#));
}

#[test]
fn whole_texts_are_appended_one_behind_the_other() {
    let mut out = Vec::new();
    push_text(&mut out, "a");
    push_text(&mut out, "é");
    assert_eq!(out, b"\x81\x01a\x81\x02\xc3\xa9");
    assert_eq!(&*binary_head(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(&*text_head(65_535), [0x81, 126, 0xff, 0xff]);
}

proptest! {
    #[test]
    fn whatever_is_framed_is_read_back(text in ".{0,700}", seq: u64, deflate: bool) {
        let shared = SharedText::compressed(&text);
        prop_assert_eq!(text_of(shared.frame(deflate)), text.clone());
        let item = SharedItem::compressed(Bytes::from(text.clone()));
        let frame = [&*item.head(Seq(seq), deflate), item.tail(deflate)].concat();
        prop_assert_eq!(text_of(&frame), format!(r#"{{"seq":{seq},{text}"#));
    }
}

#[test]
fn large_bodies_survive_compression() {
    let mut dice = crate::websocket::testing::Dice::new(1);
    for length in [257, 32 * 1024, 65_535, 65_536, 300_000] {
        for kinds in [1, 4, 256] {
            let body: Vec<u8> = (0..length).map(|_| dice.below(kinds) as u8).collect();
            let packed = crate::websocket::deflate::deflate(&body);
            assert_eq!(inflate(&packed, body.len()), Ok(body), "{length} bytes of {kinds} kinds");
        }
    }
}
