//! Requests to addresses that others chose: push services that a browser named, endpoints that an application named.
//!
//! Whoever names an address must not reach through us what they cannot reach themselves. Names are resolved here, what
//! is not public is left out, and the connection goes to the very address that was looked at, so that a name which
//! changes its mind (DNS rebinding) gains nothing. Redirects are not followed, proxies of the environment not asked,
//! answers cut, and everything has a time limit. It knows nothing of what is sent.

mod address;
mod resolve;

use std::{error::Error, fmt, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, header};
use oyez_protocol::Timestamp;
use reqwest::Url;

pub use address::is_public;
use resolve::{Guard, NotPublic};

/// Longest address that is taken, in bytes.
pub const MAX_URL_BYTES: usize = 2_048;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_PER_HOST: usize = 16;

/// How requests are made.
#[derive(Debug, Clone, Copy)]
pub struct OutboundOptions {
    /// Whether private and loopback addresses are reached too, and `http://` is good enough: for development, tests,
    /// and applications beside Oyez.
    pub allow_private: bool,
    /// How long a request may take, its answer included.
    pub timeout: Duration,
    /// How much of an answer is read, in bytes.
    pub max_answer: usize,
}

/// Makes requests. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    client: reqwest::Client,
    options: OutboundOptions,
}

/// Why an address is refused before anything is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error("it is not an address such as https://app.example.com/hook")]
    NotAUrl,
    /// It is not encrypted, or something else than HTTP.
    #[error("it must begin with https:// (http:// too where `allow_private` is set)")]
    NotHttps,
    /// It holds a name and a password, which would end up in logs.
    #[error("it must not hold a user name or password")]
    Credentials,
    /// It is too long.
    #[error("it is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// It names an address that is not on the public Internet.
    #[error("it leads to the private address {0}, which is refused unless `allow_private` is set")]
    Private(IpAddr),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address is refused.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// The name leads to private addresses only.
    #[error("{0} leads to private addresses only, which are refused unless `allow_private` is set")]
    Private(String),
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// No connection, or a broken one.
    #[error("{0}")]
    Broken(String),
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`, as it was sent.
    retry_after: Option<String>,
    /// The beginning of the body, as text.
    pub text: String,
}

impl Answer {
    /// Whether it is a 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// How long the receiver asks to wait: seconds or a date (RFC 9110, section 10.2.3).
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.retry_after.as_deref()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let now = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
        Some(at.saturating_sub(now))
    }

    /// Status and body in one line, for people.
    pub fn summary(&self) -> String {
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = if text.is_empty() { text } else { format!(": {text}") };
        let redirects = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        let hint = if redirects { " (redirects are not followed: give the address itself)" } else { "" };
        format!("HTTP {}{hint}{text}", self.status)
    }
}

impl Outbound {
    /// A client of its own. Fails when the system's certificates cannot be used.
    pub fn new(options: OutboundOptions) -> Result<Self, reqwest::Error> {
        Self::with_guard(options, Guard::system(options.allow_private))
    }

    fn with_guard(options: OutboundOptions, guard: Guard) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(guard))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .timeout(options.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(options.timeout))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .user_agent(concat!("oyez/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, options })
    }

    /// Checks an address as far as that is possible without asking for its name.
    pub fn check(&self, text: &str) -> Result<Url, AddressError> {
        if text.len() > MAX_URL_BYTES {
            return Err(AddressError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| AddressError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.options.allow_private => {}
            _ => return Err(AddressError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(AddressError::NotAUrl)?;
        // The resolver never sees an address that is written out.
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.options.allow_private && !is_public(address) => {
                Err(AddressError::Private(address))
            }
            _ => Ok(url),
        }
    }

    /// Posts once: no redirect is followed and nothing is tried again.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, OutboundError> {
        let url = self.check(url)?;
        let sent = self.client.post(url).headers(headers).body(body).send().await;
        let mut response = sent.map_err(|error| self.failure(error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut text = Vec::new();
        // The status is the answer: what breaks off behind it changes nothing.
        while text.len() < self.options.max_answer
            && let Ok(Some(chunk)) = response.chunk().await
        {
            text.extend_from_slice(&chunk[..chunk.len().min(self.options.max_answer - text.len())]);
        }
        Ok(Answer { status, retry_after, text: String::from_utf8_lossy(&text).into_owned() })
    }

    fn failure(&self, error: reqwest::Error) -> OutboundError {
        let timed_out = error.is_timeout();
        // The address may be a secret.
        let error = error.without_url();
        let mut chain: Option<&(dyn Error + 'static)> = Some(&error);
        let mut words = String::new();
        while let Some(cause) = chain {
            if let Some(refused) = cause.downcast_ref::<NotPublic>() {
                return OutboundError::Private(refused.0.clone());
            }
            let word = cause.to_string();
            if !words.contains(&word) {
                let separator = if words.is_empty() { "" } else { ": " };
                words = format!("{words}{separator}{word}");
            }
            chain = cause.source();
        }
        if timed_out { OutboundError::Timeout(self.options.timeout) } else { OutboundError::Broken(words) }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
