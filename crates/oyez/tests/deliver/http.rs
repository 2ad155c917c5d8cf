//! Deliveries and preferences as operators and users reach them: a whole server on a port, with a recording medium.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use oyez::{Config, Oyez, deliver::Sent, protocol::RoleName};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use crate::{
    recorder::{Recorder, Reply},
    world::{PATIENCE, profile, user},
};

struct App {
    _directory: tempfile::TempDir,
    address: SocketAddr,
    oyez: Oyez,
    mail: Recorder,
    client: reqwest::Client,
}

impl App {
    async fn new(mail: Recorder) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
        config.lifecycle.drain_grace = Duration::ZERO;
        config.fallback.email.when = "at_once".into();
        config.fallback.email.max_attempts = 1;
        let rule = json!({"types": ["alarm"], "when": "at_once", "critical": true});
        config.fallback.rules = vec![serde_json::from_value(rule).unwrap()];
        let oyez = Oyez::open_with(config, vec![Arc::new(mail.clone())]).await.unwrap();
        for id in ["anna", "bert"] {
            oyez.users().put(profile(id)).await.unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = oyez.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { _directory: directory, address, oyez, mail, client }
    }

    fn token(&self, id: &str, roles: &[&str]) -> String {
        let roles: Vec<RoleName> = roles.iter().map(|role| RoleName::new(role).unwrap()).collect();
        let token = self.oyez.issue_token(&user(id), &roles, Duration::from_secs(3_600)).unwrap();
        token.access.reveal().to_owned()
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address));
        request = request.bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str, token: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, token, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn publish(&self, to: &str, kind: &str) {
        let request = json!({"to": to, "type": kind, "message": "m"});
        self.oyez.publish(serde_json::from_value(request).unwrap()).await.unwrap();
    }

    /// Waits until so many deliveries are in a state.
    async fn reach(&self, token: &str, query: &str, count: usize) -> Vec<Value> {
        let wait = async {
            loop {
                let page = self.get(&format!("/api/v1/deliveries?{query}"), token).await;
                let data = page["data"].as_array().unwrap().clone();
                if data.len() == count {
                    return data;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never {count} of {query}"))
    }

    async fn connect(&self, token: &str) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}/ws/notifications/?token={token}", self.address);
        tokio_tungstenite::client_async(url, stream).await.unwrap().0
    }
}

