//! Publishers that never stop: to single users and to a crowd that takes several commits.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinSet};

/// Members of `role:crowd`: more than fit into one commit.
pub const CROWD: usize = 3_000;
/// Users `solo-0` …, each with one publisher.
pub const SOLO: usize = 6;

/// A publish that was answered 2xx: which notification, from which publisher, and its number there.
#[derive(Debug, Clone)]
pub struct Publish {
    pub id: String,
    pub publisher: usize,
    pub number: u64,
}

/// All publishes that were answered 2xx.
pub type Acknowledged = Vec<Publish>;

/// The publisher that speaks to the crowd.
pub const CROWD_PUBLISHER: usize = SOLO;

/// Running publishers.
pub struct Load {
    stop: Arc<AtomicBool>,
    first_answer: Arc<Notify>,
    tasks: JoinSet<(Acknowledged, Option<Unanswered>)>,
}

/// A request whose answer never came.
pub struct Unanswered {
    publisher: usize,
    number: u64,
    body: Value,
}

/// What the publishers know in the end.
pub struct Ended {
    pub acknowledged: Acknowledged,
    unanswered: Vec<Unanswered>,
}

/// Makes the crowd.
pub async fn make_crowd(url: &str, key: &str) {
    let client = reqwest::Client::new();
    let members: Vec<Value> =
        (0..CROWD).map(|number| json!({"id": format!("crowd-{number}"), "roles": ["crowd"]})).collect();
    for members in members.chunks(500) {
        let request = client.put(format!("{url}/api/v1/users")).bearer_auth(key);
        let answer = request.json(&json!({"users": members})).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

impl Load {
    /// Starts one publisher per solo user, and one for the crowd.
    pub fn start(url: &str, key: &str, iteration: u64) -> Self {
        let (stop, first_answer) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let mut tasks = JoinSet::new();
        for publisher in 0..=SOLO {
            let (url, key, stop) = (url.to_owned(), key.to_owned(), Arc::clone(&stop));
            let answered = Arc::clone(&first_answer);
            tasks.spawn(async move { publish(publisher, iteration, &url, &key, &stop, &answered).await });
        }
        Self { stop, first_answer, tasks }
    }

    /// Waits until something was acknowledged: on a busy machine that takes a while.
    pub async fn has_begun(&self) {
        self.first_answer.notified().await;
    }

    /// Ends the publishers; the server is gone, so none waits for an answer.
    pub async fn stop(mut self) -> Ended {
        self.stop.store(true, Ordering::Relaxed);
        let mut ended = Ended { acknowledged: Vec::new(), unanswered: Vec::new() };
        while let Some(task) = self.tasks.join_next().await {
            let (acknowledged, unanswered) = task.unwrap();
            ended.acknowledged.extend(acknowledged);
            ended.unanswered.extend(unanswered);
        }
        ended
    }
}

async fn publish(
    publisher: usize,
    iteration: u64,
    url: &str,
    key: &str,
    stop: &AtomicBool,
    answered: &Notify,
) -> (Acknowledged, Option<Unanswered>) {
    let client = reqwest::Client::new();
    let to = match publisher {
        CROWD_PUBLISHER => "role:crowd".to_owned(),
        solo => format!("user:solo-{solo}"),
    };
    let mut acknowledged = Vec::new();
    for count in 0_u64.. {
        let number = iteration * 1_000_000 + count;
        let body = json!({
            "to": to,
            "message": format!("{publisher}:{number}"),
            "idempotency_key": format!("{publisher}-{number}"),
        });
        match send(&client, url, key, &body).await {
            Some(id) => {
                acknowledged.push(Publish { id, publisher, number });
                answered.notify_one();
            }
            None => return (acknowledged, Some(Unanswered { publisher, number, body })),
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    (acknowledged, None)
}

/// The notification's id when it was answered 2xx; any other answer but silence is a fault.
async fn send(client: &reqwest::Client, url: &str, key: &str, body: &Value) -> Option<String> {
    let request = client.post(format!("{url}/api/v1/notifications")).bearer_auth(key);
    let answer = request.json(body).send().await.ok()?;
    let status = answer.status();
    // A head without its body is no answer: the server died between the two.
    let text = answer.text().await.ok()?;
    assert!(status.is_success(), "{status}: {text}");
    let answer: Value = serde_json::from_str(&text).ok()?;
    Some(answer["id"].as_str().unwrap().to_owned())
}

impl Ended {
    /// Sends what was never answered again, under its idempotency key.
    pub async fn repeat_unanswered(&self, url: &str, key: &str) -> Acknowledged {
        let client = reqwest::Client::new();
        let mut acknowledged = Vec::new();
        for Unanswered { publisher, number, body } in &self.unanswered {
            let id = send(&client, url, key, body).await.expect("the server runs");
            acknowledged.push(Publish { id, publisher: *publisher, number: *number });
        }
        acknowledged
    }
}
