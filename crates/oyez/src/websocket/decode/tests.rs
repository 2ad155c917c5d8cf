use super::*;
use crate::websocket::testing::{self, Owned, events, events_cut, frame};

const TEXT: u8 = 0x81;
const MAX: u32 = 64 * 1024;

fn read(bytes: &[u8]) -> Vec<Owned> {
    let whole = events(bytes, MAX, false);
    for size in [1, 2, 3, 7] {
        assert_eq!(events_cut(bytes, MAX, false, |_| size), whole, "cut every {size} bytes");
    }
    whole
}

fn text(text: &str) -> Owned {
    Owned::Text(text.into())
}

fn broken(violation: Violation) -> Owned {
    Owned::Violation(violation)
}

#[test]
fn an_idle_connections_reader_takes_16_bytes_and_no_heap() {
    assert_eq!(size_of::<Reader>(), 16);
    let mut reader = Reader::new(MAX, true);
    let mut bytes = [frame(TEXT, b"one"), frame(0x01, b"tw"), frame(0x89, b"?"), frame(0x80, b"o")].concat();
    for byte in &mut bytes {
        let mut input = std::slice::from_mut(byte);
        while reader.next(&mut input).unwrap().is_some() {}
    }
    assert!(!reader.is_partial(), "everything is given back");
}

#[test]
fn whole_messages_are_read_in_place() {
    let mut bytes = frame(TEXT, b"hello");
    let mut reader = Reader::new(MAX, false);
    let mut input = &mut bytes[..];
    assert_eq!(reader.next(&mut input), Ok(Some(Event::Text("hello"))));
    assert!(!reader.is_partial());
    assert_eq!(reader.next(&mut input), Ok(None));
}

#[test]
fn fragments_make_one_message_and_control_frames_may_stand_between_them() {
    let bytes = [
        frame(0x01, b"Hel"),
        frame(0x89, b"are you there"),
        frame(0x00, b""),
        frame(0x80, b"lo"),
        frame(0x82, &[0, 1, 2]),
        frame(0x8a, b""),
    ];
    let expected = [
        Owned::Ping(b"are you there".to_vec()),
        text("Hello"),
        Owned::Binary(vec![0, 1, 2]),
        Owned::Pong(vec![]),
    ];
    assert_eq!(read(&bytes.concat()), expected);
}

