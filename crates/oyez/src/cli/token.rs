//! `oyez token`: signs an access token with the key file; no server, no database.

use oyez_core::clock::Clock;
use oyez_protocol::{RoleName, UserId};
use serde_json::json;

use super::{
    args::{Global, TokenArgs},
    client::settings,
    error::Failure,
    output::Output,
};
use crate::{
    auth::{IssuedToken, SigningKey, issue_token},
    config::{Config, parse_duration},
};

pub(super) fn run(global: &Global, args: &TokenArgs, output: &Output) -> Result<(), Failure> {
    if global.server.is_some() {
        return Err(Failure::usage("a token is signed with the key file in a data directory").hint(
            "run it on the server's machine, or ask the server for a ticket: POST /api/v1/users/ID/ticket",
        ));
    }
    let config = settings(global, Vec::new())?.config;
    let token = sign(&config, &args.user, &args.roles, args.ttl.as_deref())?;
    let access = token.access.reveal().to_owned();
    output.answer(&json!({"access": access, "expires_at": token.expires_at}), || access.clone());
    Ok(())
}

/// Signs a token as the server of this data directory would.
pub(super) fn sign(
    config: &Config,
    user: &str,
    roles: &[String],
    ttl: Option<&str>,
) -> Result<IssuedToken, Failure> {
    let user = UserId::new(user).map_err(|error| Failure::usage(error.to_string()))?;
    let roles: Result<Vec<RoleName>, _> = roles.iter().map(|role| RoleName::new(role)).collect();
    let roles = roles.map_err(|error| Failure::usage(error.to_string()))?;
    let ttl = match ttl {
        None => config.auth.access_ttl,
        Some(text) => parse_duration(text).filter(|ttl| !ttl.is_zero()).ok_or_else(|| {
            Failure::usage(format!("--ttl takes a duration such as 15m or 12h, given {text:?}"))
        })?,
    };
    if !config.data_dir.is_dir() {
        return Err(Failure::new(format!("there is no data directory at {}", config.data_dir.display()))
            .hint("start the server once with `oyez serve`, or name another directory with --data"));
    }
    let key = SigningKey::open(&config.data_dir).map_err(|error| Failure::new(error.to_string()))?;
    issue_token(&key, &user, &roles, ttl, Clock::system().now())
        .map_err(|error| Failure::new(error.to_string()))
}
