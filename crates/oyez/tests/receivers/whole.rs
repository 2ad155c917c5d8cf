//! The whole server, by the system's clock: what is published reaches a browser and an application, and how that went is
//! told.

use std::{net::SocketAddr, time::Duration};

use oyez::{Config, Oyez, protocol::RoleName};
use oyez_protocol::api::publish::NotificationRequest;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    endpoint::{Endpoint, Says},
    world::user,
};

struct Served {
    oyez: Oyez,
    address: SocketAddr,
    admin: String,
    _directory: tempfile::TempDir,
}

impl Served {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
        config.web_push.enabled = true;
        config.web_push.allow_private = true;
        config.webhooks.notifications = true;
        config.webhooks.allow_private = true;
        for medium in [&mut config.fallback.web_push, &mut config.fallback.webhook] {
            medium.when = "at_once".into();
            medium.retry_first = Duration::from_millis(10);
        }
        let oyez = Oyez::open(config).await.unwrap();
        let roles = [RoleName::new("admin").unwrap()];
        let token = oyez.issue_token(&user("ada"), &roles, Duration::from_secs(900)).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = oyez.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { oyez, address, admin: token.access.reveal().to_owned(), _directory: directory }
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method, format!("http://{}{path}", self.address));
        let response = request.bearer_auth(&self.admin).json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap()
    }
}

fn notification(to: &str) -> NotificationRequest {
    let body = json!({"to": to, "type": "ticket_created", "message": "Ticket 7", "title": "New"});
    serde_json::from_value(body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_reaches_browser_and_application_and_how_that_went_is_told() {
    let (service, app) = (Endpoint::start().await, Endpoint::start().await);
    service.always(Says::status(201));
    let served = Served::start().await;
    // The push service is busy at first.
    service.next([Says::status(503)]);
    let subscription = json!({"endpoint": service.url("/push"), "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg"}});
    served.call(Method::POST, "/api/v1/users/anna/push-subscriptions", &subscription).await;
    let wanted = json!({"url": app.url("/hook"), "events": ["notification", "delivery.*", "job.completed"]});
    served.call(Method::PUT, "/api/v1/webhooks/app", &wanted).await;
    served.oyez.publish(notification("user:anna")).await.unwrap();
    let told = async |event: &str, medium: &str| {
        let request = app.first(|one| {
            let body = one.json();
            body["type"] == event && (medium.is_empty() || body["data"]["medium"] == medium)
        });
        request.await.json()["data"].clone()
    };
    let data = told("notification", "").await;
    assert_eq!((&data["user"]["id"], &data["notification"]["title"]), (&json!("anna"), &json!("New")));
    let retrying = told("delivery.retrying", "web_push").await;
    assert_eq!((&retrying["user"], &retrying["attempt"]), (&json!("anna"), &json!(1)));
    let sent = told("delivery.sent", "web_push").await;
    assert_eq!((&sent["id"], &sent["attempt"]), (&retrying["id"], &json!(2)));
    told("delivery.delivered", "webhook").await;
    assert_eq!(service.taken().len(), 2);
    served.oyez.shutdown().await;
}
