//! Webhooks: signed so that anybody can verify it, told again until they answer, and given up when they never do.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oyez::{
    deliver::{Medium as _, Sent, Webhook},
    webhooks::{EventError, EventJob},
};
use oyez_core::{
    delivery::{Medium, Outcome},
    webhook::Event,
};
use oyez_protocol::api::webhooks::{RotateRequest, WebhookRequest};
use oyez_store::{InboxFilter, InboxStatus, Parcel, jobs::JobFilter};
use serde_json::{Value, json};

use crate::{
    endpoint::{Endpoint, Received, Says},
    world::{DISABLE_AFTER, World, endpoint, user},
};

/// Makes an endpoint and returns its secret.
async fn made(world: &World, name: &str, receiver: &Endpoint, events: &[&str]) -> String {
    let request = WebhookRequest {
        url: receiver.url(&format!("/{name}")),
        events: events.iter().map(ToString::to_string).collect(),
        ..WebhookRequest::default()
    };
    world.webhooks.put(&endpoint(name), &request).await.unwrap().0.secret.unwrap()
}

/// Which of the request's signatures a receiver with this secret accepts: by hand, from the specification.
fn accepted(secret: &str, request: &Received) -> Vec<bool> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let head = format!("{}.{}.", request.header("webhook-id"), request.header("webhook-timestamp"));
    let signed = [head.as_bytes(), &request.body].concat();
    let check = |one: &str| {
        let signature = STANDARD.decode(one.strip_prefix("v1,").unwrap()).unwrap();
        aws_lc_rs::hmac::verify(&key, &signed, &signature).is_ok()
    };
    request.header("webhook-signature").split(' ').map(check).collect()
}

async fn send(world: &World, parcel: &Parcel) -> Sent {
    let medium = Webhook::new(world.store.clone(), world.clock.clone(), world.webhooks.clone());
    medium.send(parcel).await
}

fn event(world: &World, id: &str) -> Event {
    let data = json!({"text": "héé"});
    Event { id: id.into(), event: "delivery.failed", kind: None, at: world.clock.now(), data }
}

/// The one job that tells of an event.
async fn job_of(world: &World, id: &str) -> EventJob {
    let (event, now) = (event(world, id), world.clock.now());
    let telling = world.store.write(move |tx| Box::pin(async move { tx.tell_webhooks(&[event], now).await }));
    assert_eq!(telling.await.unwrap(), 1);
    let jobs = world.store.jobs(&JobFilter::default(), None, 1).await.unwrap();
    serde_json::from_str(&jobs[0].args).unwrap()
}

#[tokio::test]
async fn a_notification_goes_signed_to_every_endpoint_that_wants_it_and_a_retry_to_the_rest() {
    let (world, one, other) = (World::new().await, Endpoint::start().await, Endpoint::start().await);
    let secret = made(&world, "one", &one, &["notification"]).await;
    let other_secret = made(&world, "other", &other, &["*"]).await;
    made(&world, "deaf", &one, &["delivery.*"]).await;
    let fields = json!({"message": "Ticket 7 is yours", "ticket": {"id": 7}});
    let mut parcel = world.parcel(Medium::Webhook, "anna", 7, &fields).await;
    other.next([Says { status: 503, retry_after: Some("90"), ..Says::default() }]);
    let sent = send(&world, &parcel).await;
    let wait = Some(Duration::from_secs(90));
    assert!(matches!(&sent.outcome, Outcome::Failed { retry_after, .. } if *retry_after == wait), "{sent:?}");
    let [request] = one.taken().try_into().unwrap();
    assert_eq!((request.path.as_str(), accepted(&secret, &request)), ("/one", vec![true]));
    assert_eq!(accepted(&other_secret, &request), [false]);
    assert_eq!(request.header("webhook-id"), parcel.message_key);
    assert_eq!(request.header("webhook-timestamp"), "1795179600");
    let body = request.json();
    assert_eq!((&body["type"], &body["data"]["user"]["id"]), (&json!("notification"), &json!("anna")));
    assert_eq!(body["data"]["notification"]["ticket"], json!({"id": 7}));
    let [first] = other.taken().try_into().unwrap();
    parcel.attempt = 2;
    let sent = send(&world, &parcel).await;
    assert_eq!((sent.outcome, sent.answer.as_deref()), (Outcome::Delivered, Some("other: HTTP 200")));
    assert!(one.taken().is_empty(), "it has it");
    let [second] = other.taken().try_into().unwrap();
    assert_eq!(accepted(&other_secret, &second), [true]);
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(second.body, first.body);
}

#[tokio::test]
async fn a_notification_that_no_endpoint_wants_any_more_bounces() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    made(&world, "deaf", &receiver, &["job.*"]).await;
    let parcel = world.parcel(Medium::Webhook, "anna", 7, &json!({})).await;
    assert!(matches!(send(&world, &parcel).await.outcome, Outcome::Bounced { .. }));
}

