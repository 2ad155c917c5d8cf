//! Encrypts a message for one browser, so that the push service between cannot read it (RFC 8291 upon RFC 8188).

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
};

/// The size of a record as it is announced, which is the most that push services must take (RFC 8291, section 4).
const RECORD_BYTES: u32 = 4_096;
/// Bytes before the encrypted text: salt, record size, length of the key, key.
const HEAD_BYTES: usize = 16 + 4 + 1 + 65;
/// Longest message: one record, less its head, the delimiter and the tag.
pub(super) const MAX_MESSAGE_BYTES: usize = RECORD_BYTES as usize - HEAD_BYTES - 1 - 16;
/// After the last record's text.
const LAST_RECORD: u8 = 2;

/// Encrypts a message of up to [`MAX_MESSAGE_BYTES`] for the browser with these keys.
pub(super) fn encrypt(
    message: &[u8],
    browser_key: &[u8; 65],
    auth: &[u8; 16],
) -> Result<Vec<u8>, Unspecified> {
    let ours = PrivateKey::generate(&ECDH_P256)?;
    encrypt_with(message, browser_key, auth, &ours, rand::random())
}

fn encrypt_with(
    message: &[u8],
    browser_key: &[u8; 65],
    auth: &[u8; 16],
    ours: &PrivateKey,
    salt: [u8; 16],
) -> Result<Vec<u8>, Unspecified> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(Unspecified);
    }
    let our_key = ours.compute_public_key()?;
    let browser = UnparsedPublicKey::new(&ECDH_P256, browser_key);
    let input = agree(ours, browser, Unspecified, |shared| {
        let info = [b"WebPush: info\0".as_slice(), browser_key, our_key.as_ref()];
        expand::<32>(&Salt::new(HKDF_SHA256, auth).extract(shared), &info)
    })?;
    seal(message, &input, our_key.as_ref(), salt)
}

/// The content coding `aes128gcm` with one record (RFC 8188, section 2).
fn seal(message: &[u8], input: &[u8], key_id: &[u8], salt: [u8; 16]) -> Result<Vec<u8>, Unspecified> {
    let key = Salt::new(HKDF_SHA256, &salt).extract(input);
    let content_key: [u8; 16] = expand(&key, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expand(&key, &[b"Content-Encoding: nonce\0"])?;
    let mut text = Vec::with_capacity(message.len() + 17);
    text.extend_from_slice(message);
    text.push(LAST_RECORD);
    let content_key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content_key)?);
    content_key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)?;
    let mut body = Vec::with_capacity(21 + key_id.len() + text.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    body.push(u8::try_from(key_id.len()).map_err(|_| Unspecified)?);
    body.extend_from_slice(key_id);
    body.append(&mut text);
    Ok(body)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut out = [0; N];
    key.expand(info, Length(N))?.fill(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_rfc_8291_comes_out_byte_by_byte() {
        let ours = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let browser =
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let body = encrypt_with(
            b"When I grow up, I want to be a watermelon",
            &browser.try_into().unwrap(),
            &bytes("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap(),
            &PrivateKey::from_private_key(&ECDH_P256, &ours).unwrap(),
            bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap(),
        );
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS\
                        6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulc\
                        y4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(body.unwrap()), expected);
    }

    /// RFC 8188, section 3.1.
    #[test]
    fn the_example_of_rfc_8188_comes_out_byte_by_byte() {
        let salt = bytes("I1BsxtFttlv3u_Oo94xnmw").try_into().unwrap();
        let body = seal(b"I am the walrus", &bytes("yqdlZ-tYemfogSmv7Ws5PQ"), b"", salt).unwrap();
        let expected = "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg";
        assert_eq!(URL_SAFE_NO_PAD.encode(body), expected);
    }

    #[test]
    fn each_message_has_its_own_key_and_the_longest_fits_a_record() {
        let browser = PrivateKey::generate(&ECDH_P256).unwrap().compute_public_key().unwrap();
        let browser: [u8; 65] = browser.as_ref().try_into().unwrap();
        let longest = vec![b'x'; MAX_MESSAGE_BYTES];
        let (one, other) =
            (encrypt(&longest, &browser, &[7; 16]).unwrap(), encrypt(&longest, &browser, &[7; 16]).unwrap());
        assert_eq!(one.len(), RECORD_BYTES as usize);
        assert_ne!(one[..86], other[..86]);
        assert!(encrypt(&[0; MAX_MESSAGE_BYTES + 1], &browser, &[7; 16]).is_err());
        assert!(encrypt(b"x", &[4; 65], &[7; 16]).is_err(), "no point on the curve");
    }
}
