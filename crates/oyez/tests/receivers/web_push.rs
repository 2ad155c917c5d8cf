//! Push messages reach every browser of a user, and only those that have not taken them already.

use std::time::Duration;

use oyez::deliver::{Medium as _, Sent, WebPush};
use oyez_core::delivery::{Medium, Outcome};
use oyez_store::{Parcel, ParcelSubject};
use serde_json::{Value, json};

use crate::{
    endpoint::{Endpoint, Says},
    push_service::Browser,
    world::{World, user},
};

async fn send(world: &World, parcel: &Parcel) -> Sent {
    let medium = WebPush::new(world.store.clone(), world.clock.clone(), world.setup.clone());
    medium.send(parcel).await
}

async fn parcel(world: &World, number: u128, fields: &Value) -> Parcel {
    world.parcel(Medium::WebPush, "anna", number, fields).await
}

/// A world in which Anna has this many browsers at one push service.
async fn with_browsers(count: usize) -> (World, Endpoint, Vec<Browser>) {
    let (world, service) = (World::new().await, Endpoint::start().await);
    service.always(Says::status(201));
    let mut browsers = Vec::new();
    for number in 0..count {
        let path = format!("/push/{number}");
        browsers.push(Browser::subscribes(&world, &service, &user("anna"), &path).await);
    }
    (world, service, browsers)
}

#[tokio::test]
async fn a_browser_reads_a_pointer_and_its_push_service_reads_nothing() {
    let (world, service, browsers) = with_browsers(1).await;
    let fields = json!({"title": "Ticket 7", "message": "the body is not sent", "url": "/tickets/7",
        "severity": "critical", "group_key": "ticket:7"});
    let mut parcel = parcel(&world, 7, &fields).await;
    parcel.expires_at = Some(world.clock.now().plus_seconds(90));
    let sent = send(&world, &parcel).await;
    assert_eq!(sent.outcome, Outcome::Accepted);
    assert_eq!(sent.answer.unwrap(), format!("http://{}: took it", service.address));
    let [request] = service.taken().try_into().unwrap();
    let pushed = browsers[0].reads(&world, &service, &request);
    let id = uuid::Uuid::from_u128(7);
    assert_eq!(pushed.message, json!({"notification": id, "title": "Ticket 7", "url": "/tickets/7"}));
    assert_eq!((pushed.ttl, pushed.urgency.as_str()), (90, "high"));
    assert_eq!(pushed.topic, Some(oyez_core::push::topic("ticket:7")));
    let all = format!("{:?} {:?}", request.headers, request.body);
    assert!(!all.contains("Ticket") && !all.contains("ticket:7"), "{all}");
    let shown = world.push.list(&user("anna")).await.unwrap();
    assert_eq!(shown[0].sent_at, Some(world.clock.now()));
}

#[tokio::test]
async fn a_digest_says_how_many_there_are() {
    let (world, service, browsers) = with_browsers(1).await;
    let id = oyez_protocol::DigestId(uuid::Uuid::from_u128(1));
    let mut parcel = parcel(&world, 7, &json!({})).await;
    parcel.subject = ParcelSubject::Digest { id, items: Vec::new(), total: 3 };
    assert_eq!(send(&world, &parcel).await.outcome, Outcome::Accepted);
    let pushed = browsers[0].reads(&world, &service, &service.taken()[0]);
    assert_eq!(pushed.message, json!({"digest": id, "title": "3 new notifications", "url": "/"}));
    assert_eq!((pushed.ttl, pushed.topic), (2_419_200, None));
}

