//! The board `suppliers` as a dashboard gets it: whole once, then step by step.

use serde_json::{Value, json};

use crate::{live::Live, office::Office};

fn merge(target: &mut Value, patch: &Value) {
    for (key, change) in patch.as_object().unwrap() {
        match change {
            Value::Null => drop(target.as_object_mut().unwrap().remove(key)),
            Value::Object(_) if target[key].is_object() => merge(&mut target[key], change),
            _ => target[key] = change.clone(),
        }
    }
}

/// The board as a client that applies every step has it.
struct Board {
    live: Live,
    version: u64,
    state: Value,
}

impl Board {
    async fn watch(office: &Office, token: &str) -> Self {
        let query = format!("token={token}&frames=full");
        let mut live = Live::open(&office.base, "dashboard", &query, &[]).await;
        let frame = live.until(|frame| frame["type"] == "board").await;
        assert_eq!(frame["name"], "suppliers");
        Self { live, version: frame["version"].as_u64().unwrap(), state: frame["state"].clone() }
    }

    /// Follows until this is true of it; each state on the way adds up.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) {
        while !wanted(&self.state) {
            let frame = self.live.until(|frame| frame["type"] == "board_patch").await;
            assert_eq!(frame["from_version"], self.version, "no step is missing");
            self.version = frame["version"].as_u64().unwrap();
            merge(&mut self.state, &frame["patch"]);
            self.adds_up();
        }
    }

    fn adds_up(&self) {
        let distribution = self.state["distribution"].as_array().unwrap();
        let count: u64 = distribution.iter().map(|one| one["count"].as_u64().unwrap()).sum();
        assert_eq!(self.state["total_applications"], count);
        let percent: f64 = distribution.iter().map(|one| one["percent"].as_f64().unwrap()).sum();
        let expected = if count == 0 { 0.0 } else { 100.0 };
        assert_eq!((percent * 10.0).round() / 10.0, expected, "{distribution:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_follows_every_change_and_always_adds_up() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    let mut board = Board::watch(&office, &rita.token).await;
    assert_eq!(board.state["total_applications"], 0);
    assert_eq!(board.state["recent_applications"], json!([]));
    for company in ["Acme", "Bolt", "Cog"] {
        office.apply(company).await;
    }
    board.until(|state| state["total_applications"] == 3).await;
    assert_eq!(board.state["recent_applications"][0]["company_name"], "Cog");
    assert_eq!(board.state["monthly"][11]["applications"], 3);
    assert_eq!(board.state["distribution"][0]["percent"], 100.0);

    for id in [1, 2] {
        office.step(&rita, id, "review", json!(null)).await;
    }
    office.step(&rita, 1, "approve", json!(null)).await;
    office.step(&rita, 2, "reject", json!({"reason": "No"})).await;
    board.until(|state| state["approved"] == 1 && state["rejected"] == 1).await;
    let percents: Vec<_> =
        board.state["distribution"].as_array().unwrap().iter().map(|one| one["percent"].clone()).collect();
    assert_eq!(percents, [33.4, 0.0, 0.0, 33.3, 33.3]);
    assert_eq!((&board.state["pending_review"], &board.state["total_suppliers"]), (&json!(1), &json!(1)));
    assert_eq!(board.state["monthly"][11]["approved"], 1);
    drop(board);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refresh_button_mends_what_a_change_behind_our_back_broke() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    office.apply("Acme").await;
    let mut board = Board::watch(&office, &rita.token).await;
    board.until(|state| state["total_applications"] == 1).await;
    // Somebody spoils the board.
    let spoilt = json!({"total_applications": 7}).as_object().unwrap().clone();
    let name = suppliers::dashboard::Dashboard::board();
    office.app.oyez.boards().merge(&name, spoilt).await.unwrap();
    let frame = board.live.until(|frame| frame["type"] == "board_patch").await;
    assert_eq!(frame["patch"], json!({"total_applications": 7}));
    board.version = frame["version"].as_u64().unwrap();
    merge(&mut board.state, &frame["patch"]);

    let browser = crate::browser::Browser::sign_in(&office, "rita").await;
    let page = browser.page("/office").await;
    let csrf = crate::browser::hidden(&page, "csrf");
    assert_eq!(browser.post("/office/refresh", &[("csrf", &csrf)]).await.status(), 303);
    board.until(|state| state["total_applications"] == 1).await;
    drop(board);
    office.close().await;
}
