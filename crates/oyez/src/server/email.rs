//! E-mail, as the settings have it.

use std::{fs, sync::Arc};

use oyez_core::{clock::Clock, fallback::Policy};
use oyez_store::Store;

use super::Error;
use crate::{
    auth::SigningKey,
    config::{Config, ConfigError, EmailTls, EmailTransport, Origin},
    deliver::email::{self, Email, Security, SmtpOptions, Transport},
    templates::{App, Templates, TemplatesOptions},
    unsubscribe::{self, Unsubscribe},
};

/// Whether mail can be sent at all.
pub(super) fn is_set_up(config: &Config) -> bool {
    config.email.transport != EmailTransport::Off
}

/// Where templates come from, and what they say of the application.
pub(super) fn templates_options(config: &Config) -> TemplatesOptions {
    let url = config.email.app_url.as_ref().or(config.public_url.as_ref());
    let app = App {
        name: config.email.app_name.clone(),
        url: url.map(|url| url.trim_end_matches('/').to_owned()).unwrap_or_default(),
    };
    TemplatesOptions { app, folder: config.email.templates.clone() }
}

/// Links that end mails: they lead to the public address, or to the one it is reached at.
pub(super) fn unsubscribe(
    config: &Config,
    key: &SigningKey,
    reached_at: &str,
    policy: &Arc<Policy>,
    store: &Store,
    clock: &Clock,
) -> Unsubscribe {
    let base = config.public_url.as_deref().unwrap_or(reached_at).trim_end_matches('/').to_owned();
    Unsubscribe::new(unsubscribe::Parts {
        key: key.for_purpose("unsubscribe"),
        base,
        app_name: config.email.app_name.clone(),
        policy: Arc::clone(policy),
        store: store.clone(),
        clock: clock.clone(),
    })
}

/// The medium; `None` when mail is off.
pub(super) fn open(
    config: &Config,
    templates: &Templates,
    unsubscribe: &Unsubscribe,
    policy: &Policy,
    clock: &Clock,
) -> Result<Option<Email>, Error> {
    let settings = &config.email;
    let transport = match settings.transport {
        EmailTransport::Off => return Ok(None),
        EmailTransport::Smtp => Transport::Smtp(smtp_options(config)?),
        EmailTransport::File => {
            Transport::File(settings.folder.clone().unwrap_or_else(|| config.data_dir.join("mail")))
        }
    };
    let parts = email::Parts {
        from: settings.from.clone().unwrap_or_default(),
        reply_to: settings.reply_to.clone(),
        transport,
        templates: templates.clone(),
        unsubscribe: settings.unsubscribe.then(|| unsubscribe.clone()),
        preferences_url: settings.preferences_url.clone(),
        zone: policy.zone(None),
        clock: clock.clone(),
    };
    Email::new(parts).map(Some).map_err(Error::Email)
}

/// Where the mail server is, and how to speak to it.
pub fn smtp_options(config: &Config) -> Result<SmtpOptions, Error> {
    let settings = &config.email;
    let ca = match &settings.ca_file {
        None => None,
        Some(path) => Some(fs::read(path).map_err(|error| ConfigError {
            key: "email.ca_file".into(),
            problem: format!("{} cannot be read: {error}", path.display()),
            origin: Origin::Program,
            fix:
                "put the PEM file in place, or leave it out to trust the certificates of this machine".into(),
        })?),
    };
    let public_host = config.public_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, rest)| {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        host.to_owned()
    });
    Ok(SmtpOptions {
        host: settings.host.clone(),
        port: settings.port(),
        security: match settings.tls {
            EmailTls::Starttls => Security::Starttls,
            EmailTls::Tls => Security::Tls,
            EmailTls::None => Security::None,
        },
        ca,
        login: settings.username.clone().zip(settings.password.clone()),
        hello: settings.hello.clone().or(public_host).filter(|host| host.contains('.')),
        connections: settings.connections,
        per_domain: settings.per_domain,
        timeout: settings.timeout,
    })
}
