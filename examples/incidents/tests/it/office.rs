//! The application with one person per role, on port 0.

use std::{net::SocketAddr, path::Path};

use incidents::{
    app::{App, Settings},
    people::{Person, Role},
};
use oyez::protocol::{Audience, UserId, api::publish::NotificationRequest};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::live::Live;

pub(crate) const PASSWORD: &str = "correct horse";

/// The running application. Ends with [`Office::close`], which fails when a notification is still unsent.
pub(crate) struct Office {
    pub(crate) app: App,
    pub(crate) base: String,
    pub(crate) http: Client,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// Somebody signed in over the API.
#[derive(Clone)]
pub(crate) struct Somebody {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Office {
    /// Opens the application on this directory, as it is.
    pub(crate) async fn open(data: &Path) -> Self {
        let app = App::open(Settings { data: data.to_owned(), secure_cookies: false }).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let service = app.router().into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(
            axum::serve(listener, service)
                .with_graceful_shutdown(async move { drop(stopped.await) })
                .into_future(),
        );
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { app, base, http, stop, server }
    }

    /// Adds a person.
    pub(crate) async fn person(&self, name: &str, roles: &[Role]) -> Person {
        let email = format!("{name}@x.example");
        self.app.add_person(&email, name, PASSWORD, roles).await.unwrap()
    }

    /// Ada (admin), Dev (developer), Carla (client of project 1, "Shop").
    pub(crate) async fn staffed(data: &Path) -> (Self, [Somebody; 3]) {
        let office = Self::open(data).await;
        let ada = office.person("Ada", &[Role::Admin]).await;
        office.person("Dev", &[Role::Developer]).await;
        let carla = office.person("Carla", &[Role::Client]).await;
        let shop = office.app.desk.add_project(&ada, "Shop").await.unwrap();
        office.app.desk.add_member(&ada, shop.id, carla.id).await.unwrap();
        let people = [office.login("Ada").await, office.login("Dev").await, office.login("Carla").await];
        (office, people)
    }

    pub(crate) async fn login(&self, name: &str) -> Somebody {
        let body = json!({"email": format!("{name}@x.example"), "password": PASSWORD});
        let answer = self.http.post(format!("{}/api/login", self.base)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        let id = answer["user"]["id"].as_i64().unwrap().to_string();
        Somebody { id, token: answer["token"].as_str().unwrap().to_owned() }
    }

    pub(crate) async fn get(&self, who: &Somebody, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&who.token);
        read(request.send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, who: &Somebody, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&who.token);
        read(request.json(&body).send().await.unwrap()).await
    }

    /// Reports an incident in project 1; answers the ticket.
    pub(crate) async fn report(&self, who: &Somebody, title: &str) -> Value {
        let body = json!({"project_id": 1, "title": title, "description": "After login", "priority": "HIGH",
                          "category": "BUG"});
        let (status, ticket) = self.post(who, "/api/tickets", body).await;
        assert_eq!(status, 201, "{ticket}");
        ticket
    }

    /// Moves a ticket; answers it as it is then.
    pub(crate) async fn step(&self, who: &Somebody, ticket: &Value, step: &str, body: Value) -> Value {
        let (status, ticket) = self.post(who, &format!("/api/tickets/{}/{step}", ticket["id"]), body).await;
        assert_eq!(status, 200, "{ticket}");
        ticket
    }

    /// Opens the live stream with the API's token.
    pub(crate) async fn live(&self, who: &Somebody) -> Live {
        Live::open(&self.base, &format!("token={}", who.token), &[]).await
    }

    /// Says "the end" to each, and sees that it is the very next thing each of them hears.
    pub(crate) async fn nobody_heard_more(&self, everybody: &mut [(&Somebody, &mut Live)]) {
        for (who, live) in everybody {
            let to = Audience::User(UserId::new(&who.id).unwrap());
            let end = NotificationRequest { kind: Some("end".into()), ..NotificationRequest::new(to, "end") };
            self.app.oyez.publish(end).await.unwrap();
            let frame = live.frame().await;
            assert_eq!((&frame["type"], &frame["seq"]), (&json!("end"), &json!(live.seq + 1)), "{frame}");
            live.seq += 1;
        }
    }

    /// Ends the application, gracefully.
    pub(crate) async fn close(self) {
        // Live connections first: the listener waits for them.
        self.app.shutdown().await;
        drop(self.stop);
        self.server.await.unwrap().unwrap();
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
