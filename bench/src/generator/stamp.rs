//! The time stamp that travels in a message: `"t":"<nanoseconds>"`.

use memchr::memmem::Finder;

const MARKER: &[u8] = b"\"t\":\"";

/// The stamp as a member of a JSON object.
pub(crate) fn member(stamp: u64) -> String {
    format!(r#""t":"{stamp}""#)
}

/// Finds stamps in received text. Messages of one run look alike, so it first looks where the last one was.
pub(crate) struct StampFinder {
    finder: Finder<'static>,
    usual: usize,
}

impl StampFinder {
    pub(crate) fn new() -> Self {
        Self { finder: Finder::new(MARKER), usual: 0 }
    }

    pub(crate) fn find(&mut self, text: &[u8]) -> Option<u64> {
        let is_usual = text.get(self.usual..self.usual + MARKER.len()) == Some(MARKER);
        let at = if is_usual { self.usual } else { self.finder.find(text)? };
        self.usual = at;
        number(&text[at + MARKER.len()..])
    }
}

/// The decimal number at the front.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 19 {
        return None;
    }
    Some(text[..digits].iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_wherever_it_is() {
        let mut finder = StampFinder::new();
        for text in [r#"{"seq":9,"t":"123"}"#, r#"{"seq":10,"t":"123","x":1}"#, r#"{"t":"123"}"#] {
            assert_eq!(finder.find(text.as_bytes()), Some(123), "{text}");
        }
        assert_eq!(finder.find(br#"{"type":"connection_established"}"#), None);
        assert_eq!(finder.find(member(77).as_bytes()), Some(77));
    }
}
