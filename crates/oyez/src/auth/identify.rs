//! Finds the credentials in a request and says whose they are.

use http::{HeaderMap, header, request::Parts};
use oyez_core::inbox::Standing;
use oyez_protocol::{ErrorCode, RoleName, SessionId, UserId};
use oyez_store::UserProfile;

use super::{
    Auth, KEY_PREFIX,
    claims::Identity,
    cookie,
    error::AuthError,
    jwt,
    principal::{Principal, UserPrincipal},
};
use crate::bus::Announcement;

/// Users whose being known is remembered.
const MAX_KNOWN: usize = 100_000;

/// How a user showed who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    Token,
    Cookie,
}

impl Auth {
    /// Who opens a live connection. First match wins: `Authorization: Bearer`, `Sec-WebSocket-Protocol:
    /// oyez.v1, bearer.<jwt>`, cookie `oyez_session`, `?ticket=`, `?token=`.
    ///
    /// A ticket is used up by this call. Whether a page of a foreign origin may connect is the gateway's to check.
    pub async fn handshake(&self, parts: &Parts) -> Result<UserPrincipal, AuthError> {
        if let Some(token) = bearer(&parts.headers)? {
            return self.verify_token(token).await;
        }
        if let Some(token) = subprotocol_token(&parts.headers) {
            return self.verify_token(token).await;
        }
        if let Some(cookie) = cookie::read(&parts.headers) {
            return self.verify_cookie(cookie).await;
        }
        let query = parts.uri.query().unwrap_or_default();
        if let Some(ticket) = parameter(query, "ticket") {
            let (identity, session) = self.take_ticket(&ticket).await?;
            return self.admit(identity, session, Evidence::Token).await;
        }
        match parameter(query, "token") {
            Some(token) => self.verify_token(&token).await,
            None => Err(AuthError::new(
                ErrorCode::TokenMissing,
                "no credentials: send a JWT as \"Authorization: Bearer\", subprotocol \"bearer.<jwt>\" or ?token=",
            )),
        }
    }

    /// Who a JWT belongs to: the `auth` frame on a live connection.
    pub async fn verify_token(&self, token: &str) -> Result<UserPrincipal, AuthError> {
        if token.starts_with(KEY_PREFIX) {
            let message = "an API key has no inbox and no stream: connect with a user's token";
            return Err(AuthError::new(ErrorCode::Forbidden, message));
        }
        let identity = jwt::verify(&self.inner.issuers, token, self.inner.clock.now()).await?;
        let session = identity.session;
        self.admit(identity, session, Evidence::Token).await
    }

    async fn verify_cookie(&self, cookie: &str) -> Result<UserPrincipal, AuthError> {
        let now = self.inner.clock.now();
        let identity = match jwt::verify(&self.inner.cookies, cookie, now).await {
            // Not from our own login page: an embedding application sets the access token it issued as the cookie.
            Err(error) if error.code == ErrorCode::TokenInvalid => {
                jwt::verify(&self.inner.issuers, cookie, now).await?
            }
            verified => verified?,
        };
        let session = identity.session;
        self.admit(identity, session, Evidence::Cookie).await
    }

    /// Who makes an HTTP request: `Authorization: Bearer` with a JWT or an API key, else the cookie `oyez_session`.
    ///
    /// A write with the cookie must prove that it comes from a page of this server.
    pub async fn authenticate(&self, parts: &Parts) -> Result<Principal, AuthError> {
        if let Some(token) = bearer(&parts.headers)? {
            if token.starts_with(KEY_PREFIX) {
                return Ok(Principal::Application(self.inner.api_keys.verify(token).await?));
            }
            return Ok(Principal::User(self.verify_token(token).await?));
        }
        let cookie = cookie::read(&parts.headers).ok_or_else(AuthError::missing)?;
        let user = self.verify_cookie(cookie).await?;
        cookie::check_write(parts)?;
        Ok(Principal::User(user))
    }

    /// The user behind checked credentials, unless they were shut out or their login was ended.
    async fn admit(
        &self,
        identity: Identity,
        session: Option<SessionId>,
        evidence: Evidence,
    ) -> Result<UserPrincipal, AuthError> {
        let (standing, ()) = futures_util::future::try_join(
            async { Ok(self.inner.store.standing(&identity.user).await?) },
            self.check_session(session, &identity.user),
        )
        .await?;
        if standing.disabled {
            return Err(AuthError::new(ErrorCode::UserDisabled, "this user may not use Oyez any more"));
        }
        self.make_known(&identity, &standing).await?;
        Ok(UserPrincipal {
            roles: union(&standing, identity.roles.as_deref()),
            id: identity.user,
            token_roles: identity.roles,
            name: identity.name,
            email: identity.email,
            session,
            expires_at: Some(identity.expires_at),
            via_cookie: evidence == Evidence::Cookie,
        })
    }

    async fn check_session(&self, session: Option<SessionId>, user: &UserId) -> Result<(), AuthError> {
        let Some(session) = session else { return Ok(()) };
        let known = self.inner.store.session(session).await?;
        if known.is_some_and(|known| known.revoked_at.is_none() && known.user == *user) {
            return Ok(());
        }
        Err(AuthError::new(ErrorCode::SessionRevoked, "this login was ended: log in again"))
    }