#[tokio::test]
async fn a_retry_goes_only_to_browsers_that_have_not_taken_the_message() {
    let (world, service, browsers) = with_browsers(3).await;
    let parcel = parcel(&world, 7, &json!({})).await;
    let busy = Says { status: 429, retry_after: Some("120"), ..Says::default() };
    // Requests go out together: whichever comes second is put off.
    service.next([Says::status(201), busy, Says::status(201)]);
    let sent = send(&world, &parcel).await;
    let wait = Some(Duration::from_secs(120));
    assert!(matches!(sent.outcome, Outcome::Failed { retry_after, .. } if retry_after == wait), "{sent:?}");
    let first: Vec<_> = service.taken().into_iter().map(|request| request.path).collect();
    assert_eq!(first.len(), 3);
    assert_eq!(send(&world, &parcel).await.outcome, Outcome::Accepted);
    let second = service.taken();
    assert_eq!(second.len(), 1, "the other two have it");
    assert_eq!(second[0].path, first[1]);
    // Another message is for all of them again.
    let other = world.parcel(Medium::WebPush, "anna", 8, &json!({})).await;
    assert_eq!(send(&world, &other).await.outcome, Outcome::Accepted);
    assert_eq!(service.taken().len(), browsers.len());
}

#[tokio::test]
async fn a_browser_that_is_gone_is_forgotten_and_a_delivery_to_none_bounces() {
    let (world, service, _browsers) = with_browsers(2).await;
    let first = parcel(&world, 7, &json!({})).await;
    service.next([Says::status(410), Says::status(201)]);
    assert_eq!(send(&world, &first).await.outcome, Outcome::Accepted);
    assert_eq!(world.push.list(&user("anna")).await.unwrap().len(), 1);
    service.always(Says::status(404));
    let second = parcel(&world, 8, &json!({})).await;
    assert!(matches!(send(&world, &second).await.outcome, Outcome::Bounced { .. }));
    assert!(world.push.list(&user("anna")).await.unwrap().is_empty());
    service.taken();
    assert!(matches!(send(&world, &second).await.outcome, Outcome::Bounced { .. }));
    assert!(service.taken().is_empty());
}

#[tokio::test]
async fn what_would_be_refused_again_is_not_tried_again() {
    let (world, service, _browsers) = with_browsers(1).await;
    let parcel = parcel(&world, 7, &json!({})).await;
    for status in [413, 400, 403, 302] {
        let location = (status == 302).then(|| service.url("/elsewhere"));
        service.next([Says { status, location, ..Says::default() }]);
        let sent = send(&world, &parcel).await;
        assert!(matches!(sent.outcome, Outcome::Refused { .. }), "{status}: {sent:?}");
        assert_eq!(service.taken().len(), 1, "a redirect is not followed");
    }
    for status in [429, 500, 502, 503] {
        service.next([Says::status(status)]);
        assert!(matches!(send(&world, &parcel).await.outcome, Outcome::Failed { .. }), "{status}");
    }
    assert_eq!(world.push.list(&user("anna")).await.unwrap().len(), 1, "the browser stays");
}

#[tokio::test]
async fn an_address_that_turned_private_is_not_sent_to() {
    let (world, service, browsers) = with_browsers(1).await;
    // The operator takes the permission back: what was subscribed meanwhile is still there.
    let strict = World::reaching(false).await;
    let medium = WebPush::new(world.store.clone(), world.clock.clone(), strict.setup.clone());
    let parcel = parcel(&world, 7, &json!({})).await;
    let sent = oyez::deliver::Medium::send(&medium, &parcel).await;
    assert!(matches!(sent.outcome, Outcome::Refused { .. }), "{sent:?}");
    assert!(service.taken().is_empty());
    assert_eq!(browsers.len(), 1);
}

#[tokio::test]
async fn a_browser_that_another_user_takes_over_shows_nothing_of_the_former_one() {
    let (world, service, browsers) = with_browsers(1).await;
    browsers[0].tell(&world, &service, &user("ben")).await;
    let parcel = parcel(&world, 7, &json!({})).await;
    assert!(matches!(send(&world, &parcel).await.outcome, Outcome::Bounced { .. }));
    assert!(service.taken().is_empty());
}
