//! Push subscriptions over HTTP: a user's own, bounded, checked, and none of their secrets shown again.

use oyez::auth::Scope;
use serde_json::{Value, json};

use crate::support::TestApp;

const ANNA: &str = "/api/v1/users/anna/push-subscriptions";
/// The browser's keys of RFC 8291, appendix A.
const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

async fn app() -> TestApp {
    TestApp::with(|config| config.web_push.enabled = true).await
}

fn subscription(endpoint: &str) -> Value {
    // As `PushSubscription.toJSON()` gives it.
    json!({"endpoint": endpoint, "expirationTime": null, "keys": {"p256dh": P256DH, "auth": AUTH}})
}

#[tokio::test]
async fn a_user_subscribes_lists_and_ends_a_subscription_of_their_own() {
    let app = app().await;
    let anna = app.user("anna", &[]).await;
    let mut request = subscription("https://push.example.net/v1/secret");
    request["device"] = "Linux".into();
    let made = app.post(ANNA, &anna, &request).await.expect(201).json();
    assert_eq!((&made["service"], &made["device"]), (&json!("https://push.example.net"), &json!("Linux")));
    let again = app.post(ANNA, &anna, &subscription("https://push.example.net/v1/secret")).await.expect(201);
    assert_eq!(again.json()["id"], made["id"], "the same browser");
    let listed = app.get(ANNA, &anna).await.expect(200);
    assert_eq!(listed.json()["data"], json!([made]));
    assert!(!listed.text.contains("secret") && !listed.text.contains(AUTH), "{}", listed.text);
    let one = format!("{ANNA}/{}", made["id"].as_str().unwrap());
    app.delete(&one, &anna).await.expect(204);
    app.delete(&one, &anna).await.refused(404, "not_found");
    assert_eq!(app.get(ANNA, &anna).await.json()["data"], json!([]));
}

#[tokio::test]
async fn nobody_subscribes_for_another_but_an_application_that_may() {
    let app = app().await;
    let ben = app.user("ben", &[]).await;
    let publisher = app.key(&[Scope::Publish]).await;
    for token in [&ben, &publisher] {
        app.post(ANNA, token, &subscription("https://push.example.net/a")).await.refused(403, "forbidden");
        app.get(ANNA, token).await.refused(403, "forbidden");
    }
    let key = app.key(&[Scope::Users]).await;
    let made = app.post(ANNA, &key, &subscription("https://push.example.net/a")).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    app.delete(&format!("{ANNA}/{id}"), &ben).await.refused(403, "forbidden");
    // Their own path, but not their own subscription.
    let stolen = format!("/api/v1/users/ben/push-subscriptions/{id}");
    app.delete(&stolen, &ben).await.refused(404, "not_found");
    app.delete(&format!("{ANNA}/{id}"), &key).await.expect(204);
}

#[tokio::test]
async fn what_cannot_be_sent_to_is_refused_with_a_sentence() {
    let app = app().await;
    let anna = app.user("anna", &[]).await;
    let refused = async |change: fn(&mut Value)| {
        let mut request = subscription("https://push.example.net/a");
        change(&mut request);
        let problem = app.post(ANNA, &anna, &request).await.refused(422, "invalid").json();
        (problem["field"].as_str().unwrap().to_owned(), problem["detail"].as_str().unwrap().to_owned())
    };
    let (field, detail) = refused(|request| request["endpoint"] = "https://127.0.0.1/push".into()).await;
    assert_eq!(field, "endpoint");
    assert!(detail.contains("private address 127.0.0.1"), "{detail}");
    let (field, detail) = refused(|request| request["endpoint"] = "http://push.example.net/".into()).await;
    assert!(field == "endpoint" && detail.contains("https://"), "{detail}");
    let (field, detail) = refused(|request| request["keys"]["auth"] = "AAAA".into()).await;
    assert_eq!(
        (field.as_str(), detail.as_str()),
        ("keys.auth", "\"keys.auth\" must be 16 bytes in base64url")
    );
    let (field, detail) =
        refused(|request| request["keys"]["p256dh"] = format!("B{}", "A".repeat(86)).into()).await;
    assert!(field == "keys.p256dh" && detail.contains("P-256"), "{field} {detail}");
    let (field, _) = refused(|request| request["device"] = "x".repeat(101).into()).await;
    assert_eq!(field, "device");
}

#[tokio::test]
async fn the_twenty_newest_browsers_of_a_user_are_kept() {
    let app = app().await;
    let anna = app.user("anna", &[]).await;
    for number in 0..22 {
        app.hand.advance(1);
        let endpoint = format!("https://push{number}.example.net/a");
        app.post(ANNA, &anna, &subscription(&endpoint)).await.expect(201);
    }
    let data = app.get(ANNA, &anna).await.json()["data"].clone();
    assert_eq!(data.as_array().unwrap().len(), 20);
    assert_eq!(data[0]["service"], "https://push2.example.net");
}

#[tokio::test]
async fn the_key_for_pages_is_there_only_where_web_push_is_set_up() {
    let app = app().await;
    let key = app.get("/api/v1/push/key", "").await.expect(200).json();
    assert_eq!(key["public_key"].as_str().unwrap().len(), 87);
    let off = TestApp::start().await;
    assert_eq!(off.get("/api/v1/push/key", "").await.expect(200).json(), json!({"public_key": null}));
    let anna = off.user("anna", &[]).await;
    off.post(ANNA, &anna, &subscription("https://push.example.net/a")).await.refused(404, "not_found");
}
