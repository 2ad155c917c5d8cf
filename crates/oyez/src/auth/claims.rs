//! What a token's claims say, once its signature was checked: who, in which roles, until when.
//!
//! Pure: the time is an argument. Refusals name the claim, never its value.

use oyez_protocol::{ErrorCode, RoleName, Timestamp, UserId, ids::SessionId};
use serde_json::{Map, Value};

use super::error::AuthError;
use crate::config::ClaimsConfig;

/// Most roles taken from one token; what is over is a mistake of the issuer.
const MAX_ROLES: usize = 256;

/// The claims of a token, as JSON.
pub(super) type Claims = Map<String, Value>;

/// What Oyez reads from a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: UserId,
    pub(super) roles: Option<Vec<RoleName>>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) session: Option<SessionId>,
    /// When the token stops being accepted: `exp` and the leeway.
    pub(super) expires_at: Timestamp,
}

/// How one issuer's claims are checked and read.
#[derive(Debug, Clone)]
pub(super) struct ClaimRules {
    pub(super) names: ClaimsConfig,
    /// Accepted `iss`; empty: any.
    pub(super) issuers: Vec<String>,
    /// Accepted `aud`; empty: any.
    pub(super) audiences: Vec<String>,
    pub(super) leeway_seconds: i64,
    /// `token_type`s that may be used here; a token without one counts as the first.
    pub(super) token_type: &'static str,
    /// Whether `sid` names one of our sessions: only in tokens we signed.
    pub(super) sessions: bool,
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> AuthError {
    AuthError::new(ErrorCode::TokenInvalid, message)
}

impl ClaimRules {
    /// Checks times, issuer, audience and type, and reads who it is.
    pub(super) fn read(&self, claims: &Claims, now: Timestamp) -> Result<Identity, AuthError> {
        let expires_at = self.check_times(claims, now)?;
        self.check_type(claims)?;
        check_named(claims, "iss", &self.issuers)?;
        check_named(claims, "aud", &self.audiences)?;
        let session = match claims.get("sid") {
            Some(Value::String(sid)) if self.sessions => {
                Some(sid.parse().map_err(|_| invalid("the token's \"sid\" is not a session"))?)
            }
            _ => None,
        };
        Ok(Identity {
            user: self.user(claims)?,
            roles: roles(find(claims, &self.names.roles))?,
            name: text(find(claims, &self.names.name)),
            email: text(find(claims, &self.names.email)),
            session,
            expires_at,
        })
    }

    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, AuthError> {
        let Some(exp) = seconds(claims, "exp")? else {
            return Err(invalid("the token has no \"exp\": tokens that never end are not accepted"));
        };
        let expires_at = exp.plus_seconds(self.leeway_seconds);
        if now >= expires_at {
            return Err(AuthError::new(ErrorCode::TokenExpired, "the token has expired: get a new one"));
        }
        if seconds(claims, "nbf")?.is_some_and(|nbf| nbf > now.plus_seconds(self.leeway_seconds)) {
            return Err(invalid("the token is not valid yet (\"nbf\"): do the clocks agree?"));
        }
        Ok(expires_at)
    }

    fn check_type(&self, claims: &Claims) -> Result<(), AuthError> {
        match claims.get("token_type") {
            None if self.token_type == "access" => Ok(()),
            Some(Value::String(kind)) if kind == self.token_type => Ok(()),
            _ => Err(invalid(format!("the token's \"token_type\" must be \"{}\"", self.token_type))),
        }
    }

    fn user(&self, claims: &Claims) -> Result<UserId, AuthError> {
        for name in &self.names.user {
            let id = match find(claims, name) {
                None | Some(Value::Null) => continue,
                Some(Value::String(id)) => id.clone(),
                Some(Value::Number(id)) if id.is_i64() || id.is_u64() => id.to_string(),
                Some(_) => {
                    return Err(invalid(format!("the token's {name:?} must be a string or an integer")));
                }
            };
            return UserId::new(&id)
                .map_err(|_| invalid(format!("the token's {name:?} is not a user id of 1 to 128 bytes")));
        }
        Err(invalid(format!("the token names no user: expected a claim {}", self.names.user.join(" or "))))
    }
}

/// A claim by its name, or by a path such as `realm_access.roles` when no claim has that very name.
fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        find(claims.get(first)?.as_object()?, rest)
    })
}

/// RFC 7519 section 2, NumericDate: seconds, perhaps with a fraction.
fn seconds(claims: &Claims, name: &'static str) -> Result<Option<Timestamp>, AuthError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            let whole = number.as_i64().or_else(|| number.as_u64().map(|_| i64::MAX));
            // A cast from f64 saturates; `from_millis` clamps to times that can be written.
            let millis = match whole {
                Some(whole) => whole.saturating_mul(1000),
                None => (number.as_f64().unwrap_or(0.0) * 1000.0) as i64,
            };
            Ok(Some(Timestamp::from_millis(millis)))
        }
        Some(_) => Err(invalid(format!("the token's {name:?} must be a number of seconds"))),
    }
}

fn check_named(claims: &Claims, name: &str, accepted: &[String]) -> Result<(), AuthError> {
    let fits = |given: &Value| given.as_str().is_some_and(|given| accepted.iter().any(|one| one == given));
    let good = accepted.is_empty()
        || match claims.get(name) {
            Some(Value::Array(several)) if name == "aud" => several.iter().any(fits),
            Some(one) => fits(one),
            None => false,
        };
    if good { Ok(()) } else { Err(invalid(format!("the token's {name:?} is not one that is accepted here"))) }
}

/// An array, or one text with spaces or commas between. Names that no role can have are passed over: an issuer's
/// "Default Role" must not lock its users out.
fn roles(claim: Option<&Value>) -> Result<Option<Vec<RoleName>>, AuthError> {
    let names: Vec<&str> = match claim {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => {
            text.split([' ', ',']).filter(|name| !name.is_empty()).take(MAX_ROLES + 1).collect()
        }
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).take(MAX_ROLES + 1).collect(),
        Some(_) => return Err(invalid("the token's roles must be a list, or a text with spaces or commas")),
    };
    if names.len() > MAX_ROLES {
        return Err(invalid(format!("the token claims more than {MAX_ROLES} roles")));
    }
    let mut roles: Vec<_> = names.into_iter().filter_map(|name| RoleName::new(name).ok()).collect();
    roles.sort();
    roles.dedup();
    Ok(Some(roles))
}

fn text(claim: Option<&Value>) -> Option<String> {
    claim.and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= 320).map(str::to_owned)
}

#[cfg(test)]
mod tests;
