//! What arrives when all goes well.

use mail_parser::{MessageParser, MimeHeaders as _};
use oyez::{
    config::EmailTransport,
    protocol::{
        TemplateName,
        api::{
            deliveries::{DeliveryState, Medium, SkipReason},
            templates::TemplateRequest,
        },
    },
};
use serde_json::json;

use crate::{mail_server::MailServer, world::World};

#[tokio::test]
async fn a_notification_becomes_a_well_formed_mail() {
    let mut mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    world
        .publish(json!({"to": "user:anna", "type": "ticket_created", "title": "Grüezi: \r\nBcc: x@y.test",
            "message": "No hot water.\n.\nOn the third floor <b>again</b>.", "data": {"ticket": {"id": 7}}}))
        .await;
    let mail = mail_server.mail().await;
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("notify@example.com", ["anna@example.org".to_owned()].as_slice())
    );
    let parsed = MessageParser::default().parse(&mail.data).unwrap();
    assert_eq!(parsed.subject(), Some("Grüezi: Bcc: x@y.test"));
    assert!(parsed.bcc().is_none());
    let to = parsed.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (Some("Reader anna"), Some("anna@example.org")));
    assert_eq!(parsed.content_type().unwrap().subtype(), Some("alternative"));
    let text = parsed.body_text(0).unwrap().replace("\r\n", "\n");
    assert!(text.contains("No hot water.\n.\nOn the third floor <b>again</b>."), "{text}");
    let html = parsed.body_html(0).unwrap();
    assert!(
        html.contains("&lt;b&gt;again&lt;&#x2f;b&gt;") || html.contains("&lt;b&gt;again&lt;/b&gt;"),
        "{html}"
    );
    let delivery = world.comes_to("anna", DeliveryState::Sent).await;
    assert_eq!(mail.header("Message-ID"), format!("<{}@example.com>", delivery.id));
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    let attempts = world.server.oyez().deliveries().attempts(delivery.id).await.unwrap();
    assert_eq!(attempts[0].answer.as_deref(), Some("250 2.0.0 OK taken"));
    world.stop().await;
}

