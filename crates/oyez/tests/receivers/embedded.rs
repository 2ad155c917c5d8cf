//! Browsers and endpoints as an application that embeds Oyez has them, without HTTP.

use oyez::{
    Oyez,
    protocol::{
        WebhookName,
        api::{
            push::PushSubscriptionRequest,
            webhooks::{RotateRequest, WebhookRequest},
        },
    },
    server::Error,
};
use serde_json::json;

use crate::{
    endpoint::{Endpoint, Says},
    world::user,
};

async fn open(web_push: bool) -> (tempfile::TempDir, Oyez) {
    let directory = tempfile::tempdir().unwrap();
    let builder = Oyez::builder().data_dir(directory.path()).configure(|config| {
        config.web_push.enabled = web_push;
        config.web_push.allow_private = true;
        config.webhooks.allow_private = true;
    });
    (directory, builder.open().await.unwrap())
}

fn browser(endpoint: &str) -> PushSubscriptionRequest {
    serde_json::from_value(json!({"endpoint": endpoint, "expirationTime": null, "device": "Phone", "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}))
    .unwrap()
}

#[tokio::test]
async fn a_browser_is_subscribed_listed_and_removed() {
    let (_directory, oyez) = open(true).await;
    let (subscriptions, anna) = (oyez.push_subscriptions(), user("anna"));
    assert_eq!(subscriptions.public_key().unwrap().len(), 87);
    let made = subscriptions.add(&anna, &browser("https://push.example.net/v1/secret")).await.unwrap();
    assert_eq!((made.service.as_str(), made.device.as_deref()), ("https://push.example.net", Some("Phone")));
    let again = subscriptions.add(&anna, &browser("https://push.example.net/v1/secret")).await.unwrap();
    assert_eq!(again.id, made.id, "the same browser");
    assert_eq!(subscriptions.list(&anna).await.unwrap().len(), 1);
    let refused = subscriptions.add(&anna, &browser("push.example.net")).await.unwrap_err();
    assert!(matches!(&refused, Error::Invalid(invalid) if invalid.field == "endpoint"), "{refused}");
    assert!(!subscriptions.remove(&user("ben"), made.id).await.unwrap(), "it is Anna's");
    assert!(subscriptions.remove(&anna, made.id).await.unwrap());
    assert!(!subscriptions.remove(&anna, made.id).await.unwrap());
    assert!(subscriptions.list(&anna).await.unwrap().is_empty());
    oyez.shutdown().await;
}

#[tokio::test]
async fn without_web_push_nobody_subscribes_and_the_setting_is_named() {
    let (_directory, oyez) = open(false).await;
    assert_eq!(oyez.push_subscriptions().public_key(), None);
    let refused = oyez.push_subscriptions().add(&user("anna"), &browser("https://push.example.net/a")).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(&refused, Error::Push(_)) && refused.to_string().contains("web_push.enabled"),
        "{refused}"
    );
    oyez.shutdown().await;
}

#[tokio::test]
async fn an_endpoint_is_made_tried_given_a_new_secret_and_deleted() {
    let ((_directory, oyez), receiver) = (open(false).await, Endpoint::start().await);
    let (webhooks, billing) = (oyez.webhooks(), WebhookName::new("billing").unwrap());
    assert!(webhooks.get(&billing).await.unwrap().is_none());
    let request = WebhookRequest {
        url: receiver.url("/hooks"),
        events: vec!["delivery.*".into()],
        ..WebhookRequest::default()
    };
    let secret = webhooks.put(&billing, &request).await.unwrap().secret.unwrap();
    assert_eq!(webhooks.put(&billing, &request).await.unwrap().secret, None, "it is shown once");
    assert!(webhooks.test(&billing).await.unwrap().delivered);
    assert_eq!(receiver.taken()[0].json()["type"], "webhook.test");
    receiver.next([Says::status(503)]);
    let tested = webhooks.test(&billing).await.unwrap();
    assert_eq!((tested.delivered, tested.status), (false, Some(503)));
    let rotated = webhooks.rotate(&billing, RotateRequest { overlap: Some(60) }).await.unwrap();
    assert_ne!(rotated.secret, secret);
    let [listed] = webhooks.list().await.unwrap().try_into().unwrap();
    assert_eq!(listed.old_secret_until, Some(rotated.old_secret_until));
    assert_eq!(webhooks.get(&billing).await.unwrap(), Some(listed));
    let nothing = WebhookRequest { events: Vec::new(), ..request };
    let refused = webhooks.put(&billing, &nothing).await.err().unwrap();
    assert!(matches!(&refused, Error::Invalid(invalid) if invalid.field == "events"), "{refused}");
    assert!(webhooks.delete(&billing).await.unwrap());
    assert!(!webhooks.delete(&billing).await.unwrap());
    let refused = webhooks.test(&billing).await.unwrap_err();
    assert!(matches!(&refused, Error::Webhooks(_)), "{refused}");
    assert_eq!(refused.to_string(), "there is no webhook billing");
    oyez.shutdown().await;
}
