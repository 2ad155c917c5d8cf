//! Push subscriptions: users name the browsers that show their notifications while no page is open.
//!
//! What is sent, and when, is not decided here.

pub mod vapid;

use std::sync::Arc;

use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, UnparsedPublicKey};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use oyez_core::{clock::Clock, notification::Invalid};
use oyez_protocol::{
    ErrorCode, PushSubscriptionId, UserId,
    api::push::{MAX_DEVICE_CHARS, MAX_SUBSCRIPTIONS, PushSubscription, PushSubscriptionRequest},
};
use oyez_store::{NewPushSubscription, Store, StoreError};

use crate::outbound::Outbound;
use vapid::Vapid;

/// Some browsers and libraries pad, most do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a call is refused, or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PushError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is not set up.
    #[error("web push is not set up here: set web_push.enabled")]
    Off,
    /// No such subscription.
    #[error("this user has no such push subscription")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PushError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::Off | Self::NotFound => ErrorCode::NotFound,
            Self::Store(error) => error.code(),
        }
    }
}

/// What it takes to send.
#[derive(Debug)]
pub struct PushSetup {
    /// Says who we are.
    pub vapid: Vapid,
    /// Makes the requests.
    pub outbound: Outbound,
}

/// Push subscriptions. Cheap to clone.
#[derive(Clone)]
pub struct Push {
    store: Store,
    clock: Clock,
    setup: Option<Arc<PushSetup>>,
}

impl Push {
    /// Joins store and clock; without `setup`, nobody can subscribe.
    pub fn new(store: Store, clock: Clock, setup: Option<Arc<PushSetup>>) -> Self {
        Self { store, clock, setup }
    }

    /// The key that browsers are to be given; none where web push is not set up.
    pub fn public_key(&self) -> Option<String> {
        self.setup.as_deref().map(|setup| setup.vapid.public_key())
    }

    /// Takes a browser's subscription; one that is known is renewed, and belongs to this user from now on.
    pub async fn subscribe(
        &self,
        user: &UserId,
        request: &PushSubscriptionRequest,
    ) -> Result<PushSubscription, PushError> {
        let setup = self.setup()?;
        let now = self.clock.now();
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
        let new = NewPushSubscription {
            id: PushSubscriptionId(id),
            user: user.clone(),
            endpoint: endpoint(&setup.outbound, &request.endpoint)?,
            public_key: public_key(&request.keys.p256dh)?,
            auth: bytes("keys.auth", &request.keys.auth)?,
            device: device(request.device.as_deref())?,
        };
        let stored = self.store.write(move |tx| {
            Box::pin(async move { tx.put_push_subscription(&new, MAX_SUBSCRIPTIONS, now).await })
        });
        Ok(shown(stored.await?))
    }

    /// A user's subscriptions, the oldest first.
    pub async fn list(&self, user: &UserId) -> Result<Vec<PushSubscription>, PushError> {
        Ok(self.store.push_subscriptions(user).await?.into_iter().map(shown).collect())
    }

    /// Removes one of a user's subscriptions.
    pub async fn unsubscribe(&self, user: &UserId, id: PushSubscriptionId) -> Result<(), PushError> {
        let user = user.clone();
        let removed =
            self.store.write(move |tx| Box::pin(async move { tx.delete_push_subscription(&user, id).await }));
        if removed.await? { Ok(()) } else { Err(PushError::NotFound) }
    }

    fn setup(&self) -> Result<&PushSetup, PushError> {
        self.setup.as_deref().ok_or(PushError::Off)
    }
}

/// The origin of an address, without what is secret in it.
pub fn service(endpoint: &str) -> String {
    reqwest::Url::parse(endpoint).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

fn shown(stored: oyez_store::PushSubscription) -> PushSubscription {
    PushSubscription {
        id: stored.id,
        service: service(&stored.endpoint),
        device: stored.device,
        created_at: stored.created_at,
        sent_at: stored.sent_at,
    }
}

fn endpoint(outbound: &Outbound, text: &str) -> Result<String, Invalid> {
    match outbound.check(text) {
        Ok(url) => Ok(url.into()),
        Err(refused) => Err(invalid("endpoint", &format!("cannot be used: {refused}"))),
    }
}

fn public_key(text: &str) -> Result<[u8; 65], Invalid> {
    let key: [u8; 65] = bytes("keys.p256dh", text)?;
    match ParsedPublicKey::try_from(UnparsedPublicKey::new(&ECDH_P256, key)) {
        Ok(_) => Ok(key),
        Err(_) => Err(invalid("keys.p256dh", "is no point on the curve P-256")),
    }
}

fn bytes<const N: usize>(field: &str, text: &str) -> Result<[u8; N], Invalid> {
    let decoded = BASE64.decode(text).unwrap_or_default();
    decoded.try_into().map_err(|_| invalid(field, &format!("must be {N} bytes in base64url")))
}

fn device(name: Option<&str>) -> Result<Option<String>, Invalid> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    if name.chars().count() > MAX_DEVICE_CHARS || name.chars().any(char::is_control) {
        return Err(invalid("device", &format!("must be up to {MAX_DEVICE_CHARS} printable characters")));
    }
    Ok(Some(name.to_owned()))
}

fn invalid(field: &str, what: &str) -> Invalid {
    Invalid { code: ErrorCode::Invalid, field: field.into(), message: format!("\"{field}\" {what}") }
}
