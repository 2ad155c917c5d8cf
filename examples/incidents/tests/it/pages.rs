//! The pages as a browser uses them: cookies, forms, escaping, and who is kept out.

use incidents::people::Role;
use reqwest::{RequestBuilder, Response, header};
use serde_json::json;

use crate::{
    live::Live,
    office::{Office, PASSWORD},
};

/// A browser: its cookies, and the proof on the page it looks at.
struct Browser<'a> {
    office: &'a Office,
    cookies: String,
}

impl<'a> Browser<'a> {
    async fn sign_in(office: &'a Office, name: &str) -> Self {
        let email = format!("{name}@x.example");
        let form = [("email", email.as_str()), ("password", PASSWORD)];
        let answer =
            office.http.post(format!("{}/login", office.base)).with_form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let cookies: Vec<String> = answer
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|cookie| {
                let cookie = cookie.to_str().unwrap();
                assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
                cookie.split(';').next().unwrap().to_owned()
            })
            .collect();
        Self { office, cookies: cookies.join("; ") }
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.office.http.get(format!("{}{path}", self.office.base));
        request.header(header::COOKIE, &self.cookies).send().await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.office.http.post(format!("{}{path}", self.office.base));
        request.header(header::COOKIE, &self.cookies).with_form(form).send().await.unwrap()
    }
}

/// A form's body as browsers send it.
trait WithForm {
    fn with_form(self, fields: &[(&str, &str)]) -> Self;
}

impl WithForm for RequestBuilder {
    fn with_form(self, fields: &[(&str, &str)]) -> Self {
        let encode = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let pairs: Vec<_> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(pairs.join("&"))
    }
}

