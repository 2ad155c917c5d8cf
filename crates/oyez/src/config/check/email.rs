//! Which settings of e-mail cannot work.

use lettre::message::Mailbox;

use super::{Outcome, advise, set, within};
use crate::config::{Config, EmailTls, EmailTransport};

const EXAMPLE: &str = "Example <notify@example.com>";

pub(super) fn email(config: &Config) -> Outcome {
    let email = &config.email;
    for (key, url) in [("email.app_url", &email.app_url), ("email.preferences_url", &email.preferences_url)] {
        if let Some(url) = url
            && !is_web(url)
        {
            return set(key, format!("expected http(s)://…, given {url:?}"), "https://app.example.com");
        }
    }
    for (key, mailbox) in [("email.from", &email.from), ("email.reply_to", &email.reply_to)] {
        if let Some(text) = mailbox
            && text.parse::<Mailbox>().is_err()
        {
            return set(key, format!("expected a name and an address, given {text:?}"), EXAMPLE);
        }
    }
    within("email.timeout", email.timeout, "1s", "5m", "30s")?;
    if !(1..=1_000).contains(&email.connections) {
        return set("email.connections", format!("expected 1 to 1000, given {}", email.connections), 16);
    }
    if !(1..=email.connections).contains(&email.per_domain) {
        let problem =
            format!("expected 1 to {} (email.connections), given {}", email.connections, email.per_domain);
        let value = i64::try_from(email.connections.min(8)).unwrap_or(1);
        return set("email.per_domain", problem, value);
    }
    if email.transport == EmailTransport::Off {
        return Ok(());
    }
    if email.from.is_none() {
        return set(
            "email.from",
            "mail is on (email.transport), but nobody is named as its sender".into(),
            EXAMPLE,
        );
    }
    if email.transport == EmailTransport::Smtp { smtp(config) } else { Ok(()) }
}

fn smtp(config: &Config) -> Outcome {
    let email = &config.email;
    if email.host.is_empty() || email.host.contains(|c: char| c.is_whitespace() || c == '/' || c == '@') {
        let problem = format!("expected the name of a mail server, given {:?}", email.host);
        return set("email.host", problem, "smtp.example.com");
    }
    match (&email.username, &email.password) {
        (Some(_), None) => {
            let fix = "set it in the environment: OYEZ_EMAIL__PASSWORD=…";
            return advise("email.password", "email.username is set, its password is not", fix);
        }
        (None, Some(_)) => {
            return set(
                "email.username",
                "email.password is set, its login is not".into(),
                "notify@example.com",
            );
        }
        _ => {}
    }
    let here = ["localhost", "127.0.0.1", "::1"].contains(&email.host.as_str());
    if email.tls == EmailTls::None && email.username.is_some() && !here {
        let problem = format!("the password would go to {} in the clear", email.host);
        return set("email.tls", problem, "starttls");
    }
    if email.tls == EmailTls::None && email.ca_file.is_some() {
        return set(
            "email.tls",
            "email.ca_file is set, but the connection is not encrypted".into(),
            "starttls",
        );
    }
    Ok(())
}

fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control()))
}