#[tokio::test]
async fn during_a_change_of_secrets_both_are_good_and_afterwards_only_the_new_one() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    let old = made(&world, "app", &receiver, &["*"]).await;
    let overlap = RotateRequest { overlap: Some(3_600) };
    let new = world.webhooks.rotate(&endpoint("app"), overlap).await.unwrap().secret;
    assert!(world.webhooks.test(&endpoint("app")).await.unwrap().delivered);
    let [request] = receiver.taken().try_into().unwrap();
    assert_eq!((accepted(&new, &request), accepted(&old, &request)), (vec![true, false], vec![false, true]));
    assert_eq!(request.json()["type"], "webhook.test");
    world.hand.advance(3_600);
    world.webhooks.test(&endpoint("app")).await.unwrap();
    let [request] = receiver.taken().try_into().unwrap();
    assert_eq!((accepted(&new, &request), accepted(&old, &request)), (vec![true], vec![false]));
}

#[tokio::test]
async fn what_happened_is_told_as_it_was_written_down_however_often_it_is_tried() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    let secret = made(&world, "app", &receiver, &["delivery.*"]).await;
    let job = job_of(&world, "evt_1").await;
    receiver.next([Says { status: 500, retry_after: Some("60"), ..Says::default() }]);
    let failed = world.webhooks.tell_event(&job).await.unwrap_err();
    let wait = Some(Duration::from_secs(60));
    assert!(matches!(&failed, EventError::Failed { retry_after, .. } if *retry_after == wait), "{failed}");
    assert_eq!(failed.to_string(), "app answered HTTP 500: as the test says");
    world.hand.advance(60);
    world.webhooks.tell_event(&job).await.unwrap();
    let [first, second] = receiver.taken().try_into().unwrap();
    assert_eq!((first.header("webhook-id"), second.header("webhook-id")), ("evt_1", "evt_1"));
    assert_eq!(first.body, second.body);
    assert_ne!(first.header("webhook-timestamp"), second.header("webhook-timestamp"));
    assert_eq!((accepted(&secret, &first), accepted(&secret, &second)), (vec![true], vec![true]));
    assert_eq!(first.json()["data"], json!({"text": "héé"}));
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_out_of_service_need_not_be_told() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    made(&world, "app", &receiver, &["delivery.*"]).await;
    let job = job_of(&world, "evt_1").await;
    let request = WebhookRequest {
        url: receiver.url("/"),
        events: vec!["*".into()],
        disabled: Some(true),
        ..WebhookRequest::default()
    };
    world.webhooks.put(&endpoint("app"), &request).await.unwrap();
    assert!(matches!(world.webhooks.tell_event(&job).await, Err(EventError::NotNeeded(_))));
    world.webhooks.delete(&endpoint("app")).await.unwrap();
    assert!(matches!(world.webhooks.tell_event(&job).await, Err(EventError::NotNeeded(_))));
    assert!(receiver.taken().is_empty());
}

async fn inbox(world: &World, name: &str) -> Vec<Value> {
    let filter = InboxFilter { status: InboxStatus::All, kind: None, before: None, limit: 10 };
    let items = world.store.inbox_page(&user(name), &filter).await.unwrap();
    let json = |item: &oyez_core::inbox::StoredItem| {
        let mut text = String::new();
        item.push_json(&mut text);
        serde_json::from_str(&text).unwrap()
    };
    items.iter().map(json).collect()
}

#[tokio::test]
async fn an_endpoint_that_fails_for_days_is_disabled_and_administrators_are_told_once() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    world.user("ada", &["admin"]).await;
    world.user("anna", &[]).await;
    made(&world, "app", &receiver, &["delivery.*"]).await;
    let job = job_of(&world, "evt_1").await;
    receiver.always(Says::status(500));
    world.webhooks.tell_event(&job).await.unwrap_err();
    let since = world.webhooks.get(&endpoint("app")).await.unwrap().failing_since;
    assert_eq!(since, Some(world.clock.now()));
    let days = i64::try_from(DISABLE_AFTER.as_secs()).unwrap();
    world.hand.advance(days - 1);
    world.webhooks.tell_event(&job).await.unwrap_err();
    assert!(!world.webhooks.get(&endpoint("app")).await.unwrap().disabled);
    world.hand.advance(1);
    world.webhooks.tell_event(&job).await.unwrap_err();
    let webhook = world.webhooks.get(&endpoint("app")).await.unwrap();
    assert_eq!((webhook.disabled, webhook.failing_since), (true, since));
    let reason = webhook.disabled_reason.unwrap();
    assert_eq!(reason, "every request has failed since 2026-11-20T13:00:00.000Z");
    let [item] = inbox(&world, "ada").await.try_into().unwrap();
    assert_eq!((&item["type"], &item["webhook"]["name"]), (&json!("webhook_disabled"), &json!("app")));
    assert!(item["message"].as_str().unwrap().contains("oyez webhook enable app"), "{item}");
    assert!(inbox(&world, "anna").await.is_empty());
    receiver.taken();
    assert!(matches!(world.webhooks.tell_event(&job).await, Err(EventError::NotNeeded(_))));
    assert!(receiver.taken().is_empty());
}