/// A hidden field's value on a page.
fn hidden(page: &str, name: &str) -> String {
    let start = page.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}"));
    page[start..].split('"').nth(3).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_moves_by_forms_and_a_double_click_counts_once() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, dev, carla]) = Office::staffed(data.path()).await;
    let (mut admin, mut client) = (office.live(&ada).await, office.live(&carla).await);

    let browser = Browser::sign_in(&office, "Carla").await;
    let page = browser.page("/tickets/new").await;
    let (csrf, submission) = (hidden(&page, "csrf"), hidden(&page, "submission"));
    let form = [
        ("csrf", csrf.as_str()),
        ("submission", submission.as_str()),
        ("project", "1"),
        ("title", "Cart is empty"),
        ("description", "Line one\r\nline two"),
        ("priority", "CRITICAL"),
        ("category", "OUTAGE"),
    ];
    for _ in 0..2 {
        let answer = browser.post("/tickets", &form).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["location"]),
            (303, &"/tickets/1".parse().unwrap())
        );
    }
    let heard = admin.frame().await;
    assert_eq!(heard["message"], "New Critical priority ticket created: Cart is empty");
    admin.seq += 1;

    let browser = Browser::sign_in(&office, "Ada").await;
    let page = browser.page("/tickets/1").await;
    let (csrf, submission) = (hidden(&page, "csrf"), hidden(&page, "submission"));
    let form = [("csrf", csrf.as_str()), ("submission", submission.as_str())];
    for _ in 0..2 {
        assert_eq!(browser.post("/tickets/1/open", &form).await.status(), 303);
    }
    assert_eq!(client.frame().await["type"], "ticket_opened");
    client.seq += 1;

    // The same move from a second form is refused, on a page that says what is possible.
    let late = [("csrf", csrf.as_str()), ("submission", "another form")];
    let refused = browser.post("/tickets/1/open", &late).await;
    assert_eq!(refused.status(), 409);
    let page = refused.text().await.unwrap();
    assert!(page.contains("possible now: &quot;assign&quot;"), "{page}");
    // That page lives where the ticket does, and the form's address leads there.
    assert!(page.contains("data-address=\"/tickets/1\""), "{page}");
    for form in ["/tickets/1/open", "/tickets/1/comments"] {
        let answer = browser.get(form).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["location"]),
            (303, &"/tickets/1".parse().unwrap())
        );
    }

    let several = [("csrf", csrf.as_str()), ("submission", "assign"), ("developer", "2")];
    assert_eq!(browser.post("/tickets/1/assign", &several).await.status(), 303);
    let list = Browser::sign_in(&office, "Dev").await.page("/tickets").await;
    assert!(list.contains("Cart is empty"));
    let mut developer = Live::open(&office.base, &format!("token={}&since=0", dev.token), &[]).await;
    assert_eq!(developer.frame().await["type"], "ticket_assigned");
    developer.seq += 1;
    office.nobody_heard_more(&mut [(&ada, &mut admin), (&dev, &mut developer), (&carla, &mut client)]).await;
    drop((admin, client, developer));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_is_never_markup() {
    const EVIL: &str = "<img src=x onerror=alert(1)> & \"quotes\" {{ 7 * 7 }}";
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, _, carla]) = Office::staffed(data.path()).await;
    let ticket = office.report(&carla, EVIL).await;
    let comments = format!("/api/tickets/{}/comments", ticket["id"]);
    assert_eq!(office.post(&carla, &comments, json!({"body": "</p><script>alert(2)</script>"})).await.0, 201);
    let mut admin = Live::open(&office.base, &format!("token={}&since=0", ada.token), &[]).await;
    // Clients get the text as it was written; showing it safely is the page's part.
    assert_eq!(admin.frame().await["ticket"]["title"], EVIL);

    let browser = Browser::sign_in(&office, "Ada").await;
    for path in ["/tickets", "/tickets/1"] {
        let answer = browser.get(path).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self';"), "{policy}");
        let page = answer.text().await.unwrap();
        assert!(
            page.contains("&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quotes&quot; {{ 7 * 7 }}"),
            "{page}"
        );
        assert!(!page.contains("<img src=x") && !page.contains("<script>alert"), "{page}");
    }
    drop(admin);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_opens_its_stream_with_the_cookie_of_the_login() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, _, carla]) = Office::staffed(data.path()).await;
    let browser = Browser::sign_in(&office, "Ada").await;
    let headers = [("cookie", browser.cookies.as_str()), ("origin", office.base.as_str())];
    let mut live = Live::open(&office.base, "frames=full", &headers).await;
    assert_eq!(live.greeting["user_id"], ada.id);
    assert_eq!(live.greeting["unread"], 0);

    // An open page listens to its ticket; what it hears says only "look again".
    let ticket = office.report(&carla, "T").await;
    assert_eq!(live.frame().await["type"], "ticket_created");
    let page = browser.page("/tickets/1").await;
    let topic = page.split("data-watch=\"").nth(1).unwrap().split('"').next().unwrap();
    live.send(&json!({"type": "subscribe", "topic": topic, "ref": 1})).await;
    assert_eq!(live.frame().await["type"], "ack");
    let comments = format!("/api/tickets/{}/comments", ticket["id"]);
    office.post(&carla, &comments, json!({"body": "Hello?"})).await;
    let mut event = live.frame().await;
    event.as_object_mut().unwrap().remove("timestamp").unwrap();
    event.as_object_mut().unwrap().remove("topic");
    assert_eq!(event, json!({"type": "ticket_changed", "ticket": {"id": ticket["id"]}}));
    drop(live);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_forged_forms_stay_outside() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, _, carla]) = Office::staffed(data.path()).await;
    office.person("Sam", &[Role::Client]).await;
    office.report(&carla, "T").await;

    let nobody = office.http.get(format!("{}/tickets/1?x=1", office.base)).send().await.unwrap();
    assert_eq!(nobody.status(), 303);
    assert_eq!(nobody.headers()["location"], "/login?next=/tickets/1%3Fx%3D1");
    assert_eq!(Browser::sign_in(&office, "Sam").await.get("/tickets/1").await.status(), 403);

    let browser = Browser::sign_in(&office, "Ada").await;
    let csrf = hidden(&browser.page("/tickets/1").await, "csrf");
    for form in [vec![], vec![("csrf", "guess")], vec![("csrf", "")]] {
        assert_eq!(browser.post("/tickets/1/open", &form).await.status(), 403);
    }
    // Even with the proof: a form that another site sent.
    let request = office.http.post(format!("{}/tickets/1/open", office.base));
    let request = request.header(header::COOKIE, &browser.cookies).header("sec-fetch-site", "cross-site");
    let forged = request.with_form(&[("csrf", csrf.as_str()), ("submission", "x")]).send().await.unwrap();
    assert_eq!(forged.status(), 403);
    // The API takes no cookies at all.
    let request = office.http.post(format!("{}/api/tickets/1/open", office.base));
    assert_eq!(request.header(header::COOKIE, &browser.cookies).send().await.unwrap().status(), 401);

    let out = browser.post("/logout", &[("csrf", csrf.as_str())]).await;
    assert_eq!(out.status(), 303);
    assert_eq!(browser.get("/tickets").await.status(), 303);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_keep_people_and_projects() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let browser = Browser::sign_in(&office, "Ada").await;
    let csrf = hidden(&browser.page("/people").await, "csrf");
    let form = [
        ("csrf", csrf.as_str()),
        ("name", "Noor"),
        ("email", "noor@x.example"),
        ("password", PASSWORD),
        ("role", "client"),
        ("role", "developer"),
    ];
    assert_eq!(browser.post("/people", &form).await.status(), 303);
    assert_eq!(browser.post("/people", &form).await.status(), 409);
    assert_eq!(
        browser.post("/projects", &[("csrf", csrf.as_str()), ("name", "Payroll")]).await.status(),
        303
    );
    let members = [("csrf", csrf.as_str()), ("add", "4")];
    assert_eq!(browser.post("/projects/2/members", &members).await.status(), 303);
    assert!(browser.page("/projects").await.contains("Payroll"));
    let noor = Browser::sign_in(&office, "Noor").await;
    assert!(noor.page("/tickets/new").await.contains("Payroll"));
    assert_eq!(noor.get("/people").await.status(), 403);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_nothing_is_behind_says_so() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let get = async |path: &str| office.http.get(format!("{}{path}", office.base)).send().await.unwrap();
    for path in ["/nowhere", "/people/nowhere", "/static/none.js", "/ws/nowhere"] {
        let answer = get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(answer.text().await.unwrap().contains("No such "), "{path}");
    }
    for path in ["/api", "/api/nowhere", "/api/v1/nowhere"] {
        let answer = get(path).await;
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!((answer.status().as_u16(), kind.as_str()), (404, "application/problem+json"), "{path}");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "not_found", "{path}");
    }
    // What is Oyez's stays Oyez's.
    assert_eq!(get("/healthz").await.status(), 200);
    assert_eq!(get("/api/v1/boards").await.status(), 401);
    office.close().await;
}
