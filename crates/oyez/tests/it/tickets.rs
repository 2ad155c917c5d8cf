//! Tickets: good once, for a minute.

use oyez_protocol::ErrorCode;
use serde_json::json;

use crate::support::{TestApp, foreign_token};

async fn ticket(app: &TestApp, token: &str) -> http::request::Parts {
    let answer = app.post("/api/auth/ticket", token, &json!({})).await.expect(200).json();
    let uri = format!("/ws/notifications/?ticket={}", answer["ticket"].as_str().unwrap());
    http::Request::get(uri).body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn a_ticket_opens_one_connection_with_the_rights_of_its_token() {
    let app = TestApp::start().await;
    let token = foreign_token(&json!({"sub": "anna", "exp": app.now() + 600, "roles": ["auditor"]}));
    let parts = ticket(&app, &token).await;
    let user = app.auth.handshake(&parts).await.unwrap();
    assert_eq!(user.id.as_str(), "anna");
    assert_eq!(user.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(), ["auditor"]);
    assert!(!user.via_cookie);
    assert_eq!(app.auth.handshake(&parts).await.unwrap_err().code, ErrorCode::TicketInvalid);
}

#[tokio::test]
async fn a_ticket_ends_after_a_minute_and_cannot_be_made_up() {
    let app = TestApp::start().await;
    let token = app.user("anna", &[]).await;
    let parts = ticket(&app, &token).await;
    app.hand.advance(60);
    assert_eq!(app.auth.handshake(&parts).await.unwrap_err().code, ErrorCode::TicketInvalid);
    let made_up = http::Request::get("/ws/notifications/?ticket=made-up").body(()).unwrap().into_parts().0;
    assert_eq!(app.auth.handshake(&made_up).await.unwrap_err().code, ErrorCode::TicketInvalid);
}

#[tokio::test]
async fn a_ticket_is_for_users_and_no_way_into_the_api() {
    let app = TestApp::start().await;
    let key = app.key(&[oyez::auth::Scope::Admin]).await;
    app.post("/api/auth/ticket", &key, &json!({})).await.refused(403, "forbidden");
    let token = app.user("anna", &[]).await;
    let answer = app.post("/api/auth/ticket", &token, &json!({})).await.expect(200).json();
    let path = format!("/api/v1/inbox?ticket={}", answer["ticket"].as_str().unwrap());
    app.send(app.request(reqwest::Method::GET, &path)).await.refused(401, "token_missing");
}

#[tokio::test]
async fn an_application_gets_tickets_for_its_users() {
    let app = TestApp::start().await;
    let key = app.key(&[oyez::auth::Scope::Users]).await;
    let answer = app.post("/api/v1/users/anna/ticket", &key, &json!({})).await.expect(200).json();
    let uri = format!("/ws/notifications/?ticket={}", answer["ticket"].as_str().unwrap());
    let parts = http::Request::get(uri).body(()).unwrap().into_parts().0;
    assert_eq!(app.auth.handshake(&parts).await.unwrap().id.as_str(), "anna");
    let ben = app.user("ben", &[]).await;
    app.post("/api/v1/users/anna/ticket", &ben, &json!({})).await.refused(403, "forbidden");
}
