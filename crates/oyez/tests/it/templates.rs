//! `/api/v1/templates` over HTTP.

use oyez::auth::Scope;
use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_template_is_stored_read_listed_previewed_and_deleted() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Admin]).await;
    let path = "/api/v1/templates/ticket_created/email";
    let body =
        json!({"locale": "de_ch", "subject": "Ticket {{ ticket.id }}", "html": "<p>{{ message }}</p>"});
    let stored = app.put(path, &key, &body).await.expect(200).json();
    assert_eq!((&stored["locale"], &stored["origin"]), (&json!("de-CH"), &json!("stored")));
    let read = app.get(&format!("{path}?locale=de-CH"), &key).await.expect(200).json();
    assert_eq!(read, stored);
    app.get(path, &key).await.refused(404, "not_found");
    let list = app.get("/api/v1/templates", &key).await.expect(200).json();
    let names: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["type"].as_str().unwrap(), one["locale"].as_str().unwrap_or_default()))
        .collect();
    let built_in = ["default", "digest", "layout"].map(|name| [(name, ""), (name, "de")]).concat();
    assert_eq!(names, [built_in, vec![("ticket_created", "de-CH")]].concat());
    let asked = json!({"locale": "de-CH", "notification": {"ticket": {"id": 7}, "message": "<b>"}});
    let shown = app.post(&format!("{path}/preview"), &key, &asked).await.expect(200).json();
    assert_eq!(shown, json!({"subject": "Ticket 7", "text": "<b>\n", "html": "<p>&lt;b&gt;</p>"}));
    app.delete(&format!("{path}?locale=de-CH"), &key).await.expect(204);
    app.delete(&format!("{path}?locale=de-CH"), &key).await.refused(404, "not_found");
    app.delete("/api/v1/templates/default/email", &key).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_broken_template_is_refused_with_its_part_line_and_column() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Admin]).await;
    let path = "/api/v1/templates/t/email";
    let refused = app.put(path, &key, &json!({"text": "a\n{{ b c }}"})).await;
    let problem = refused.refused(422, "invalid").json();
    assert_eq!(problem["field"], "text");
    assert!(
        problem["detail"].as_str().unwrap().starts_with("template t, text, line 2, column "),
        "{problem}"
    );
    app.put(path, &key, &json!({})).await.refused(422, "invalid");
    app.put("/api/v1/templates/t/web_push", &key, &json!({"text": "a"})).await.refused(422, "invalid");
    app.put("/api/v1/templates/a%2Fb/email", &key, &json!({"text": "a"})).await.refused(422, "invalid");
    let missing = json!({"template": {"text": "{{ gone }}"}});
    let problem = app.post(&format!("{path}/preview"), &key, &missing).await;
    assert!(problem.refused(422, "invalid").text.contains("there is no value for `gone`"));
}

#[tokio::test]
async fn templates_take_the_scope_admin() {
    let app = TestApp::start().await;
    let key = app.key(&[Scope::Publish, Scope::Users]).await;
    let path = "/api/v1/templates/t/email";
    app.get("/api/v1/templates", &key).await.refused(403, "forbidden");
    app.put(path, &key, &json!({"text": "a"})).await.refused(403, "forbidden");
    app.delete(path, &key).await.refused(403, "forbidden");
    app.post(&format!("{path}/preview"), &key, &json!({})).await.refused(403, "forbidden");
}

#[tokio::test]
async fn the_page_that_ends_mails_loads_nothing_and_escapes_what_it_shows() {
    let app = TestApp::start().await;
    let answer = app.send(app.request(Method::GET, "/unsubscribe/nothing")).await;
    answer.refused(404, "not_found");
}
