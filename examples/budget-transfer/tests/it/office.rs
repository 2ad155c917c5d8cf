//! The application on port 0 with the demo's people and books, against a simulated Oracle.

use std::{net::SocketAddr, path::Path, time::Duration};

use budget_transfer::{
    app::{App, Settings},
    demo, oracle,
};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::sleep};

use crate::{live::Live, pod::Pod};

/// The running application.
pub(crate) struct Office {
    pub(crate) app: App,
    pub(crate) base: String,
    pub(crate) http: Client,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Office {
    /// Opens the application on this directory.
    pub(crate) async fn open(data: &Path, pod: &Pod) -> Self {
        Self::with(data, pod.settings(), pod).await
    }

    pub(crate) async fn with(data: &Path, oracle: oracle::Settings, pod: &Pod) -> Self {
        let app = App::open(Settings {
            data: data.to_owned(),
            oracle,
            simulator: Some(pod.simulator.clone()),
            secure_cookies: false,
        });
        let app = app.await.unwrap();
        demo::fill(&app).await.unwrap();
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

    pub(crate) async fn login(&self, name: &str) -> Api {
        Api::login(&self.base, name).await
    }

    /// Ends the application, gracefully.
    pub(crate) async fn close(self) {
        self.app.shutdown().await;
        drop(self.stop);
        self.server.await.unwrap().unwrap();
    }
}

/// Somebody signed in over the API.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) base: String,
    pub(crate) token: String,
    http: Client,
}

impl Api {
    pub(crate) async fn login(base: &str, name: &str) -> Self {
        let http = Client::new();
        let body = json!({"name": name, "password": demo::PASSWORD});
        let answer = http.post(format!("{base}/api/login")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        Self { base: base.to_owned(), token: answer["token"].as_str().unwrap().to_owned(), http }
    }

    /// The same person at another address: tokens outlive the process that gave them.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        read(request.send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token);
        read(request.json(body).send().await.unwrap()).await
    }

    pub(crate) async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token);
        read(request.header("idempotency-key", key).json(body).send().await.unwrap()).await
    }

    /// A transfer of 1,200.50 in the period that is open today.
    pub(crate) async fn draft(&self) -> Value {
        let (_, books) = self.get("/api/books").await;
        let open = |period: &&Value| period["open"] == true;
        let period = books["periods"].as_array().unwrap().iter().find(open).unwrap().clone();
        json!({
            "description": "Training moves to IT",
            "period": period["name"],
            "date": period["first"],
            "lines": [
                {"account": "101-20-5110-000", "debit": "1200.50", "description": "courses"},
                {"account": "101-10-5110-000", "credit": "1,200.50"},
            ],
        })
    }

    /// Submits it; answers its number.
    pub(crate) async fn submit(&self) -> i64 {
        let (status, answer) = self.post("/api/transfers", &self.draft().await).await;
        assert_eq!(status, 202, "{answer}");
        answer["id"].as_i64().unwrap()
    }

    pub(crate) async fn transfer(&self, id: i64) -> Value {
        let (status, transfer) = self.get(&format!("/api/transfers/{id}")).await;
        assert_eq!(status, 200, "{transfer}");
        transfer
    }

    /// Waits until the upload has ended; answers the transfer.
    pub(crate) async fn ended(&self, id: i64) -> Value {
        for _ in 0..6_000 {
            let transfer = self.transfer(id).await;
            if ["completed", "failed", "cancelled"].contains(&transfer["state"].as_str().unwrap()) {
                return transfer;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("the upload did not end: {}", self.transfer(id).await);
    }

    /// The live stream with the API's token.
    pub(crate) async fn live(&self) -> Live {
        Live::open(&self.base, &format!("token={}", self.token), &[]).await
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
