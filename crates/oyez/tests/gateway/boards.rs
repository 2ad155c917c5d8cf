//! Boards on live streams: the whole, then patches; for those who may see them, and for nobody else.

use std::time::Duration;

use oyez_core::board::{Guard, State, merge_patch::merge};
use oyez_protocol::{BoardName, RoleName, api::boards::BoardRequest};
use oyez_store::UserProfile;
use serde_json::{Value, json};

use crate::{
    stage::{Client, Stage, eventually, user},
    transports::Events,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn name(text: &str) -> BoardName {
    BoardName::new(text).unwrap()
}

async fn put(stage: &Stage, board: &str, body: Value) -> u64 {
    let request: BoardRequest = serde_json::from_value(body).unwrap();
    stage.boards.put(&name(board), request, Guard::Any, None).await.unwrap().version
}

async fn set(stage: &Stage, board: &str, state: Value) -> u64 {
    put(stage, board, json!({"state": state})).await
}

async fn dashboard(stage: &Stage, who: &str, roles: &[&str], query: &str) -> Client {
    let token = stage.token_for(who, roles, HOUR);
    stage.open(&format!("/ws/dashboard/?token={token}{query}")).await.0
}

async fn give_roles(stage: &Stage, who: &str, roles: &[&str]) {
    let roles = roles.iter().map(|role| RoleName::new(role).unwrap()).collect();
    let profile = UserProfile {
        id: user(who),
        name: None,
        email: None,
        locale: None,
        time_zone: None,
        roles: Some(roles),
    };
    stage.users.put(profile).await.unwrap();
}

/// A viewer that does what PROTOCOL.md tells it.
#[derive(Default)]
struct Viewer {
    version: u64,
    state: State,
    patches: u64,
}

impl Viewer {
    fn sees(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap() {
            "board" => self.state = frame["state"].as_object().unwrap().clone(),
            "board_patch" => {
                assert_eq!(frame["from_version"], self.version, "a patch leads from what was sent: {frame}");
                merge(&mut self.state, frame["patch"].as_object().unwrap());
                self.patches += 1;
            }
            other => panic!("{other}"),
        }
        let version = frame["version"].as_u64().unwrap();
        assert!(version > self.version);
        self.version = version;
    }

    async fn reads_up_to(&mut self, client: &mut Client, version: u64) {
        while self.version < version {
            self.sees(&client.next().await);
        }
    }
}

#[tokio::test]
async fn a_full_dashboard_gets_the_whole_and_then_patches() {
    let stage = Stage::new().await;
    let text = "x".repeat(200);
    set(&stage, "suppliers", json!({"pending": 1, "text": text})).await;
    let mut full = dashboard(&stage, "boss", &["admin"], "&frames=full").await;
    let mut plain = dashboard(&stage, "pete", &["admin"], "").await;
    let frame = full.next().await;
    let state = json!({"pending": 1, "text": text});
    assert_eq!(frame, json!({"type": "board", "name": "suppliers", "version": 1, "state": state}));
    set(&stage, "suppliers", json!({"pending": 2, "text": text})).await;
    let patch = json!({"type": "board_patch", "name": "suppliers", "version": 2, "from_version": 1,
        "patch": {"pending": 2}});
    assert_eq!(full.next().await, patch);
    set(&stage, "new", json!({"a": null})).await;
    let frame = full.next().await;
    assert_eq!(
        (&frame["type"], &frame["name"], &frame["version"]),
        (&json!("board"), &json!("new"), &json!(1))
    );
    assert_eq!(frame["state"], json!({"a": null}));
    plain.expect_silence().await;
    let ack = plain.ask(json!({"type": "subscribe", "topic": "board:suppliers", "ref": 1})).await;
    assert_eq!(ack, json!({"type": "ack", "ref": 1, "topic": "board:suppliers"}));
    assert_eq!(plain.next().await["version"], 2);
    plain.ask(json!({"type": "unsubscribe", "topic": "board:suppliers", "ref": 2})).await;
    set(&stage, "suppliers", json!({"pending": 3, "text": text})).await;
    assert_eq!(full.next().await["patch"], json!({"pending": 3}));
    plain.expect_silence().await;
}

#[tokio::test]
async fn any_stream_may_watch_a_board_that_its_user_may_see() {
    let stage = Stage::new().await;
    put(&stage, "suppliers", json!({"state": {"n": 1}, "roles": ["reviewer"]})).await;
    give_roles(&stage, "rita", &["reviewer"]).await;
    let mut rita = stage.connect("rita").await;
    rita.ask(json!({"type": "subscribe", "topic": "board:suppliers", "ref": 1})).await;
    assert_eq!(rita.next().await["state"], json!({"n": 1}));
    for topic in ["board:unknown", "board:Not a name"] {
        let refused = rita.ask(json!({"type": "subscribe", "topic": topic, "ref": 2})).await;
        assert_eq!(refused["type"], "error", "{topic}");
    }
    let mut carl = stage.connect("carl").await;
    let refused = carl.ask(json!({"type": "subscribe", "topic": "board:suppliers", "ref": 1})).await;
    assert_eq!(refused["code"], "forbidden");
    let query = format!("?board=suppliers&token={}", stage.token("rita"));
    let mut events = Events::open(&stage, "notifications/", &query, None).await;
    assert_eq!(events.next().await.unwrap().1, "connection_established");
    let (id, kind, frame) = events.next().await.unwrap();
    assert_eq!((id, kind.as_str(), &frame["state"]), (None, "board", &json!({"n": 1})));
    set(&stage, "suppliers", json!({"n": 2})).await;
    assert_eq!(events.next().await.unwrap().2["version"], 2);
    assert_eq!(rita.next().await["version"], 2);
    let path = format!("/ws/notifications/?board=suppliers&token={}", stage.token("carl"));
    assert_eq!(stage.upgrade(&path, &[]).await.err().unwrap().0, 403);
}

#[tokio::test]
async fn an_event_stream_of_the_dashboard_says_what_its_websocket_says() {
    let stage = Stage::new().await;
    set(&stage, "suppliers", json!({"pending": 1, "text": "x".repeat(99)})).await;
    let mut client = dashboard(&stage, "boss", &["admin"], "&frames=full").await;
    let token = stage.token_for("boss", &["admin"], HOUR);
    let mut events = Events::open(&stage, "dashboard/", &format!("?frames=full&token={token}"), None).await;
    events.next().await.unwrap();
    for version in 1..=3 {
        let frame = client.next().await;
        assert_eq!((&frame["version"], events.next().await.unwrap().2), (&json!(version), frame.clone()));
        set(&stage, "suppliers", json!({"pending": version + 1, "text": "x".repeat(99)})).await;
    }
}

#[tokio::test]
async fn many_quick_changes_become_few_frames_that_lead_to_the_stored_state() {
    let stage = Stage::new().await;
    set(&stage, "fast", json!({"n": 0, "text": "x".repeat(200)})).await;
    let mut client = dashboard(&stage, "boss", &["admin"], "&frames=full").await;
    let mut viewer = Viewer::default();
    viewer.sees(&client.next().await);
    let mut version = 0;
    for n in 1..=500 {
        let state = json!({"n": n, (format!("k{}", n % 7)): n, "text": "x".repeat(200)});
        version = set(&stage, "fast", state).await;
    }
    viewer.reads_up_to(&mut client, version).await;
    assert_eq!(viewer.state, *stage.boards.get(&name("fast")).await.unwrap().state);
    assert!((1..250).contains(&viewer.patches), "{} patches for 500 changes", viewer.patches);
    client.expect_silence().await;
}

#[tokio::test]
async fn a_client_that_stops_reading_is_led_to_the_present_and_holds_little_meanwhile() {
    let stage = Stage::new().await;
    set(&stage, "large", json!({"n": 0})).await;
    let mut slow = dashboard(&stage, "slow", &["admin"], "&frames=full").await;
    let mut quick = dashboard(&stage, "quick", &["admin"], "&frames=full").await;
    let (mut slow_viewer, mut quick_viewer) = (Viewer::default(), Viewer::default());
    slow_viewer.sees(&slow.next().await);
    let (mut version, mut n) = (1, 0);
    while stage.gateway.hub().stats().blocked == 0 || n % 8 != 0 {
        n += 1;
        // Each differs from the one before wholly, so that no patch is short.
        version =
            set(&stage, "large", json!({"n": n, (format!("k{n}")): format!("{n}").repeat(60_000)})).await;
        quick_viewer.reads_up_to(&mut quick, version).await;
    }
    for _ in 0..20 {
        n += 1;
        version =
            set(&stage, "large", json!({"n": n, (format!("k{n}")): format!("{n}").repeat(60_000)})).await;
        quick_viewer.reads_up_to(&mut quick, version).await;
    }
    let waiting = stage.gateway.hub().connections().await.iter().map(|one| one.waiting_bytes).max().unwrap();
    assert!(waiting < 1_000_000, "{waiting} bytes wait for one that does not read");
    slow_viewer.reads_up_to(&mut slow, version).await;
    assert_eq!(slow_viewer.state, quick_viewer.state);
    assert_eq!(slow_viewer.state, *stage.boards.get(&name("large")).await.unwrap().state);
}

#[tokio::test]
async fn who_comes_back_starts_with_the_whole() {
    let stage = Stage::new().await;
    set(&stage, "suppliers", json!({"n": 1})).await;
    let mut client = dashboard(&stage, "boss", &["admin"], "&frames=full").await;
    assert_eq!(client.next().await["version"], 1);
    drop(client);
    set(&stage, "suppliers", json!({"n": 2})).await;
    set(&stage, "suppliers", json!({"n": 3})).await;
    let mut client = dashboard(&stage, "boss", &["admin"], "&frames=full").await;
    let frame = client.next().await;
    let expected = json!({"type": "board", "name": "suppliers", "version": 3, "state": {"n": 3}});
    assert_eq!(frame, expected);
}

#[tokio::test]
async fn a_board_that_is_deleted_goes_and_one_made_again_comes_whole() {
    let stage = Stage::new().await;
    set(&stage, "suppliers", json!({"n": 1})).await;
    let mut client = dashboard(&stage, "boss", &["admin"], "&frames=full").await;
    client.next().await;
    stage.boards.delete(&name("suppliers"), Guard::Any).await.unwrap();
    let gone = json!({"type": "board", "name": "suppliers", "version": 2, "state": null});
    assert_eq!(client.next().await, gone);
    set(&stage, "suppliers", json!({"n": 1})).await;
    let frame = client.next().await;
    assert_eq!((&frame["type"], &frame["version"]), (&json!("board"), &json!(3)));
}

#[tokio::test]
async fn roles_give_boards_and_take_them_away() {
    let stage = Stage::new().await;
    give_roles(&stage, "rita", &[]).await;
    let refused = stage.upgrade(&format!("/ws/dashboard/?token={}", stage.token("rita")), &[]).await;
    assert_eq!(refused.err().unwrap().0, 403);
    put(&stage, "suppliers", json!({"state": {"n": 1}, "roles": ["reviewer"]})).await;
    put(&stage, "sales", json!({"state": {"n": 1}, "roles": ["seller"]})).await;
    set(&stage, "bosses", json!({"n": 1})).await;
    give_roles(&stage, "rita", &["reviewer"]).await;
    let mut rita = dashboard(&stage, "rita", &[], "&frames=full").await;
    assert_eq!(rita.next().await["name"], "suppliers");
    assert_eq!(stage.event("topic:dashboard", "for_bosses").await, 0, "a board does not open the topic");
    rita.expect_silence().await;

    give_roles(&stage, "rita", &["reviewer", "seller"]).await;
    assert_eq!(rita.next().await["name"], "sales");
    give_roles(&stage, "rita", &["seller"]).await;
    let gone = json!({"type": "board", "name": "suppliers", "version": 1, "state": null});
    assert_eq!(rita.next().await, gone);
    set(&stage, "suppliers", json!({"n": 2})).await;
    set(&stage, "sales", json!({"n": 2})).await;
    assert_eq!(rita.next().await["name"], "sales", "nothing more of what was taken away");

    // The board changes hands instead of the user.
    put(&stage, "sales", json!({"state": {"n": 3}, "roles": ["boss"]})).await;
    let gone = rita.next().await;
    assert_eq!((&gone["name"], &gone["state"]), (&json!("sales"), &Value::Null));
    put(&stage, "sales", json!({"state": {"n": 4}, "roles": ["seller"]})).await;
    assert_eq!(rita.next().await["state"], json!({"n": 4}));
    give_roles(&stage, "rita", &[]).await;
    assert_eq!(rita.close_code().await, 4403);
}

#[tokio::test]
async fn an_announcement_that_was_lost_is_made_good() {
    let stage =
        Stage::with(|settings| settings.gateway.head_check_interval = Duration::from_millis(20)).await;
    set(&stage, "suppliers", json!({"n": 1})).await;
    let mut client = dashboard(&stage, "boss", &["admin"], "&frames=full").await;
    client.next().await;
    let mut board = stage.boards.get(&name("suppliers")).await.unwrap();
    (board.version, board.state) = (2, std::sync::Arc::new(json!({"n": 2}).as_object().unwrap().clone()));
    let unannounced = board.clone();
    stage.store.write(move |tx| Box::pin(async move { tx.put_board(&unannounced, 50).await })).await.unwrap();
    let frame = client.next().await;
    assert_eq!((&frame["version"], &frame["patch"]["n"]), (&json!(2), &json!(2)));
    drop(client);
    eventually("it is gone", async || stage.gateway.hub().stats().connections == 0).await;
}
