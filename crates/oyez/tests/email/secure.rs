//! Encrypted connections and logins.

use std::path::Path;

use oyez::{config::EmailTls, protocol::api::deliveries::DeliveryState};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::{
    mail_server::{MailServer, Setup},
    world::World,
};

/// Writes a certificate for `localhost`, its key, and that of the authority that signed it.
pub(crate) fn certificates(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf, std::path::PathBuf) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    (
        write("cert.pem", certificate.pem()),
        write("key.pem", key.serialize_pem()),
        write("ca.pem", authority_certificate.pem()),
    )
}

async fn takes(how: &'static str, tls: EmailTls) {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key, ca) = certificates(folder.path());
    let setup = Setup { tls: Some((how, cert, key)), login: Some("oyez:s3cret"), ..Setup::default() };
    let mut mail_server = MailServer::with(setup).await;
    let port = mail_server.port;
    let world = World::with(|config| {
        config.email.host = "localhost".into();
        config.email.port = port;
        config.email.tls = tls;
        config.email.ca_file = Some(ca);
        config.email.username = Some("oyez".into());
        config.email.password = Some("s3cret".into());
    })
    .await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let mail = mail_server.mail().await;
    assert!(mail.tls);
    assert_eq!(mail.login.as_deref(), Some("oyez"));
    world.comes_to("anna", DeliveryState::Sent).await;
    world.stop().await;
}

#[tokio::test]
async fn mail_goes_encrypted_with_starttls_and_a_login() {
    takes("starttls", EmailTls::Starttls).await;
}

#[tokio::test]
async fn mail_goes_encrypted_from_the_first_byte() {
    takes("tls", EmailTls::Tls).await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_no_mail() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key, _) = certificates(folder.path());
    let mut mail_server =
        MailServer::with(Setup { tls: Some(("starttls", cert, key)), ..Setup::default() }).await;
    let port = mail_server.port;
    let world = World::with(|config| {
        config.email.host = "localhost".into();
        config.email.port = port;
        config.email.tls = EmailTls::Starttls;
        config.fallback.email.max_attempts = 1;
    })
    .await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let failed = world.comes_to("anna", DeliveryState::Failed).await;
    let error = failed.error.unwrap();
    assert!(error.starts_with("encrypting the connection to the mail server: "), "{error}");
    assert!(mail_server.others().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_mail_in_the_clear() {
    let mut mail_server = MailServer::start().await;
    let port = mail_server.port;
    let world = World::with(|config| {
        config.email.port = port;
        config.email.tls = EmailTls::Starttls;
        config.fallback.email.max_attempts = 1;
    })
    .await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let failed = world.comes_to("anna", DeliveryState::Failed).await;
    assert_eq!(
        failed.error.as_deref(),
        Some("encrypting the connection to the mail server: the mail server offers no STARTTLS")
    );
    assert!(mail_server.others().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_wrong_password_is_the_operators_fault_and_not_the_readers() {
    let mail_server = MailServer::with(Setup { login: Some("oyez:s3cret"), ..Setup::default() }).await;
    let port = mail_server.port;
    let world = World::with(|config| {
        config.email.port = port;
        config.email.username = Some("oyez".into());
        config.email.password = Some("wrong-password".into());
        config.fallback.email.max_attempts = 1;
    })
    .await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let failed = world.comes_to("anna", DeliveryState::Failed).await;
    let error = failed.error.unwrap();
    assert!(error.starts_with("logging in at the mail server: 535"), "{error}");
    assert!(!error.contains("wrong-password"));
    world.stop().await;
}
