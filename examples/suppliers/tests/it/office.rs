//! The application with an admin and a reviewer, on port 0.

use std::{net::SocketAddr, path::Path, time::Duration};

use oyez::protocol::{Audience, UserId, api::publish::NotificationRequest};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use suppliers::{
    app::{App, Settings},
    people::Role,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::live::Live;

pub(crate) const PASSWORD: &str = "correct horse";

/// The running application. Ends with [`Office::close`].
pub(crate) struct Office {
    pub(crate) app: App,
    pub(crate) base: String,
    pub(crate) http: Client,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// Somebody of the office, signed in over the API.
#[derive(Clone)]
pub(crate) struct Somebody {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Office {
    /// Opens the application on this directory, as it is.
    pub(crate) async fn open(data: &Path) -> Self {
        let retry_first = Duration::from_secs(5);
        let settings = Settings { open_mailbox: true, retry_first, ..Settings::new(data.to_owned()) };
        let app = App::open(settings).await.unwrap();
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

    /// Ada (admin) and Rita (reviewer).
    pub(crate) async fn staffed(data: &Path) -> (Self, [Somebody; 2]) {
        let office = Self::open(data).await;
        office.app.add_staff("ada@x.example", "Ada", PASSWORD, Role::Admin).await.unwrap();
        office.app.add_staff("rita@x.example", "Rita", PASSWORD, Role::Reviewer).await.unwrap();
        let people = [office.login("ada").await, office.login("rita").await];
        (office, people)
    }

    pub(crate) async fn login(&self, name: &str) -> Somebody {
        let body = json!({"email": format!("{name}@x.example"), "password": PASSWORD});
        let answer = self.http.post(format!("{}/api/login", self.base)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        let id = format!("staff-{}", answer["user"]["id"]);
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

    /// Applies as anybody does; answers the tracking code.
    pub(crate) async fn apply(&self, company: &str) -> String {
        let request = self.http.post(format!("{}/api/applications", self.base)).json(&application(company));
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(status, 201, "{answer}");
        answer["tracking_code"].as_str().unwrap().to_owned()
    }

    /// Applies without HTTP, which limits how many come from one place; answers the application's number.
    pub(crate) async fn apply_directly(&self, company: &str) -> i64 {
        let typed: suppliers::application::Typed = serde_json::from_value(application(company)).unwrap();
        self.app.desk.apply(&typed.check().unwrap(), None).await.unwrap().id.0
    }

    /// Makes a move; answers the application as it is then.
    pub(crate) async fn step(&self, who: &Somebody, id: i64, step: &str, body: Value) -> Value {
        let (status, application) = self.post(who, &format!("/api/applications/{id}/{step}"), body).await;
        assert_eq!(status, 200, "{application}");
        application
    }

    /// Opens the live stream with the API's token.
    pub(crate) async fn live(&self, who: &Somebody) -> Live {
        Live::open(&self.base, "notifications", &format!("token={}", who.token), &[]).await
    }

    /// Says "the end" to each, and sees that it is the very next item each of them gets.
    pub(crate) async fn nobody_heard_more(&self, everybody: &mut [(&str, &mut Live)]) {
        for (user, live) in everybody {
            let to = Audience::User(UserId::new(user).unwrap());
            let end = NotificationRequest { kind: Some("end".into()), ..NotificationRequest::new(to, "end") };
            self.app.oyez.publish(end).await.unwrap();
            live.expect("end", "end", json!({})).await;
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

/// What a company applies with.
pub(crate) fn application(company: &str) -> Value {
    let email = format!("{}@x.example", company.to_lowercase().replace(' ', "-"));
    json!({"company_name": company, "registration_number": "CH-1", "country": "Switzerland", "category": "GOODS",
           "contact_name": format!("Boss of {company}"), "email": email, "phone": "+41 44 123 45 67",
           "website": "", "description": "Anvils"})
}

pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
