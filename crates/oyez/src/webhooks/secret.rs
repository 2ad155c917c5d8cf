//! What requests are signed with: secrets that follow from a seed in the database and the key file beside it, so that
//! neither alone is enough to sign.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use oyez_protocol::Timestamp;
use oyez_store::{WebhookRow, WebhookSeed};
use sha2::{Digest as _, Sha256};

use super::WebhooksError;
use crate::auth::{Secret, SigningKey, random_token};

/// What begins a secret, so that it is recognised where it does not belong.
const PREFIX: &str = "whsec_";
const PURPOSE: &str = "webhook secret";

/// A new secret, and what is stored of it.
pub(super) fn new(key: &SigningKey) -> (Secret, WebhookSeed) {
    let seed = random_token();
    let bytes = key.derive_bytes(PURPOSE, &seed);
    let secret = Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)));
    (secret, WebhookSeed { seed, check: Sha256::digest(bytes).into() })
}

/// The header `webhook-signature` for a body: one signature, and a second one by the old secret while that is good.
pub(super) fn signature(
    key: &SigningKey,
    webhook: &WebhookRow,
    (id, timestamp, body): (&str, i64, &[u8]),
    now: Timestamp,
) -> Result<String, WebhooksError> {
    let current = key.derive_bytes(PURPOSE, &webhook.seed.seed);
    if <[u8; 32]>::from(Sha256::digest(current)) != webhook.seed.check {
        return Err(WebhooksError::SecretLost(webhook.name.clone()));
    }
    let mut header = sign(&current, id, timestamp, body);
    if let Some((old, _)) = webhook.old_seed.as_ref().filter(|(_, until)| *until > now) {
        header.push(' ');
        header.push_str(&sign(&key.derive_bytes(PURPOSE, old), id, timestamp, body));
    }
    Ok(header)
}

fn sign(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    format!("v1,{}", STANDARD.encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference implementations (standard-webhooks, `libraries/`).
    #[test]
    fn a_signature_is_that_of_the_reference_implementations() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_new_each_time_and_the_database_does_not_hold_it() {
        let key = SigningKey::ephemeral();
        let ((one, seed), (other, _)) = (new(&key), new(&key));
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), PREFIX.len() + 44);
        assert!(!one.reveal().contains(&seed.seed));
        let again = key.derive_bytes(PURPOSE, &seed.seed);
        assert_eq!(format!("{PREFIX}{}", STANDARD.encode(again)), one.reveal());
    }
}
