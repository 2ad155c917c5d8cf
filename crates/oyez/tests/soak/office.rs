//! The application: it publishes, and asks over HTTP what the store has.

use std::{path::Path, sync::Arc};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    USERS,
    binary::{self, Server},
};

/// Where the server is, and who may what.
#[derive(Clone)]
pub struct Office {
    client: reqwest::Client,
    url: Arc<str>,
    key: Arc<str>,
    tokens: Arc<Vec<String>>,
}

/// What the store has for a user.
pub struct Stored {
    /// Position and id of each item that is kept.
    pub items: Vec<(u64, String)>,
    /// The newest position.
    pub head: u64,
    pub unread: u64,
    pub unseen: u64,
}

impl Office {
    /// Makes the users known, half of them members of `role:crew`.
    pub async fn open(server: &Server, data: &Path) -> Self {
        let token = |number| {
            let user = format!("user-{number}");
            let made = binary::answer(data, &["token", "--user", &user, "--ttl", "12h"]);
            made["access"].as_str().unwrap().to_owned()
        };
        let office = Self {
            client: reqwest::Client::new(),
            url: server.url().into(),
            key: server.said("key").into(),
            tokens: Arc::new((0..USERS).map(token).collect()),
        };
        let roles = |number| if number % 2 == 0 { vec!["crew"] } else { Vec::new() };
        let users: Vec<Value> = (0..USERS)
            .map(|number| json!({"id": format!("user-{number}"), "roles": roles(number)}))
            .collect();
        let request = office.client.put(format!("{}/api/v1/users", office.url)).bearer_auth(&office.key);
        let answer = request.json(&json!({ "users": users })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        office
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn token(&self, user: usize) -> &str {
        &self.tokens[user]
    }

    /// Publishes to one, to a few, to a role, to everyone.
    pub async fn publish_some(&self, count: usize, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..count {
            let user = format!("user:user-{}", random.random_range(0..USERS));
            let to = match random.random_range(0..10) {
                0 => json!("everyone"),
                1 => json!("role:crew"),
                2 => json!([user, "user:user-0"]),
                _ => json!(user),
            };
            let length = random.random_range(1..2_000);
            let body = json!({ "to": to, "message": "m".repeat(length) });
            let request =
                self.client.post(format!("{}/api/v1/notifications", self.url)).bearer_auth(&self.key);
            let answer = request.json(&body).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        }
    }

    /// What the store has for a user now.
    pub async fn stored(&self, user: usize) -> Stored {
        let counts = self.ask(user, "counts").await;
        let mut stored = Stored {
            items: Vec::new(),
            head: counts["seq"].as_u64().unwrap(),
            unread: counts["unread"].as_u64().unwrap(),
            unseen: counts["unseen"].as_u64().unwrap(),
        };
        let mut after = 0;
        loop {
            let page = self.ask(user, &format!("changes?after_seq={after}&limit=200")).await;
            for item in page["data"].as_array().unwrap_or_else(|| panic!("{page}")) {
                after = item["seq"].as_u64().unwrap();
                stored.items.push((after, item["id"].as_str().unwrap().to_owned()));
            }
            if after >= stored.head {
                return stored;
            }
        }
    }

    async fn ask(&self, user: usize, what: &str) -> Value {
        let request = self.client.get(format!("{}/api/v1/inbox/{what}", self.url));
        request.bearer_auth(self.token(user)).send().await.unwrap().json().await.unwrap()
    }
}
