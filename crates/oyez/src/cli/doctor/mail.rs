//! What the doctor finds about e-mail: whether the mail server takes us, and whether links in mails lead here.

use super::Finding;
use crate::{
    config::{Config, EmailTransport},
    deliver::email,
    server,
};

const NAME: &str = "e-mail";

pub(super) async fn mail(config: &Config) -> Vec<Finding> {
    match config.email.transport {
        EmailTransport::Off => Vec::new(),
        EmailTransport::File => {
            let fix = "email.transport = \"smtp\"    (when people are to get it)";
            vec![Finding::warning(NAME, "mails are written to files and reach nobody", fix)]
        }
        EmailTransport::Smtp => {
            let mut findings = vec![smtp(config).await];
            if config.email.unsubscribe {
                findings.extend(links(config));
            }
            findings
        }
    }
}

async fn smtp(config: &Config) -> Finding {
    let settings = &config.email;
    let server = format!("{}:{}", settings.host, settings.port());
    let options = match server::smtp_options(config) {
        Ok(options) => options,
        Err(server::Error::Config(error)) => {
            return Finding::wrong(NAME, format!("{}: {}", error.key, error.problem), error.fix);
        }
        Err(error) => return Finding::wrong(NAME, error.to_string(), "email.ca_file = \"\""),
    };
    let Err(problem) = email::probe(options).await else {
        let login = settings.username.as_ref().map_or("without a login".into(), |user| format!("as {user}"));
        return Finding::fine(NAME, format!("{server} takes mail {login}"));
    };
    let fix = if problem.starts_with("email.ca_file") {
        "put the PEM file in place, or leave it out to trust the certificates of this machine"
    } else if problem.contains("STARTTLS") {
        "email.tls = \"tls\"    (port 465), or \"none\" for a server on this machine"
    } else if problem.starts_with("logging in") {
        "check email.username, and OYEZ_EMAIL__PASSWORD"
    } else if problem.starts_with("encrypting") || problem.contains("certificate") {
        "email.host must be the name in the certificate; name a private authority's in email.ca_file"
    } else {
        "check email.host, email.port and email.tls, and that this machine may reach the mail server"
    };
    Finding::wrong(NAME, format!("{server}: {problem}"), fix)
}

/// Mail programs show their button for https only (RFC 8058).
fn links(config: &Config) -> Option<Finding> {
    let fix = "public_url = \"https://notify.example.com\"";
    match &config.public_url {
        Some(url) if url.starts_with("https://") => None,
        Some(url) => {
            Some(Finding::warning("links in mails", format!("they lead to {url}, not to https://"), fix))
        }
        None => {
            let detail = format!("they lead to {}: readers elsewhere cannot follow them", config.listen);
            Some(Finding::warning("links in mails", detail, fix))
        }
    }
}
