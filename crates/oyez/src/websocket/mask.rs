//! The XOR that RFC 6455 section 5.3 puts on everything a client sends.

/// Takes the mask off in place. `offset` is where in its frame's payload the slice begins.
pub(super) fn unmask(payload: &mut [u8], mut key: [u8; 4], offset: u64) {
    key.rotate_left((offset % 4) as usize);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_single_bytes_agree_at_every_offset_and_length() {
        let key = [1, 20, 180, 255];
        for offset in 0..9u64 {
            for length in 0..40usize {
                let mut payload: Vec<u8> = (0..length as u8).collect();
                let expected: Vec<u8> =
                    (0..length).map(|at| at as u8 ^ key[(at + offset as usize) % 4]).collect();
                unmask(&mut payload, key, offset);
                assert_eq!(payload, expected, "offset {offset}, length {length}");
            }
        }
    }
}