/// The next frame of a type.
async fn next_of(stream: &mut WebSocketStream<TcpStream>, kind: &str) -> Value {
    let wait = async {
        loop {
            if let Message::Text(text) = stream.next().await.unwrap().unwrap() {
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["type"] == kind {
                    return frame;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("a frame in time")
}

async fn say(stream: &mut WebSocketStream<TcpStream>, frame: Value) {
    stream.send(Message::text(frame.to_string())).await.unwrap();
}

fn refuses_first() -> Recorder {
    Recorder::answering(|parcel| match (parcel.message_key.contains('.'), parcel.user.id.as_str()) {
        (false, "anna") => Reply::Say(Sent::refused("552 too big").answered("552 too big")),
        _ => Reply::Say(Sent::accepted("250 taken")),
    })
}

#[tokio::test]
async fn operators_list_read_and_resend_deliveries() {
    let app = App::new(refuses_first()).await;
    let admin = app.token("boss", &["admin"]);
    for kind in ["one", "two", "three"] {
        app.publish("user:anna", kind).await;
    }
    app.publish("user:bert", "one").await;
    let failed = app.reach(&admin, "status=failed,bounced", 3).await;
    app.reach(&admin, "status=sent&user=bert&medium=email&type=one", 1).await;
    assert_eq!(app.reach(&admin, "type=one&user=anna", 1).await[0]["error"], "552 too big");
    let notification = failed[0]["notification"].as_str().unwrap();
    app.reach(&admin, &format!("notification={notification}"), 1).await;

    let first = app.get("/api/v1/deliveries?user=anna&limit=2", &admin).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("/api/v1/deliveries?user=anna&limit=2&cursor={cursor}"), &admin).await;
    let kinds = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap().into()).collect()
    };
    assert_eq!([kinds(&first), kinds(&rest)].concat(), ["three", "two", "one"], "the newest first");
    assert_eq!(rest["next_cursor"], Value::Null);

    let path = format!("/api/v1/deliveries/{}", failed[0]["id"].as_str().unwrap());
    let one = app.get(&path, &admin).await;
    assert_eq!(
        (&one["state"], &one["attempt"], &one["max_attempts"]),
        (&json!("failed"), &json!(1), &json!(1))
    );
    let attempts = app.get(&format!("{path}/attempts"), &admin).await;
    assert_eq!(attempts["data"][0]["outcome"], "refused");
    assert_eq!(attempts["data"][0]["answer"], "552 too big");
    let stats = app.get("/api/v1/stats", &admin).await;
    assert_eq!(stats["deliveries"], json!({"email": {"failed": 3, "sent": 1}}));

    let (status, again) = app.call(Method::POST, &format!("{path}/resend"), &admin, None).await;
    assert_eq!((status, &again["state"]), (200, &json!("queued")), "{again}");
    app.reach(&admin, "status=sent&user=anna", 1).await;
    let resend = |body: Value| app.call(Method::POST, "/api/v1/deliveries/resend", &admin, Some(body));
    assert_eq!(resend(json!({"status": "failed"})).await, (200, json!({"queued": 2, "left": 0})));
    app.reach(&admin, "status=sent&user=anna", 3).await;
    for (body, field) in
        [(json!({}), "status"), (json!({"ids": []}), "ids"), (json!({"status": "queued"}), "status")]
    {
        let (status, problem) = resend(body).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    app.oyez.shutdown().await;
}

#[tokio::test]
async fn what_is_asked_wrongly_or_by_the_wrong_people_is_refused() {
    let app = App::new(Recorder::new()).await;
    let (admin, anna) = (app.token("boss", &["admin"]), app.token("anna", &[]));
    let nobody = "5b0f2d1e-7c5a-8bbb-8000-000000000001";
    for (query, field) in [("status=lost", "status"), ("medium=sms", "medium"), ("limit=0", "limit")] {
        let (status, problem) =
            app.call(Method::GET, &format!("/api/v1/deliveries?{query}"), &admin, None).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    for path in [format!("/{nobody}"), format!("/{nobody}/attempts")] {
        let (status, problem) =
            app.call(Method::GET, &format!("/api/v1/deliveries{path}"), &admin, None).await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{problem}");
        let (status, _) = app.call(Method::GET, &format!("/api/v1/deliveries{path}"), &anna, None).await;
        assert_eq!(status, 403);
    }
    for (method, path) in [(Method::GET, ""), (Method::POST, "/resend")] {
        let body = (method == Method::POST).then(|| json!({"status": "failed"}));
        let (status, _) = app.call(method, &format!("/api/v1/deliveries{path}"), &anna, body).await;
        assert_eq!(status, 403);
    }
    app.publish("user:anna", "note").await;
    let sent = app.reach(&admin, "status=sent", 1).await;
    app.oyez.shutdown().await;
    drop(sent);
}

#[tokio::test]
async fn users_choose_for_themselves_and_nobody_mutes_what_is_critical() {
    let app = App::new(Recorder::new()).await;
    let (admin, anna) = (app.token("boss", &["admin"]), app.token("anna", &[]));
    let path = "/api/v1/users/anna/preferences";
    let before = app.get(path, &anna).await;
    let critical = json!([{"type": "alarm", "medium": "email"}]);
    assert_eq!(before, json!({"media": ["email"], "critical": critical}));
    let choice = json!({"default": {"email": "off"}, "quiet_hours": {"from": "22:00", "to": "07:00"}});
    let (status, answer) = app.call(Method::PUT, path, &anna, Some(choice.clone())).await;
    assert_eq!((status, &answer["default"]), (200, &choice["default"]), "{answer}");
    assert_eq!(app.get(path, &admin).await["quiet_hours"]["from"], "22:00");
    for kind in ["note", "alarm"] {
        app.publish("user:anna", kind).await;
    }
    assert_eq!(app.mail.reaches(1).await[0].kinds, ["alarm"]);
    let wrong = [
        (json!({"types": {"alarm": {"email": "off"}}}), "types.alarm.email"),
        (json!({"default": {"sms": "off"}}), "default.sms"),
        (json!({"quiet_hours": {"from": "25:00", "to": "07:00"}}), "quiet_hours.from"),
    ];
    for (body, field) in wrong {
        let (status, problem) = app.call(Method::PUT, path, &anna, Some(body)).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    for method in [Method::GET, Method::PUT] {
        let body = (method == Method::PUT).then(|| json!({}));
        let (status, _) = app.call(method, "/api/v1/users/bert/preferences", &anna, body).await;
        assert_eq!(status, 403, "somebody else's");
    }
    let (status, answer) = app.call(Method::PUT, path, &admin, Some(json!({}))).await;
    assert_eq!((status, answer.get("default")), (200, None));
    app.publish("user:anna", "note").await;
    app.mail.reaches(2).await;
    app.oyez.shutdown().await;
}

#[tokio::test]
async fn admins_hear_live_what_becomes_of_deliveries_and_nobody_else_does() {
    let app = App::new(Recorder::new()).await;
    let topic = "oyez.deliveries";
    let mut boss = app.connect(&app.token("boss", &["admin"])).await;
    let mut anna = app.connect(&app.token("anna", &["client"])).await;
    // The roles that a token claims are known right after the greeting.
    for stream in [&mut boss, &mut anna] {
        next_of(stream, "connection_established").await;
    }
    let subscribe = json!({"type": "subscribe", "topic": topic, "ref": 1});
    let allowed = async {
        loop {
            say(&mut boss, subscribe.clone()).await;
            match boss.next().await.unwrap().unwrap() {
                Message::Text(text) if text.contains("\"ack\"") => return,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, allowed).await.unwrap();
    say(&mut anna, subscribe).await;
    let refused = next_of(&mut anna, "error").await;
    assert_eq!(refused["code"], "forbidden");
    assert!(refused["message"].as_str().unwrap().contains("admin role"), "{refused}");
    let member = app.oyez.topics().add(&oyez::protocol::TopicName::new(topic).unwrap(), &user("anna")).await;
    assert!(member.unwrap_err().to_string().contains("have no members"));
    let forged = json!({"to": format!("topic:{topic}"), "type": "delivery_updated"});
    assert!(app.oyez.event(serde_json::from_value(forged).unwrap()).await.is_err(), "only Oyez speaks there");
    app.publish("user:anna", "note").await;
    let told = next_of(&mut boss, "delivery_updated").await;
    assert_eq!(
        (&told["deliveries"][0]["user"], &told["deliveries"][0]["state"]),
        (&json!("anna"), &json!("sent"))
    );
    next_of(&mut anna, "note").await;
    say(&mut anna, json!({"type": "ping", "timestamp": 1})).await;
    let next = tokio::time::timeout(PATIENCE, anna.next()).await.unwrap().unwrap().unwrap();
    assert!(next.to_text().unwrap().contains("pong"), "she hears nothing of it: {next}");
    app.oyez.shutdown().await;
}

#[tokio::test]
async fn the_embedding_application_reads_and_resends_too() {
    let app = App::new(refuses_first()).await;
    app.publish("user:anna", "note").await;
    let filter = oyez::DeliveryFilter { user: Some(user("anna")), ..oyez::DeliveryFilter::default() };
    let ended = async {
        loop {
            let found = app.oyez.deliveries().list(&filter, None, 10).await.unwrap();
            if let Some(one) = found.into_iter().find(|one| one.state.is_final()) {
                return one;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let failed = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert_eq!(app.oyez.deliveries().attempts(failed.id).await.unwrap().len(), 1);
    app.oyez.deliveries().resend(failed.id).await.unwrap();
    app.mail.reaches(2).await;
    assert!(app.oyez.deliveries().get(failed.id).await.unwrap().is_some());
    let chosen = app.oyez.preferences().put(&user("anna"), Default::default()).await.unwrap();
    assert_eq!(chosen, app.oyez.preferences().get(&user("anna")).await.unwrap());
    app.oyez.shutdown().await;
}
