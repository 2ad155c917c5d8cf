//! Ending mails: links that work without a login, and what a click on one changes.
//!
//! A link names a reader and a type (or all mails) and is signed, so nobody can end another's mails. It never expires:
//! a mail may be read years later. Opening a link changes nothing, because mail programs and scanners open links; the
//! change is a POST, as RFC 8058 has it.

use std::{fmt, sync::Arc};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oyez_core::{clock::Clock, fallback::Policy};
use oyez_protocol::{
    UserId,
    api::{
        deliveries::Medium,
        preferences::{MAX_TYPES, PreferencesRequest},
    },
};
use oyez_store::{Store, StoreError};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const OFF: &str = "off";
/// Longest token that is looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 1_024;

/// What unsubscribing is made of.
pub struct Parts {
    /// Signs the links; it must stay the same, or links in mails that were sent end.
    pub key: [u8; 32],
    /// Where readers reach this server, without a slash at the end.
    pub base: String,
    /// What the application is called.
    pub app_name: String,
    /// The operator's rules: what is critical cannot be ended.
    pub policy: Arc<Policy>,
    /// Where preferences are.
    pub store: Store,
    /// The time.
    pub clock: Clock,
}

/// Ends mails. Cheap to clone.
#[derive(Clone)]
pub struct Unsubscribe {
    parts: Arc<Parts>,
}

/// Whose mails, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mails {
    /// Whose.
    pub user: UserId,
    /// Of this type; `None`: all.
    pub kind: Option<String>,
}

impl Unsubscribe {
    /// Joins key, rules and store.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// What the application is called.
    pub fn app_name(&self) -> &str {
        &self.parts.app_name
    }

    /// The link that ends mails; `None` for those that cannot be ended, because the operator calls them critical.
    pub fn link(&self, mails: &Mails) -> Option<String> {
        if let Some(kind) = &mails.kind
            && self.parts.policy.rule(kind, Medium::Email).0.critical
        {
            return None;
        }
        Some(format!("{}/unsubscribe/{}", self.parts.base, self.token(mails)))
    }

    fn token(&self, mails: &Mails) -> String {
        // A user id has no control characters.
        let text = format!("{}\n{}", mails.user, mails.kind.as_deref().unwrap_or_default());
        let text = URL_SAFE_NO_PAD.encode(text);
        let seal = self.seal(&text);
        format!("{text}.{seal}")
    }

    /// What a token names; `None` when it was not made here.
    pub fn read(&self, token: &str) -> Option<Mails> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (text, seal) = token.split_once('.')?;
        if !bool::from(self.seal(text).as_bytes().ct_eq(seal.as_bytes())) {
            return None;
        }
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (user, kind) = text.split_once('\n')?;
        let kind = (!kind.is_empty()).then(|| kind.to_owned());
        Some(Mails { user: UserId::new(user).ok()?, kind })
    }

    /// Ends mails, from now on: what is planned already is skipped. Once more changes nothing.
    pub async fn end(&self, mails: &Mails) -> Result<(), StoreError> {
        if self.parts.store.user(&mails.user).await?.is_none() {
            // Erased meanwhile: nothing is sent, and nothing of them is to be kept again.
            return Ok(());
        }
        let (mails, now) = (mails.clone(), self.parts.clock.now());
        let ending = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let mut preferences = tx.preferences(&mails.user).await?;
                mute(&mut preferences, mails.kind.as_deref());
                tx.put_preferences(&mails.user, &preferences, now).await
            })
        });
        ending.await.map(drop)
    }

    /// Hashed twice with the key, so that its output cannot be extended.
    fn seal(&self, text: &str) -> String {
        let inner =
            Sha256::new().chain_update(self.parts.key).chain_update(b"unsubscribe").chain_update(text);
        let outer = Sha256::new().chain_update(self.parts.key).chain_update(inner.finalize());
        URL_SAFE_NO_PAD.encode(outer.finalize())
    }
}

impl fmt::Debug for Unsubscribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsubscribe").field("base", &self.parts.base).finish_non_exhaustive()
    }
}

/// Turns e-mail off for one type, or for all.
fn mute(preferences: &mut PreferencesRequest, kind: Option<&str>) {
    let email = Medium::Email.as_str();
    match kind {
        Some(kind) if preferences.types.len() < MAX_TYPES || preferences.types.contains_key(kind) => {
            preferences.types.entry(kind.to_owned()).or_default().insert(email.into(), OFF.into());
        }
        _ => {
            preferences.default.insert(email.into(), OFF.into());
            // A type that was chosen by name goes before the default.
            for choices in preferences.types.values_mut() {
                if let Some(choice) = choices.get_mut(email) {
                    OFF.clone_into(choice);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferences(json: &str) -> PreferencesRequest {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn one_type_ends_and_the_others_stay() {
        let mut chosen = preferences(r#"{"default":{"email":"digest"},"types":{"a":{"web_push":"off"}}}"#);
        mute(&mut chosen, Some("a"));
        mute(&mut chosen, Some("b"));
        let expected = r#"{"default":{"email":"digest"},
            "types":{"a":{"email":"off","web_push":"off"},"b":{"email":"off"}}}"#;
        assert_eq!(chosen, preferences(expected));
    }

    #[test]
    fn all_mails_end_also_those_that_were_chosen_by_name() {
        let mut chosen =
            preferences(r#"{"types":{"a":{"email":"at_once","webhook":"at_once"},"b":{"webhook":"off"}}}"#);
        mute(&mut chosen, None);
        let expected = r#"{"default":{"email":"off"},
            "types":{"a":{"email":"off","webhook":"at_once"},"b":{"webhook":"off"}}}"#;
        assert_eq!(chosen, preferences(expected));
    }

    #[test]
    fn preferences_that_are_full_still_let_mails_end() {
        let mut chosen = PreferencesRequest::default();
        for number in 0..MAX_TYPES {
            mute(&mut chosen, Some(&format!("type_{number}")));
        }
        mute(&mut chosen, Some("one_more"));
        assert_eq!(chosen.types.len(), MAX_TYPES);
        assert_eq!(chosen.default.get("email").map(String::as_str), Some("off"));
    }
}
