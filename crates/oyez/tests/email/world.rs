//! A whole server that sends mail at once, and readers.

use std::time::Duration;

use oyez::{
    Config, DeliveryFilter, UserProfile,
    config::{EmailTls, EmailTransport},
    protocol::{
        UserId,
        api::deliveries::{DeliveryState, DeliveryView},
    },
    server::Server,
};
use serde_json::{Value, json};

use crate::mail_server::MailServer;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    directory: tempfile::TempDir,
    pub(crate) server: Server,
    client: reqwest::Client,
}

impl World {
    /// Sends to a mail server in the clear.
    pub(crate) async fn sending_to(mail: &MailServer) -> Self {
        let port = mail.port;
        Self::with(|config| config.email.port = port).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: directory.path().join("data"), ..Config::default() };
        config.listen = "127.0.0.1:0".into();
        config.email.transport = EmailTransport::Smtp;
        config.email.from = Some("Acme <notify@example.com>".into());
        config.email.app_name = "Acme".into();
        config.email.host = "127.0.0.1".into();
        config.email.tls = EmailTls::None;
        config.email.timeout = Duration::from_secs(30);
        config.fallback.email.when = "at_once".into();
        config.fallback.email.max_attempts = 20;
        config.fallback.email.retry_first = Duration::from_millis(20);
        config.fallback.email.retry_max = Duration::from_millis(200);
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { directory, server, client }
    }

    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Somebody with an address.
    pub(crate) async fn user(&self, id: &str, email: &str) {
        self.reader(id, email, None).await;
    }

    /// Somebody with an address and a language.
    pub(crate) async fn reader(&self, id: &str, email: &str, locale: Option<&str>) {
        let user = UserId::new(id).unwrap();
        let profile = UserProfile {
            email: Some(email.into()),
            locale: locale.map(str::to_owned),
            name: Some(format!("Reader {id}")),
            ..UserProfile::new(user)
        };
        self.server.oyez().users().put(profile).await.unwrap();
    }

    pub(crate) async fn tell(&self, id: &str, kind: &str) {
        self.publish(json!({"to": format!("user:{id}"), "type": kind, "title": kind, "message": "Hello"}))
            .await;
    }

    pub(crate) async fn publish(&self, body: Value) {
        self.server.oyez().publish(serde_json::from_value(body).unwrap()).await.unwrap();
    }

    /// All deliveries to a user, oldest first.
    pub(crate) async fn deliveries(&self, id: &str) -> Vec<DeliveryView> {
        let filter = DeliveryFilter { user: Some(UserId::new(id).unwrap()), ..DeliveryFilter::default() };
        let mut all = self.server.oyez().deliveries().list(&filter, None, 500).await.unwrap();
        all.reverse();
        all
    }

    /// Waits until all deliveries to a user ended, and there are so many.
    pub(crate) async fn ended(&self, id: &str, count: usize) -> Vec<DeliveryView> {
        let wait = async {
            loop {
                let all = self.deliveries(id).await;
                if all.len() >= count && all.iter().all(|delivery| delivery.state.is_final()) {
                    return all;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(all) => all,
            Err(_) => panic!("it never came to that: {:#?}", self.deliveries(id).await),
        }
    }

    /// Waits until the only delivery to a user is in a state.
    pub(crate) async fn comes_to(&self, id: &str, state: DeliveryState) -> DeliveryView {
        let wait = async {
            loop {
                let all = self.deliveries(id).await;
                if let [one] = &*all
                    && one.state == state
                {
                    return one.clone();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(one) => one,
            Err(_) => panic!("it never came to {state:?}: {:#?}", self.deliveries(id).await),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.server.url())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn post(&self, path: &str, body: &'static str) -> (u16, String) {
        let request = self.client.post(format!("{}{path}", self.server.url())).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn stop(self) {
        self.server.oyez().shutdown().await;
    }
}