#[tokio::test]
async fn a_connection_carries_many_mails() {
    let mut mail_server = MailServer::start().await;
    let port = mail_server.port;
    let world = World::with(|config| {
        config.email.port = port;
        config.email.connections = 1;
        config.email.per_domain = 1;
    })
    .await;
    world.user("anna", "anna@example.org").await;
    for number in 0..10 {
        world.tell("anna", &format!("note_{number}")).await;
    }
    let mut peers = std::collections::BTreeSet::new();
    for _ in 0..10 {
        peers.insert(mail_server.mail().await.peer);
    }
    assert_eq!(peers.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn an_address_beyond_ascii_is_written_to_as_it_is() {
    let mut mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    world.user("jürg", "jürg@example.org").await;
    world.user("anna", "anna@example.org").await;
    world.tell("jürg", "note").await;
    let mail = mail_server.mail().await;
    assert_eq!(
        (mail.to.as_slice(), mail.options.as_slice()),
        (["jürg@example.org".to_owned()].as_slice(), ["SMTPUTF8".to_owned()].as_slice())
    );
    world.tell("anna", "note").await;
    assert!(mail_server.mail().await.options.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_template_of_the_application_makes_the_mail_and_a_missing_variable_fails_it() {
    let mut mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    let kind = TemplateName::new("ticket_created").unwrap();
    let template = TemplateRequest {
        subject: Some("Ticket {{ ticket.id }}".into()),
        html: Some("<p>{{ ticket.title }}</p>".into()),
        ..TemplateRequest::default()
    };
    world.server.oyez().templates().put(&kind, Medium::Email, template).await.unwrap();
    world
        .publish(json!({"to": "user:anna", "type": "ticket_created", "message": "m",
            "data": {"ticket": {"id": 7, "title": "Water"}}}))
        .await;
    assert_eq!(mail_server.mail().await.header("Subject"), "Ticket 7");
    world.publish(json!({"to": "user:anna", "type": "ticket_created", "message": "m", "data": {"ticket": {"id": 8}}})).await;
    let ended = world.ended("anna", 2).await;
    assert_eq!((ended[1].state, ended[1].attempt), (DeliveryState::Failed, 1));
    let error = ended[1].error.as_deref().unwrap();
    assert_eq!(
        error,
        "template ticket_created, html, line 1, column 7: there is no value for `ticket.title`"
    );
    world.stop().await;
}

#[tokio::test]
async fn what_another_node_stores_makes_the_next_mails() {
    let mut mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    // A second server on the same database, which sends nothing itself.
    let database = world.directory().join("data/oyez.db");
    let other = oyez::Oyez::builder()
        .data_dir(world.directory().join("other"))
        .configure(|config| config.database.url = Some(format!("sqlite:{}", database.display())))
        .open()
        .await
        .unwrap();
    world.user("anna", "anna@example.org").await;
    let kind = TemplateName::new("note").unwrap();
    let template = TemplateRequest { subject: Some("From elsewhere".into()), ..TemplateRequest::default() };
    other.templates().put(&kind, Medium::Email, template).await.unwrap();
    let mut becomes = async |wanted: &str| {
        let started = std::time::Instant::now();
        loop {
            world.tell("anna", "note").await;
            let subject = mail_server.mail().await.header("Subject");
            if subject == wanted {
                return;
            }
            assert!(started.elapsed() < std::time::Duration::from_secs(60), "still {subject:?}");
        }
    };
    becomes("From elsewhere").await;
    other.templates().delete(&kind, Medium::Email, None).await.unwrap();
    becomes("note").await;
    other.shutdown().await;
    world.stop().await;
}

#[tokio::test]
async fn a_reader_of_german_is_written_to_in_german() {
    let mut mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    world.reader("anna", "anna@example.org", Some("de-AT")).await;
    world.reader("ben", "ben@example.org", Some("fr")).await;
    for (name, closing) in [("anna", "Gesendet von Acme"), ("ben", "Sent by Acme")] {
        world.tell(name, "note").await;
        let mail = mail_server.mail().await;
        let text = MessageParser::default().parse(&mail.data).unwrap().body_text(0).unwrap().into_owned();
        assert!(text.contains(closing), "{name}: {text}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_user_without_an_address_is_skipped() {
    let mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    world.tell("nobody", "note").await;
    let skipped = world.comes_to("nobody", DeliveryState::Skipped).await;
    assert_eq!(skipped.reason, Some(SkipReason::NoAddress));
    world.stop().await;
}

#[tokio::test]
async fn a_critical_mail_has_no_link_that_ends_it() {
    let mut mail_server = MailServer::start().await;
    let port = mail_server.port;
    let world = World::with(|config| {
        config.email.port = port;
        config.fallback.rules = vec![oyez::config::RuleConfig {
            types: vec!["password_*".into()],
            media: Some(vec!["email".into()]),
            when: "at_once".into(),
            grace: None,
            digest: None,
            critical: true,
            quiet_hours: None,
        }];
    })
    .await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "password_reset").await;
    let mail = mail_server.mail().await;
    assert_eq!(mail.header("List-Unsubscribe"), "");
    assert!(!String::from_utf8_lossy(&mail.data).contains("/unsubscribe/"));
    world.stop().await;
}

#[tokio::test]
async fn without_a_mail_server_mails_are_files() {
    let world = World::with(|config| config.email.transport = EmailTransport::File).await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let delivery = world.comes_to("anna", DeliveryState::Sent).await;
    let folder = world.directory().join("data/mail");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert!(files[0].to_str().unwrap().ends_with(&format!("{}.eml", delivery.id)));
    let data = std::fs::read(&files[0]).unwrap();
    assert_eq!(MessageParser::default().parse(&data).unwrap().subject(), Some("note"));
    world.stop().await;
}