#[test]
fn all_three_forms_of_length_are_read_and_only_the_shortest_is_right() {
    for length in [0, 125, 126, 127, 65_535, 65_536] {
        let body = "x".repeat(length);
        assert_eq!(events(&frame(TEXT, body.as_bytes()), MAX, false), [text(&body)]);
    }
    let padded = [&[TEXT, 0xfe, 0, 5, 0, 0, 0, 0][..], b"hello"].concat();
    assert_eq!(read(&padded), [broken(Violation::BadLength)]);
    let padded = [&[TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0][..], b"hello"].concat();
    assert_eq!(read(&padded), [broken(Violation::BadLength)]);
    let absurd = [TEXT, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(read(&absurd), [broken(Violation::BadLength)]);
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_head_alone() {
    let too_big = Violation::TooBig { limit: MAX };
    assert_eq!(too_big.close_code().as_u16(), 1009);
    assert_eq!(read(&[TEXT, 0xff, 0, 0, 0, 0, 0, 1, 0, 1]), [broken(too_big)]);
    // Also when the pieces are small and only their sum is not.
    let piece = vec![b'x'; 40_000];
    let bytes = [frame(0x01, &piece), frame(0x80, &piece)].concat();
    assert_eq!(events(&bytes, MAX, false), [broken(too_big)]);
}

#[test]
fn broken_frames_are_refused_at_their_first_wrong_byte() {
    let masked = |first: u8, second: u8| vec![first, second, 0, 0, 0, 0];
    for (bytes, violation) in [
        (vec![TEXT, 0x05], Violation::Unmasked),
        (masked(0xc1, 0x80), Violation::ReservedBits),
        (masked(0xa1, 0x80), Violation::ReservedBits),
        (masked(0x91, 0x80), Violation::ReservedBits),
        (masked(0x83, 0x80), Violation::ReservedOpcode(3)),
        (masked(0x8b, 0x80), Violation::ReservedOpcode(11)),
        (masked(0x09, 0x80), Violation::FragmentedControl),
        (masked(0x08, 0x80), Violation::FragmentedControl),
        (masked(0x89, 0xfe), Violation::LongControl),
        (masked(0x80, 0x80), Violation::NothingToContinue),
        (masked(0x00, 0x80), Violation::NothingToContinue),
        ([frame(0x01, b"a"), frame(TEXT, b"b")].concat(), Violation::UnfinishedMessage),
        ([frame(0x01, b"a"), frame(0x02, b"b")].concat(), Violation::UnfinishedMessage),
        (frame(TEXT, b"\xff"), Violation::InvalidUtf8),
        (frame(TEXT, b"\xed\xa0\x80"), Violation::InvalidUtf8),
        (frame(TEXT, "é".as_bytes().split_at(1).0), Violation::InvalidUtf8),
        (frame(0x88, b"\x03"), Violation::BadClose),
        (frame(0x88, &1005u16.to_be_bytes()), Violation::BadClose),
        (frame(0x88, &[&1000u16.to_be_bytes()[..], b"\xff"].concat()), Violation::InvalidUtf8),
    ] {
        assert_eq!(read(&bytes).last(), Some(&broken(violation)), "{bytes:x?}");
    }
}

#[test]
fn text_that_can_never_be_right_is_refused_before_it_ends() {
    // The message is far from complete; its fourth byte is enough.
    let bytes = frame(0x01, b"ab\xf4\x90");
    assert_eq!(read(&bytes), [broken(Violation::InvalidUtf8)]);
    let unfinished = &frame(TEXT, b"ab\xc0yz, and so on")[..10];
    assert_eq!(read(unfinished), [broken(Violation::InvalidUtf8)]);
    // A character cut between two fragments is fine.
    let euro = "€".as_bytes();
    let bytes = [frame(0x01, &euro[..1]), frame(0x00, &euro[1..2]), frame(0x80, &euro[2..])].concat();
    assert_eq!(read(&bytes), [text("€")]);
}

#[test]
fn only_codes_that_may_be_sent_are_accepted_in_a_close_frame() {
    for code in 0..=u16::MAX {
        let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let given = events(&frame(0x88, &code.to_be_bytes()), MAX, false);
        let expected =
            if allowed { Owned::Close(Some(code), String::new()) } else { broken(Violation::BadClose) };
        assert_eq!(given, [expected]);
    }
    assert_eq!(read(&frame(0x88, b"")), [Owned::Close(None, String::new())]);
}

#[test]
fn nothing_is_read_after_a_close_frame_or_a_violation() {
    let goodbye = frame(0x88, b"\x03\xe8bye");
    let bytes = [&goodbye[..], &frame(TEXT, b"late")].concat();
    assert_eq!(read(&bytes), [Owned::Close(Some(1000), "bye".into())]);
    let bytes = [&[0xffu8, 0xff][..], &frame(TEXT, b"late")].concat();
    assert_eq!(read(&bytes), [broken(Violation::ReservedOpcode(15))]);
}

#[test]
fn compressed_messages_are_unpacked_within_the_limit() {
    // RFC 7692 section 7.2.3: "Hello", compressed, stored, and with a final block.
    for packed in [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ] {
        let bytes = frame(0xc1, packed);
        assert_eq!(events(&bytes, MAX, true), [text("Hello")], "{packed:x?}");
        assert_eq!(events_cut(&bytes, MAX, true, |_| 1), [text("Hello")]);
        let (front, back) = packed.split_at(4);
        let fragments = [frame(0x41, front), frame(0x89, b""), frame(0x80, back)].concat();
        assert_eq!(events(&fragments, MAX, true), [Owned::Ping(vec![]), text("Hello")]);
        let refused = events(&bytes, MAX, false);
        assert_eq!(refused, [broken(Violation::ReservedBits)], "without the extension");
    }
    // RSV1 belongs on the first frame of a data message only.
    assert_eq!(events(&frame(0xc9, b""), MAX, true), [broken(Violation::ReservedBits)]);
    let late = [frame(0x01, b"a"), frame(0xc0, b"b")].concat();
    assert_eq!(events(&late, MAX, true), [broken(Violation::ReservedBits)]);
    // An uncompressed message stays possible.
    assert_eq!(events(&frame(TEXT, b"plain"), MAX, true), [text("plain")]);
    assert_eq!(events(&frame(0xc1, b"\xff\xff"), MAX, true), [broken(Violation::BadDeflate)]);
}

#[test]
fn a_decompression_bomb_is_stopped_at_the_limit() {
    let bomb = crate::websocket::deflate::deflate(&vec![b'x'; 10_000_000]);
    assert!(bomb.len() < MAX as usize);
    assert_eq!(events(&frame(0xc1, &bomb), MAX, true), [broken(Violation::TooBig { limit: MAX })]);
    let fits = crate::websocket::deflate::deflate(&vec![b'x'; MAX as usize]);
    assert_eq!(events(&frame(0xc1, &fits), MAX, true), [text(&"x".repeat(MAX as usize))]);
}

#[test]
fn unpacked_text_is_checked_too() {
    let packed = crate::websocket::deflate::deflate(&[0xff; 300]);
    assert_eq!(events(&frame(0xc1, &packed), MAX, true), [broken(Violation::InvalidUtf8)]);
}

#[test]
fn ten_thousand_malformed_streams_never_panic_and_read_alike_however_they_are_cut() {
    for seed in testing::seeds() {
        testing::read_any(&testing::hostile_stream(seed));
    }
}
