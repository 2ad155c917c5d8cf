//! The link in a mail, over HTTP.

use oyez::protocol::{UserId, api::deliveries::DeliveryState};

use crate::{mail_server::MailServer, world::World};

#[tokio::test]
async fn one_click_ends_mails_of_a_type_and_opening_the_link_does_not() {
    let mut mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let path = mail_server.mail().await.unsubscribe_path();
    let anna = UserId::new("anna").unwrap();
    let (status, page) = world.get(&path).await;
    assert!(status == 200 && page.contains("<button>Stop these mails</button>"), "{status} {page}");
    let chosen = world.server.oyez().preferences().get(&anna).await.unwrap().preferences;
    assert!(chosen.types.is_empty(), "opening it changes nothing");
    // As mail programs send it (RFC 8058).
    let (status, page) = world.post(&path, "List-Unsubscribe=One-Click").await;
    assert!(status == 200 && page.contains("<b>note</b>"), "{status} {page}");
    let chosen = world.server.oyez().preferences().get(&anna).await.unwrap().preferences;
    assert_eq!(chosen.types["note"]["email"], "off");
    world.tell("anna", "note").await;
    world.tell("anna", "other").await;
    assert_eq!(mail_server.mail().await.header("Subject"), "other");
    let sent = world.ended("anna", 2).await.iter().filter(|one| one.state == DeliveryState::Sent).count();
    assert_eq!(sent, 2, "the first and the other");
    assert!(mail_server.others().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn all_mails_end_when_the_reader_says_so() {
    let mut mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let path = mail_server.mail().await.unsubscribe_path();
    let (status, _) = world.post(&path, "all=1").await;
    assert_eq!(status, 200);
    let anna = UserId::new("anna").unwrap();
    let chosen = world.server.oyez().preferences().get(&anna).await.unwrap().preferences;
    assert_eq!(chosen.default["email"], "off");
    world.stop().await;
}

#[tokio::test]
async fn a_link_that_was_changed_ends_nothing() {
    let mut mail_server = MailServer::start().await;
    let world = World::sending_to(&mail_server).await;
    world.user("anna", "anna@example.org").await;
    world.tell("anna", "note").await;
    let path = mail_server.mail().await.unsubscribe_path();
    let (head, seal) = path.rsplit_once('.').unwrap();
    let other = format!("{head}x.{seal}");
    for wrong in [&path[..path.len() - 1], &other, "/unsubscribe/nothing", "/unsubscribe/a.b"] {
        let (status, _) = world.post(wrong, "List-Unsubscribe=One-Click").await;
        assert_eq!(status, 404, "{wrong}");
    }
    let anna = UserId::new("anna").unwrap();
    assert!(world.server.oyez().preferences().get(&anna).await.unwrap().preferences.types.is_empty());
    world.stop().await;
}
