//! A push service by RFC 8030 that believes nobody: it verifies who sends (RFC 8292). And a browser that subscribed
//! there, which decrypts (RFC 8291), written from the receiver's side of the specification.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use oyez_protocol::{
    UserId,
    api::push::{PushKeys, PushSubscription, PushSubscriptionRequest},
};
use serde_json::Value;

use crate::{
    endpoint::{Endpoint, Received},
    world::World,
};

pub(crate) struct Browser {
    key: PrivateKey,
    auth: [u8; 16],
    pub(crate) path: String,
}

/// A push message, as its browser reads it.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) message: Value,
    pub(crate) ttl: u64,
    pub(crate) urgency: String,
    pub(crate) topic: Option<String>,
}

impl Browser {
    /// Subscribes at a push service, for a user.
    pub(crate) async fn subscribes(world: &World, service: &Endpoint, user: &UserId, path: &str) -> Self {
        let browser = Self {
            key: PrivateKey::generate(&ECDH_P256).unwrap(),
            auth: rand::random(),
            path: path.to_owned(),
        };
        browser.tell(world, service, user).await;
        browser
    }

    pub(crate) async fn tell(&self, world: &World, service: &Endpoint, user: &UserId) -> PushSubscription {
        let request = PushSubscriptionRequest {
            endpoint: service.url(&self.path),
            keys: PushKeys {
                p256dh: URL_SAFE_NO_PAD.encode(self.public_key()),
                auth: URL_SAFE_NO_PAD.encode(self.auth),
            },
            device: None,
        };
        world.push.subscribe(user, &request).await.unwrap()
    }

    fn public_key(&self) -> Vec<u8> {
        self.key.compute_public_key().unwrap().as_ref().to_vec()
    }

    /// Checks the request as a push service does, and reads the message as a browser does.
    pub(crate) fn reads(&self, world: &World, service: &Endpoint, request: &Received) -> Pushed {
        assert_eq!(request.path, self.path);
        verify(world, &format!("http://{}", service.address), request);
        assert_eq!(request.header("content-encoding"), "aes128gcm");
        let topic = Some(request.header("topic").to_owned()).filter(|topic| !topic.is_empty());
        Pushed {
            message: serde_json::from_slice(&self.decrypt(&request.body)).unwrap(),
            ttl: request.header("ttl").parse().unwrap(),
            urgency: request.header("urgency").to_owned(),
            topic,
        }
    }

    fn decrypt(&self, body: &[u8]) -> Vec<u8> {
        let (salt, rest) = body.split_at(16);
        let size = u32::from_be_bytes(rest[..4].try_into().unwrap());
        assert!(size >= 18 && body.len() <= 4_096, "one record that every push service takes");
        let (sender, sealed) = rest[5..].split_at(usize::from(rest[4]));
        let mac = |key: &[u8], data: &[&[u8]]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &data.concat()).as_ref().to_vec()
        };
        let peer = UnparsedPublicKey::new(&ECDH_P256, sender);
        let shared = agree(&self.key, peer, (), |shared| Ok(shared.to_vec())).unwrap();
        let info = [b"WebPush: info\0".as_slice(), &self.public_key(), sender, &[1]];
        let input = mac(&mac(&self.auth, &[&shared]), &info);
        let key = mac(salt, &[&input]);
        let content_key = &mac(&key, &[b"Content-Encoding: aes128gcm\0\x01"])[..16];
        let nonce = &mac(&key, &[b"Content-Encoding: nonce\0\x01"])[..12];
        let opener = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, content_key).unwrap());
        let mut text = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
        let text = opener.open_in_place(nonce, Aad::empty(), &mut text).unwrap();
        let end = text.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(text[end], 2, "the delimiter of the last record");
        text[..end].to_vec()
    }
}

fn verify(world: &World, origin: &str, request: &Received) {
    let header = request.header("authorization").strip_prefix("vapid t=").unwrap();
    let (token, key) = header.split_once(", k=").unwrap();
    assert_eq!(key, world.push.public_key().unwrap_or_default(), "the key that the browser was given");
    let point = URL_SAFE_NO_PAD.decode(key).unwrap();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[origin]);
    // The world's clock is not the system's.
    validation.validate_exp = false;
    let key = DecodingKey::from_ec_components(&x, &y).unwrap();
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    let left = claims["exp"].as_i64().unwrap() - world.clock.now().as_millis() / 1_000;
    assert!((1..=86_400).contains(&left), "a day is the most: {left}");
    assert_eq!(claims["sub"], "mailto:ops@example.com");
}