#[tokio::test]
async fn one_good_answer_ends_a_bad_time() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    made(&world, "app", &receiver, &["delivery.*"]).await;
    let job = job_of(&world, "evt_1").await;
    receiver.next([Says::status(500)]);
    world.webhooks.tell_event(&job).await.unwrap_err();
    world.hand.advance(86_400);
    world.webhooks.tell_event(&job).await.unwrap();
    let webhook = world.webhooks.get(&endpoint("app")).await.unwrap();
    assert_eq!((webhook.failing_since, webhook.last_error), (None, None));
    assert_eq!(webhook.delivered_at, Some(world.clock.now()));
}

#[tokio::test]
async fn an_endpoint_that_says_it_is_gone_is_disabled_at_once() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    made(&world, "app", &receiver, &["delivery.*"]).await;
    let job = job_of(&world, "evt_1").await;
    receiver.always(Says::status(410));
    world.webhooks.tell_event(&job).await.unwrap_err();
    let webhook = world.webhooks.get(&endpoint("app")).await.unwrap();
    assert_eq!(webhook.disabled_reason.as_deref(), Some("it answered 410 Gone"));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_not_followed() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    made(&world, "app", &receiver, &["*"]).await;
    let location = Some(receiver.url("/elsewhere"));
    receiver.next([Says { status: 307, location, ..Says::default() }]);
    let tested = world.webhooks.test(&endpoint("app")).await.unwrap();
    assert_eq!((tested.delivered, tested.status), (false, Some(307)));
    let said = tested.error.unwrap();
    assert!(said.starts_with("app answered HTTP 307 (redirects are not followed"), "{said}");
    assert_eq!(receiver.taken().len(), 1);
}

#[tokio::test]
async fn a_private_address_is_refused_when_it_is_named_and_when_it_is_reached() {
    let receiver = Endpoint::start().await;
    let strict = World::reaching(false).await;
    let request = WebhookRequest {
        // A name passes the first look: where it leads is seen when it is connected to.
        url: format!("https://localhost:{}/", receiver.address.port()),
        events: vec!["*".into()],
        ..WebhookRequest::default()
    };
    strict.webhooks.put(&endpoint("app"), &request).await.unwrap();
    let tested = strict.webhooks.test(&endpoint("app")).await.unwrap();
    assert!(!tested.delivered);
    assert!(tested.error.unwrap().contains("private addresses only"));
    let request = WebhookRequest { url: receiver.url("/"), ..request };
    assert!(strict.webhooks.put(&endpoint("app"), &request).await.is_err());
    assert!(receiver.taken().is_empty());
}

#[tokio::test]
async fn what_the_settings_forbid_by_now_can_still_be_disabled_and_not_enabled() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    made(&world, "app", &receiver, &["*"]).await;
    let strict = world.restarted(false);
    let same =
        WebhookRequest { url: receiver.url("/app"), events: vec!["*".into()], ..WebhookRequest::default() };
    let disabled = WebhookRequest { disabled: Some(true), ..same.clone() };
    assert!(strict.put(&endpoint("app"), &disabled).await.unwrap().0.webhook.disabled);
    let elsewhere = WebhookRequest { url: receiver.url("/other"), ..disabled };
    assert!(strict.put(&endpoint("app"), &elsewhere).await.is_err());
    let enabled = WebhookRequest { disabled: Some(false), ..same };
    assert!(strict.put(&endpoint("app"), &enabled).await.is_err());
}

#[tokio::test]
async fn with_another_key_file_nothing_is_sent_until_the_secret_is_rotated() {
    let (world, receiver) = (World::new().await, Endpoint::start().await);
    made(&world, "app", &receiver, &["*"]).await;
    std::fs::remove_file(world.directory.path().join("signing.key")).unwrap();
    let restored = world.restarted(true);
    let refused = restored.test(&endpoint("app")).await.unwrap_err().to_string();
    assert!(refused.contains("rotate it"), "{refused}");
    assert!(receiver.taken().is_empty());
    let secret = restored.rotate(&endpoint("app"), RotateRequest::default()).await.unwrap().secret;
    assert!(restored.test(&endpoint("app")).await.unwrap().delivered);
    assert!(accepted(&secret, &receiver.taken()[0])[0]);
}
