//! The pages as a browser uses them: the cookie, forms, escaping, and who is kept out.

use budget_transfer::{demo::PASSWORD, simulator::Deed};
use reqwest::{RequestBuilder, Response, header};
use serde_json::json;

use crate::{live::Live, office::Office, pod::Pod};

/// A browser with its cookie.
struct Browser<'a> {
    office: &'a Office,
    cookie: String,
}

impl<'a> Browser<'a> {
    async fn sign_in(office: &'a Office, name: &str) -> Self {
        let form = [("name", name), ("password", PASSWORD)];
        let request = office.http.post(format!("{}/login", office.base));
        let answer = request.with_form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        Self { office, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.office.http.get(format!("{}{path}", self.office.base));
        request.header(header::COOKIE, &self.cookie).send().await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    fn form(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let request = self.office.http.post(format!("{}{path}", self.office.base));
        request.header(header::COOKIE, &self.cookie).with_form(form)
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.form(path, form).send().await.unwrap()
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

/// The form of a new transfer as the page offers it, filled in.
async fn filled(browser: &Browser<'_>, description: &'static str) -> Vec<(&'static str, String)> {
    let page = browser.page("/transfers/new").await;
    let after = |mark: &str| page.split(mark).nth(1).unwrap().split('"').next().unwrap().to_owned();
    // The period that is selected is the one that is open today.
    let period = page.split("\" selected").next().unwrap().rsplit('"').next().unwrap().to_owned();
    vec![
        ("submission", after("name=\"submission\" value=\"")),
        ("description", description.to_owned()),
        ("period", period),
        ("date", after("name=\"date\" type=\"date\" value=\"")),
        ("currency", "USD".to_owned()),
        ("account", "101-20-5110-000".to_owned()),
        ("line_description", String::new()),
        ("debit", "10".to_owned()),
        ("credit", String::new()),
        ("account", "101-10-5110-000".to_owned()),
        ("line_description", String::new()),
        ("debit", String::new()),
        ("credit", "10.00".to_owned()),
        // A row that nobody filled in does not count.
        ("account", String::new()),
        ("line_description", String::new()),
        ("debit", String::new()),
        ("credit", String::new()),
    ]
}

fn fields<'a>(form: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    form.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_submitted_by_a_form_and_a_double_click_counts_once() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let browser = Browser::sign_in(&office, "olive").await;
    assert!(browser.page("/transfers").await.contains("No transfers yet"));
    let mut form = filled(&browser, "New projector").await;
    for _ in 0..2 {
        let answer = browser.post("/transfers", &fields(&form)).await;
        let place = answer.headers()["location"].to_str().unwrap();
        assert_eq!((answer.status().as_u16(), place), (303, "/transfers/1"));
    }
    office.login("olive").await.ended(1).await;
    let page = browser.page("/transfers/1").await;
    for shown in
        ["New projector", "10.00 USD", "Posted", "AutoPost", "is document 94001", "AutoPost succeeded"]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("id=\"retry\""));
    assert_eq!(pod.simulator.count(Deed::Upload), 1);

    // What is refused comes back as it was typed, with every reason.
    form[0].1 = "another".into();
    form[7].1 = "10.5".into();
    let refused = browser.post("/transfers", &fields(&form)).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert!(page.contains("debits and credits differ by 0.50: 10.50 against 10.00"), "{page}");
    assert!(page.contains("value=\"10.5\"") && page.contains("value=\"New projector\""), "{page}");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_upload_has_its_log_and_a_retry_button() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let browser = Browser::sign_in(&office, "olive").await;
    let turned = browser.post("/frames/faults", &[("fault", "import_error"), ("turn", "once")]).await;
    assert_eq!(turned.status(), 303);
    assert!(browser.page("/frames").await.contains("Journal Import ends with ERROR"));
    let olive = office.login("olive").await;
    let id = olive.submit().await;
    assert_eq!(olive.ended(id).await["state"], "failed");
    let page = browser.page("/transfers/1").await;
    assert!(page.contains("EP01: a simulated fault") && page.contains("id=\"retry\""), "{page}");
    assert_eq!(browser.post("/transfers/1/retry", &[]).await.status(), 303);
    assert_eq!(olive.ended(id).await["state"], "completed");
    let late = browser.post("/transfers/1/cancel", &[]).await;
    assert_eq!(late.status(), 409);
    let page = late.text().await.unwrap();
    assert!(page.contains("has ended: it is completed"), "{page}");
    // That page lives where the transfer does, and the form's address leads there.
    assert!(page.contains("data-address=\"/transfers/1\""), "{page}");
    let answer = browser.get("/transfers/1/cancel").await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
        (303, "/transfers/1")
    );
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_opens_its_stream_with_the_cookie_of_the_login() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let browser = Browser::sign_in(&office, "olive").await;
    let headers = [("cookie", browser.cookie.as_str()), ("origin", office.base.as_str())];
    let live = Live::open(&office.base, "frames=full", &headers).await;
    assert_eq!(live.greeting["user_id"], "olive");
    drop(live);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_is_never_markup() {
    const EVIL: &str = "<img src=x onerror=alert(1)> & \"quotes\" {{ 7 * 7 }}";
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let browser = Browser::sign_in(&office, "olive").await;
    let form = filled(&browser, EVIL).await;
    assert_eq!(browser.post("/transfers", &fields(&form)).await.status(), 303);
    for path in ["/transfers", "/transfers/1"] {
        let answer = browser.get(path).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self';"), "{policy}");
        let page = answer.text().await.unwrap();
        assert!(
            page.contains("&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quotes&quot; {{ 7 * 7 }}"),
            "{page}"
        );
        assert!(!page.contains("<img src=x"), "{page}");
    }
    assert_eq!(office.login("olive").await.ended(1).await["state"], "completed");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_forged_forms_stay_outside() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    olive.submit().await;
    for path in ["/transfers", "/transfers/1", "/frames"] {
        let nobody = office.http.get(format!("{}{path}", office.base)).send().await.unwrap();
        assert_eq!(
            (nobody.status().as_u16(), nobody.headers()["location"].to_str().unwrap()),
            (303, "/login")
        );
    }
    let wrong = office.http.post(format!("{}/login", office.base));
    let wrong = wrong.with_form(&[("name", "olive"), ("password", "wrong")]).send().await.unwrap();
    assert_eq!(wrong.status(), 401);

    let ben = Browser::sign_in(&office, "ben").await;
    assert_eq!(ben.get("/transfers/1").await.status(), 404);
    assert_eq!(ben.post("/transfers/1/cancel", &[]).await.status(), 404);
    let browser = Browser::sign_in(&office, "olive").await;
    let forged = browser.form("/transfers/1/cancel", &[]).header("sec-fetch-site", "cross-site");
    assert_eq!(forged.send().await.unwrap().status(), 403);
    // The API takes no cookies at all.
    let request = office.http.post(format!("{}/api/transfers", office.base));
    let answer = request.header(header::COOKIE, &browser.cookie).json(&json!({})).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    olive.ended(1).await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_nothing_is_behind_says_so() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let get = async |path: &str| office.http.get(format!("{}{path}", office.base)).send().await.unwrap();
    for path in ["/nowhere", "/transfers/1/nowhere", "/static/none.js", "/ws/nowhere"] {
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
