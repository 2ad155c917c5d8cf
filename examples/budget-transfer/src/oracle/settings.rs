//! Where Oracle is, who calls, and how patient the caller is.

use std::{fmt, time::Duration};

use oyez::auth::Secret;
use reqwest::Url;

use crate::fbdi::Ledger;

/// Everything the client needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The host: `https://pod.fa.example.com`.
    pub base: Url,
    /// Who calls.
    pub credentials: Credentials,
    /// How patient to be.
    pub pace: Pace,
    /// The ledger that is booked on.
    pub ledger: Ledger,
}

/// Basic authentication. Neither part is ever shown.
#[derive(Clone)]
pub struct Credentials {
    /// The integration user.
    pub user: String,
    /// Their password.
    pub password: Secret,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// For one answer.
    pub request_timeout: Duration,
    /// Before the first question how a request stands; each later wait is half as long again.
    pub first_poll: Duration,
    /// Between two questions, at most.
    pub longest_poll: Duration,
    /// For one request to end. After that the step fails, and a retry goes on waiting for the same request.
    pub patience: Duration,
    /// How long Oracle may still be at a lost call. Only when it has been looked for this long in vain is it taken as
    /// never having arrived, and made again.
    pub settle: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(60),
            first_poll: Duration::from_secs(1),
            longest_poll: Duration::from_secs(15),
            patience: Duration::from_secs(3600),
            settle: Duration::from_secs(150),
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A password would travel in the clear.
    #[error("{0}: the password would travel unprotected; use https (http is for this machine only)")]
    Unprotected(String),
    /// Credentials in the address end up in logs.
    #[error(
        "the address holds a user or password; give them as BUDGET_ORACLE_USER and BUDGET_ORACLE_PASSWORD"
    )]
    CredentialsInAddress,
    /// A name that cannot be asked for.
    #[error("the Oracle user's name may not contain quotes or control characters")]
    User,
    /// The HTTP client could not be made.
    #[error("could not make the HTTP client: {0}")]
    Client(String),
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        if !self.base.username().is_empty() || self.base.password().is_some() {
            return Err(SettingsError::CredentialsInAddress);
        }
        let host = self.base.host_str().unwrap_or_default();
        let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if self.base.scheme() != "https" && !(self.base.scheme() == "http" && here) {
            return Err(SettingsError::Unprotected(format!("{}://{host}", self.base.scheme())));
        }
        let user = &self.credentials.user;
        if user.is_empty() || user.chars().any(|c| c == '"' || c == '\\' || c.is_control()) {
            return Err(SettingsError::User);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Oracle;

    fn settings(base: &str) -> Settings {
        Settings {
            base: base.parse().unwrap(),
            credentials: Credentials { user: "integration.user".into(), password: Secret::new("hunter2") },
            pace: Pace::default(),
            ledger: crate::fbdi::tests::ledger(),
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        let settings = settings("https://pod.example.com");
        let shown = format!("{settings:?} {:?}", Oracle::new(settings.clone()).unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("integration.user"), "{shown}");
    }

    #[test]
    fn a_password_travels_protected_or_stays_on_this_machine() {
        for good in
            ["https://pod.example.com", "http://127.0.0.1:8181", "http://localhost:1", "http://[::1]:1"]
        {
            assert_eq!(settings(good).check(), Ok(()), "{good}");
        }
        for bad in ["http://pod.example.com", "http://127.0.0.1.example.com", "ftp://127.0.0.1"] {
            assert!(matches!(settings(bad).check(), Err(SettingsError::Unprotected(_))), "{bad}");
        }
        assert_eq!(settings("https://u:p@pod.example.com").check(), Err(SettingsError::CredentialsInAddress));
    }
}