    /// Writes down who the token says it is, when that is news: so that `everyone` and the token's roles reach them.
    async fn make_known(&self, identity: &Identity, standing: &Standing) -> Result<(), AuthError> {
        let user = &identity.user;
        let news = identity.roles.as_ref().filter(|roles| **roles != standing.token_roles);
        // Asks the store when in doubt, since another process may have made the user known: what it knows stays.
        let is_known = self.is_known(user).await?;
        if news.is_none() && is_known {
            return Ok(());
        }
        let now = self.inner.clock.now();
        let profile = UserProfile {
            name: identity.name.clone(),
            email: identity.email.clone(),
            ..UserProfile::new(user.clone())
        };
        let profile = (!is_known).then_some(profile);
        let (owned, roles) = (user.clone(), news.cloned());
        let change = self.inner.store.write_then(
            move |tx| {
                Box::pin(async move {
                    if let Some(profile) = profile {
                        tx.put_user(&profile, now).await?;
                    }
                    match roles {
                        Some(roles) => Ok(tx.set_token_roles(&owned, &roles, now).await?.then_some(owned)),
                        None => Ok(None),
                    }
                })
            },
            {
                let bus = self.inner.bus.clone();
                let roles = union(standing, identity.roles.as_deref());
                move |changed: &Option<UserId>| {
                    if let Some(user) = changed {
                        bus.announce(Announcement::RolesChanged { user: user.clone(), roles: roles.into() });
                    }
                }
            },
        );
        change.await?;
        self.remember_known(user);
        Ok(())
    }

    async fn is_known(&self, user: &UserId) -> Result<bool, AuthError> {
        if self.known().contains(user) {
            return Ok(true);
        }
        let known = self.inner.store.user(user).await?.is_some();
        if known {
            self.remember_known(user);
        }
        Ok(known)
    }

    fn remember_known(&self, user: &UserId) {
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(user.clone());
    }

    /// Called when a user is erased: the next token makes them known again.
    pub fn forget(&self, user: &UserId) {
        self.known().remove(user);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, std::collections::HashSet<UserId>> {
        self.inner.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What the application set, and what the token claims (or, when it makes no claim, what the last one claimed).
fn union(standing: &Standing, claimed: Option<&[RoleName]>) -> Vec<RoleName> {
    let claimed = claimed.unwrap_or(&standing.token_roles);
    let mut roles: Vec<_> = standing.roles.iter().chain(claimed).cloned().collect();
    roles.sort();
    roles.dedup();
    roles
}

/// The token of `Authorization: Bearer <token>`; the scheme in any case (RFC 9110 section 11.1).
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, AuthError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let malformed =
        || AuthError::new(ErrorCode::TokenMalformed, "the Authorization header must be \"Bearer <token>\"");
    let (scheme, token) = value.to_str().map_err(|_| malformed())?.split_once(' ').ok_or_else(malformed)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(malformed());
    }
    Ok(Some(token))
}

/// The token of `Sec-WebSocket-Protocol: oyez.v1, bearer.<jwt>`.
fn subprotocol_token(headers: &HeaderMap) -> Option<&str> {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offers = offers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    offers.find_map(|offer| offer.trim().strip_prefix("bearer."))
}

/// A query parameter, percent-decoded; the first of its name.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.into_iter().find(|(key, value)| *key == name && !value.is_empty())?;
    // Tokens and tickets are base64url and dots; anything escaped is decoded for clients that escape all they send.
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let digit =
                    |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|d| u8::try_from(d).ok());
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => high << 4 | low,
                    _ => return Some(String::from_utf8_lossy(value.as_bytes()).into_owned()),
                }
            }
            other => other,
        };
        bytes.push(decoded);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_bearer_scheme_is_read_in_any_case_and_nothing_else_is() {
        let read =
            |value: &str| bearer(&headers(&[("authorization", value)])).map(|token| token.map(str::to_owned));
        assert_eq!(read("bearer abc").unwrap().as_deref(), Some("abc"));
        assert_eq!(read("BEARER  abc ").unwrap().as_deref(), Some("abc"));
        for bad in ["Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(read(bad).unwrap_err().code, ErrorCode::TokenMalformed, "{bad:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn a_token_may_come_as_a_subprotocol() {
        let read = |value: &str| {
            subprotocol_token(&headers(&[("sec-websocket-protocol", value)])).map(str::to_owned)
        };
        assert_eq!(read("oyez.v1, bearer.a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(read("bearer.a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(read("oyez.v1"), None);
    }

    #[test]
    fn parameters_are_decoded_and_never_panic() {
        assert_eq!(parameter("since=3&token=a%2Eb", "token").as_deref(), Some("a.b"));
        assert_eq!(parameter("token=", "token"), None);
        assert_eq!(parameter("token", "token"), None);
        assert_eq!(parameter("token=%", "token").as_deref(), Some("%"));
        assert_eq!(parameter("token=%zz", "token").as_deref(), Some("%zz"));
        assert_eq!(parameter("token=%ff", "token").as_deref(), Some("\u{fffd}"));
    }
}
