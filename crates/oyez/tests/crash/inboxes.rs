//! What the inboxes hold, read over HTTP as their owners would.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use serde_json::Value;

use super::{
    binary,
    load::{CROWD, CROWD_PUBLISHER, Publish, SOLO},
};

/// One user's items, in the order of their positions.
#[derive(Debug, Default)]
struct Inbox {
    ids: Vec<String>,
    seen: HashSet<String>,
}

/// Some users' inboxes: all solo users, and a few of the crowd from its beginning, middle and end.
#[derive(Debug, Default)]
pub struct Inboxes(HashMap<String, Inbox>);

fn watched() -> Vec<String> {
    let crowd = [0, 1, CROWD / 2, CROWD - 2, CROWD - 1].map(|number| format!("crowd-{number}"));
    (0..SOLO).map(|number| format!("solo-{number}")).chain(crowd).collect()
}

impl Inboxes {
    /// Reads what is new, and checks that positions go 1, 2, 3 … and no notification comes twice.
    pub async fn catch_up(&mut self, url: &str, data: &Path) {
        let client = reqwest::Client::new();
        for user in watched() {
            let token =
                binary::answer(data, &["token", "--user", &user])["access"].as_str().unwrap().to_owned();
            let inbox = self.0.entry(user.clone()).or_default();
            loop {
                let after = inbox.ids.len();
                let address = format!("{url}/api/v1/inbox/changes?after_seq={after}&limit=200");
                let answer = client.get(address).bearer_auth(&token).send().await.unwrap();
                let page: Value = answer.json().await.unwrap();
                let items = page["data"].as_array().unwrap_or_else(|| panic!("{page}"));
                for item in items {
                    let (seq, id) = (item["seq"].as_u64().unwrap(), item["id"].as_str().unwrap());
                    assert_eq!(seq, inbox.ids.len() as u64 + 1, "{user} has a gap or a double position");
                    assert!(inbox.seen.insert(id.to_owned()), "{user} has {id} twice");
                    inbox.ids.push(id.to_owned());
                }
                if items.is_empty() {
                    break;
                }
            }
        }
    }

    /// Checks that all that was acknowledged is there, in the order of each publisher.
    pub fn check(&self, acknowledged: &[Publish], context: &str) {
        let mut by_publisher: HashMap<usize, Vec<&Publish>> = HashMap::new();
        for publish in acknowledged {
            by_publisher.entry(publish.publisher).or_default().push(publish);
        }
        for (publisher, mut publishes) in by_publisher {
            publishes.sort_by_key(|publish| publish.number);
            let owners: Vec<String> = watched()
                .into_iter()
                .filter(|user| match publisher {
                    CROWD_PUBLISHER => user.starts_with("crowd-"),
                    solo => *user == format!("solo-{solo}"),
                })
                .collect();
            for owner in owners {
                let positions: HashMap<&str, usize> =
                    self.0[&owner].ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
                let mut last = None;
                for publish in &publishes {
                    let at = positions.get(publish.id.as_str()).copied();
                    assert!(at.is_some(), "{context}: {owner} lost publish {publish:?}");
                    assert!(at > last, "{context}: {owner} has {publish:?} out of order");
                    last = at;
                }
            }
        }
    }
}
