//! A connection to a server, with its patience: what may be repeated is repeated until it works or time is up.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{Method, Url, header};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{
    error::{Error, Refusal},
    pause::Pause,
};

/// How long a call that may be repeated is tried.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);

/// A server and the key to it. Clones share their connections.
///
/// A call is tried again when the connection fails or the server is busy, for half a minute by default, with growing
/// pauses. Nothing is done twice by that: what is not harmless to repeat carries an idempotency key.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    patience: Duration,
}

struct Shared {
    http: reqwest::Client,
    base: Url,
    key: header::HeaderValue,
}

/// One thing that is asked.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
    is_repeatable: bool,
    patience: Option<Duration>,
    one_try: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.shared.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `url`, such as `https://notify.example.org`, with an API key. Does not connect yet.
    pub fn new(url: &str, key: &str) -> Result<Self, Error> {
        let mut base = Url::parse(url).map_err(|error| {
            Error::Setup(format!("{url:?} is no address such as http://127.0.0.1:8000: {error}"))
        })?;
        if !["http", "https"].contains(&base.scheme()) || base.cannot_be_a_base() {
            return Err(Error::Setup(format!("{url:?} must begin with http:// or https://")));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut key = header::HeaderValue::from_str(&format!("Bearer {}", key.trim()))
            .map_err(|_| Error::Setup("the API key has characters that no key has".into()))?;
        key.set_sensitive(true);
        let http = http(Vec::new())?;
        Ok(Self { shared: Arc::new(Shared { http, base, key }), patience: PATIENCE })
    }

    /// The same connection with another patience: how long a call is tried before it fails. Zero tries once.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same server, whose certificate may also come from these authorities, in PEM form: for servers inside a
    /// company.
    pub fn with_authorities(self, pem: &[u8]) -> Result<Self, Error> {
        let unusable =
            |why: &str| Error::Setup(format!("the authorities are no certificates in PEM form: {why}"));
        let authorities = reqwest::Certificate::from_pem_bundle(pem);
        let authorities = authorities.map_err(|error| unusable(&error.to_string()))?;
        if authorities.is_empty() {
            return Err(unusable("none was found"));
        }
        let Shared { base, key, .. } = &*self.shared;
        let shared = Shared { http: http(authorities)?, base: base.clone(), key: key.clone() };
        Ok(Self { shared: Arc::new(shared), ..self })
    }

    pub(crate) async fn send<A: DeserializeOwned>(&self, call: &Call) -> Result<A, Error> {
        let patience = call.patience.unwrap_or(self.patience);
        let (started, mut pause) = (Instant::now(), Pause::default());
        loop {
            let error = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = pause.next(error.retry_after());
            let may_repeat = error.is_temporary() && (call.is_repeatable || !error.may_be_done());
            if !may_repeat || started.elapsed() + wait > patience {
                return Err(error);
            }
            tracing::debug!(path = call.path, %error, "trying again");
            tokio::time::sleep(wait).await;
        }
    }

    async fn once<A: DeserializeOwned>(&self, call: &Call) -> Result<A, Error> {
        let url = self
            .shared
            .base
            .join(&call.path)
            .map_err(|error| Error::Setup(format!("{:?} is no path: {error}", call.path)))?;
        let mut request = self
            .shared
            .http
            .request(call.method.clone(), url)
            .header(header::AUTHORIZATION, self.shared.key.clone())
            .timeout(call.one_try);
        if let Some(body) = &call.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        let answer = request.send().await.map_err(Error::Unreachable)?;
        let status = answer.status();
        let body = answer.text().await.map_err(Error::Unreachable)?;
        if !status.is_success() {
            return Err(Error::Refused(Box::new(Refusal::read(status.as_u16(), &body))));
        }
        let body = if body.is_empty() { "null" } else { &body };
        serde_json::from_str(body).map_err(|error| Error::Answer(error.to_string()))
    }
}

fn http(authorities: Vec<reqwest::Certificate>) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .user_agent(concat!("oyez-client/", env!("CARGO_PKG_VERSION")))
        .tls_certs_merge(authorities)
        .build()
        .map_err(|error| Error::Setup(format!("the HTTP client cannot be made: {error}")))
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
            is_repeatable: true,
            patience: None,
            one_try: TRY,
        }
    }

    /// A call that is harmless to repeat; see [`Call::at_most_once`].
    pub(crate) fn post<B: Serialize + ?Sized>(path: impl Into<String>, body: &B) -> Result<Self, Error> {
        let body = Some(serde_json::to_vec(body)?);
        Ok(Self { method: Method::POST, body, ..Self::get(path) })
    }

    /// Is not repeated when it may have been done already.
    pub(crate) fn at_most_once(mut self) -> Self {
        self.is_repeatable = false;
        self
    }

    pub(crate) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    pub(crate) fn with_one_try(mut self, one_try: Duration) -> Self {
        self.one_try = one_try;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_refused_with_what_would_be_right() {
        for wrong in ["127.0.0.1:8000", "notify.example.org", "ftp://example.org", ""] {
            let error = Client::new(wrong, "oyez_sk_x").unwrap_err().to_string();
            assert!(error.contains("http"), "{error}");
        }
        assert!(Client::new("http://127.0.0.1:8000", "two\nlines").is_err());
    }

    #[test]
    fn a_server_below_a_path_keeps_it_and_no_key_is_shown() {
        let client = Client::new("https://example.org/oyez", "oyez_sk_secret").unwrap();
        let url = client.shared.base.join("api/v1/jobs").unwrap();
        assert_eq!(url.as_str(), "https://example.org/oyez/api/v1/jobs");
        assert!(!format!("{client:?} {:?}", client.shared.key).contains("secret"));
    }
}
