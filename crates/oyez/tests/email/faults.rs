//! What becomes of mails when the mail server answers otherwise, or not at all.

use std::collections::BTreeMap;

use oyez::protocol::api::deliveries::{DeliveryState, SkipReason};

use crate::{
    mail_server::{MailServer, Setup},
    world::World,
};

#[tokio::test]
async fn a_server_that_says_not_now_gets_the_mail_later_and_once() {
    let mut mail_server = MailServer::start().await;
    mail_server.answers("MAIL", &["421 4.3.2 closing"]).await;
    mail_server.answers("RCPT", &["451 4.3.0 later"]).await;
    mail_server.answers("END", &["452 4.3.1 full"]).await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let mail = mail_server.mail().await;
    let delivery = world.comes_to("anna", DeliveryState::Sent).await;
    assert_eq!(mail.header("Message-ID"), format!("<{}@example.com>", delivery.id));
    let attempts = world.server.oyez().deliveries().attempts(delivery.id).await.unwrap();
    let errors: Vec<_> = attempts.iter().map(|attempt| attempt.error.clone().unwrap_or_default()).collect();
    let expected = [
        "naming the sender: 421 4.3.2 closing",
        "naming the recipient: 451 4.3.0 later",
        "sending the mail: 452 4.3.1 full",
        "",
    ];
    assert_eq!(errors, expected);
    assert!(mail_server.others().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_connection_that_drops_after_the_mail_brings_it_again_under_the_same_name() {
    let mut mail_server = MailServer::start().await;
    mail_server.answers("END", &["drop"]).await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let (first, second) = (mail_server.mail().await, mail_server.mail().await);
    assert_eq!(first.header("Message-ID"), second.header("Message-ID"));
    let delivery = world.comes_to("anna", DeliveryState::Sent).await;
    let attempts = world.server.oyez().deliveries().attempts(delivery.id).await.unwrap();
    assert!(attempts[0].error.as_deref().unwrap().ends_with("the server may have taken it"), "{attempts:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_server_that_was_down_gets_every_mail_once() {
    let port = MailServer::start().await.port;
    let world = World::with(|config| config.email.port = port).await;
    world.user("anna", "anna@example.org").await;
    for number in 0..5 {
        world.tell("anna", &format!("note_{number}")).await;
    }
    // It was tried, and is not given up.
    let tried = async {
        while !world.deliveries("anna").await.iter().all(|one| one.state == DeliveryState::Retrying) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), tried).await.unwrap();
    let mut mail_server = MailServer::with(Setup { port, ..Setup::default() }).await;
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..5 {
        names.insert(mail_server.mail().await.header("Message-ID"));
    }
    assert_eq!(names.len(), 5);
    let ended = world.ended("anna", 5).await;
    assert!(ended.iter().all(|one| one.state == DeliveryState::Sent), "{ended:?}");
    assert!(mail_server.others().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn an_unknown_mailbox_is_written_to_once() {
    let mut mail_server = MailServer::start().await;
    mail_server.answers("RCPT", &["550 5.1.1 no such user"]).await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let bounced = world.comes_to("anna", DeliveryState::Bounced).await;
    assert_eq!(bounced.error.as_deref(), Some("naming the recipient: 550 5.1.1 no such user"));
    world.tell("anna", "note").await;
    let ended = world.ended("anna", 2).await;
    assert_eq!((ended[1].state, ended[1].reason), (DeliveryState::Skipped, Some(SkipReason::Suppressed)));
    world.stop().await;
}

#[tokio::test]
async fn a_mail_that_is_refused_is_not_tried_again_and_the_address_stays() {
    let mut mail_server = MailServer::start().await;
    mail_server.answers("END", &["554 5.6.0 looks like spam"]).await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    world.user("ben", "ben@example.org").await;
    world.tell("anna", "note").await;
    let failed = world.comes_to("anna", DeliveryState::Failed).await;
    assert_eq!(
        (failed.attempt, failed.error.as_deref()),
        (1, Some("sending the mail: 554 5.6.0 looks like spam"))
    );
    mail_server.answers("RCPT", &["550 5.7.1 not from you"]).await;
    world.tell("ben", "note").await;
    assert_eq!(world.comes_to("ben", DeliveryState::Failed).await.attempt, 1);
    world.tell("ben", "note").await;
    assert_eq!(mail_server.mail().await.to, ["ben@example.org"]);
    world.stop().await;
}

#[tokio::test]
async fn a_slow_domain_does_not_hold_up_another() {
    let mut mail_server = MailServer::start().await;
    let port = mail_server.port;
    let world = World::with(|config| {
        config.email.port = port;
        config.email.connections = 2;
        config.email.per_domain = 1;
    })
    .await;
    world.user("slow", "a@slow.example").await;
    world.user("quick", "b@quick.example").await;
    mail_server.answers("RCPT", &["hold"]).await;
    world.tell("slow", "note").await;
    mail_server.holds().await;
    world.tell("slow", "note").await;
    world.tell("quick", "note").await;
    assert_eq!(mail_server.mail().await.to, ["b@quick.example"]);
    mail_server.release().await;
    for _ in 0..2 {
        assert_eq!(mail_server.mail().await.to, ["a@slow.example"]);
    }
    world.ended("slow", 2).await;
    world.stop().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_after_a_while() {
    let mut mail_server = MailServer::start().await;
    mail_server.answers("RCPT", &["hold"]).await;
    let port = mail_server.port;
    let world = World::with(|config| {
        config.email.port = port;
        config.email.timeout = std::time::Duration::from_secs(1);
    })
    .await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    // The attempt that is held ends, and the next one is taken.
    assert_eq!(mail_server.mail().await.to, ["anna@example.org"]);
    let delivery = world.comes_to("anna", DeliveryState::Sent).await;
    let attempts = world.server.oyez().deliveries().attempts(delivery.id).await.unwrap();
    let error = attempts[0].error.as_deref().unwrap();
    assert_eq!(error, "naming the recipient: the mail server did not answer within 1 seconds");
    world.stop().await;
}

#[tokio::test]
async fn of_many_mails_to_a_moody_server_none_is_lost_and_only_those_that_dropped_come_twice() {
    const MAILS: usize = 200;
    const DROPS: usize = 10;
    let mut mail_server = MailServer::start().await;
    mail_server.answers("RCPT", &["451 4.3.0 later"; 40]).await;
    mail_server.answers("MAIL", &["421 4.3.2 closing", "drop", "450 4.0.0 no"]).await;
    mail_server.answers("END", &["drop"; DROPS]).await;
    let world = World::sending_to(&mail_server).await;
    for number in 0..20 {
        world.user(&format!("u{number}"), &format!("u{number}@domain-{}.example", number % 5)).await;
    }
    for number in 0..MAILS {
        world.tell(&format!("u{}", number % 20), &format!("note_{number}")).await;
    }
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..MAILS + DROPS {
        *arrived.entry(mail_server.mail().await.header("Message-ID")).or_default() += 1;
    }
    assert_eq!(arrived.len(), MAILS, "every mail, and the drops twice");
    for number in 0..20 {
        let ended = world.ended(&format!("u{number}"), MAILS / 20).await;
        assert!(ended.iter().all(|one| one.state == DeliveryState::Sent), "{ended:?}");
    }
    assert!(mail_server.others().is_empty());
    world.stop().await;
}
