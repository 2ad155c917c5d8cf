//! The pages as a browser uses them: cookies, forms, escaping, and who is kept out.

use serde_json::json;

use crate::{
    browser::{Browser, hidden, location},
    office::{Office, PASSWORD},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_application_moves_by_forms_and_a_double_click_counts_once() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    office.apply("Acme").await;
    let browser = Browser::sign_in(&office, "rita").await;
    assert!(browser.page("/office/applications").await.contains("Acme"));
    let page = browser.page("/office/applications/1").await;
    let (csrf, submission) = (hidden(&page, "csrf"), hidden(&page, "submission"));
    let form = [("csrf", csrf.as_str()), ("submission", submission.as_str())];
    for _ in 0..2 {
        let answer = browser.post("/office/applications/1/review", &form).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/office/applications/1"));
    }
    // The same move from a second form is refused, on a page that says what is possible.
    let late = [("csrf", csrf.as_str()), ("submission", "another")];
    let refused = browser.post("/office/applications/1/review", &late).await;
    assert_eq!(refused.status(), 409);
    let text = refused.text().await.unwrap();
    assert!(text.contains("possible now: &quot;request_documents&quot;"), "{text}");
    // It says where it lives, so that its script does not follow the form's address.
    assert!(text.contains("data-address=\"/office/applications/1\""), "{text}");
    // A form that is not from our page changes nothing.
    let forged = [("csrf", "forged"), ("submission", "x")];
    assert_eq!(browser.post("/office/applications/1/approve", &forged).await.status(), 403);
    assert_eq!(office.get(&rita, "/api/applications/1").await.1["status"], "UNDER_REVIEW");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_forms_are_sent_to_leads_to_their_page() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let browser = Browser::new(&office);
    for (form, page) in [
        ("/status/GCX-2026-000001/documents", "/status/GCX-2026-000001"),
        ("/status/%0A/documents", "/status"),
        ("/office/applications/7/reject", "/office/applications/7"),
        ("/office/applications/approve", "/office/applications"),
        ("/office/announcements", "/office/bulk"),
        ("/office/tasks/suppliers.cleanup/run", "/office/tasks"),
        ("/office/refresh", "/office"),
        ("/logout", "/"),
    ] {
        let answer = browser.get(form).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, page), "{form}");
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_an_applicant_writes_is_shown_as_text() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let mut typed = crate::office::application("Acme");
    for field in ["company_name", "contact_name", "description", "country", "registration_number"] {
        typed[field] =
            json!(format!("<img src=x onerror=\"{field}\">")[..].chars().take(40).collect::<String>());
    }
    let request = office.http.post(format!("{}/api/applications", office.base)).json(&typed);
    assert_eq!(request.send().await.unwrap().status(), 201);
    let browser = Browser::sign_in(&office, "ada").await;
    for path in ["/office", "/office/applications", "/office/applications/1", "/office/applications?q=%3Cimg"]
    {
        let page = browser.page(path).await;
        assert!(!page.contains("<img src=x"), "{path}");
        assert!(page.contains("&lt;img src=x"), "{path}");
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_searched_filtered_and_paged() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    for number in 1..=30 {
        office.apply_directly(&format!("Company {number}")).await;
    }
    office.apply_directly("100% Zürich_AG").await;
    office.step(&rita, 30, "review", json!(null)).await;
    let total = async |query: &str| {
        let (_, list) = office.get(&rita, &format!("/api/applications?{query}")).await;
        (list["total"].as_u64().unwrap(), list["data"].as_array().unwrap().len())
    };
    assert_eq!(total("").await, (31, 25));
    assert_eq!(total("page=2").await, (31, 6));
    assert_eq!(total("page=99").await, (31, 6));
    assert_eq!(total("q=company-1").await, (11, 11));
    assert_eq!(total("q=-000031").await, (1, 1));
    assert_eq!(total("q=Z%C3%9CRICH").await, (1, 1));
    assert_eq!(total("q=%25").await, (1, 1));
    assert_eq!(total("q=_").await, (1, 1));
    assert_eq!(total("status=UNDER_REVIEW").await, (1, 1));
    assert_eq!(total("category=CATERING").await, (0, 0));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplier_sets_a_password_before_anything_else() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    office.apply("Acme").await;
    office.step(&rita, 1, "review", json!(null)).await;
    office.step(&rita, 1, "approve", json!(null)).await;
    let user = oyez::protocol::UserId::new("supplier-1").unwrap();
    let token = office.app.oyez.issue_token(&user, &[], std::time::Duration::from_secs(60)).unwrap();
    let query = format!("token={}&since=0", token.access.reveal());
    let mut live = crate::live::Live::open(&office.base, "notifications", &query, &[]).await;
    let mail = live.until(|frame| frame["type"] == "application_approved").await;
    let temporary = mail["temporary_password"].as_str().unwrap();
    drop(live);

    let browser = Browser::new(&office);
    let answer = browser.post("/login", &[("email", "acme@x.example"), ("password", temporary)]).await;
    assert_eq!(answer.status(), 303);
    for path in ["/account", "/office", "/office/applications"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/password"), "{path}");
    }
    // The temporary password has done what it can.
    let other = Browser::new(&office);
    let again = other.post("/login", &[("email", "acme@x.example"), ("password", temporary)]).await;
    assert_eq!(again.status(), 401);

    let csrf = hidden(&browser.page("/password").await, "csrf");
    let differs = [("csrf", csrf.as_str()), ("password", "a long password"), ("again", "another password")];
    assert_eq!(browser.post("/password", &differs).await.status(), 422);
    let right = [("csrf", csrf.as_str()), ("password", "a long password"), ("again", "a long password")];
    let answer = browser.post("/password", &right).await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/account"));
    assert!(browser.page("/account").await.contains("Boss of Acme"));
    // A supplier is no reviewer.
    let refused = browser.get("/office").await;
    assert_eq!(refused.status(), 403);
    let page = refused.text().await.unwrap();
    assert!(page.contains("Sign out") && page.contains("href=\"/account\""), "still signed in: {page}");
    assert!(!page.contains("href=\"/office\""), "nothing leads back into it: {page}");
    assert_eq!(browser.get("/office/applications/1").await.status(), 403);
    let answer = other.post("/login", &[("email", "acme@x.example"), ("password", "a long password")]).await;
    assert_eq!(location(&answer), "/account");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracking_code_alone_opens_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let code = office.apply("Acme").await;
    let browser = Browser::new(&office);
    for path in [format!("/status/{code}"), "/status/GCX-2026-999999".into()] {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status(), 303, "{path}");
        assert!(location(&answer).starts_with("/status?code=GCX-"), "{path}");
    }
    // Right code and wrong address, unknown code: the same answer, word for word.
    let mut answers = vec![];
    for (given, email) in [(code.as_str(), "eve@x.example"), ("GCX-2026-999999", "eve@x.example")] {
        let answer = browser.post("/status", &[("code", given), ("email", email)]).await;
        assert_eq!(answer.status(), 401);
        answers.push(answer.text().await.unwrap().replace(&format!("value=\"{given}\""), "value=\"CODE\""));
    }
    assert_eq!(answers[0], answers[1]);
    let answer =
        browser.post("/status", &[("code", &code.to_lowercase()), ("email", "ACME@x.example")]).await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, format!("/status/{code}").as_str()));
    let page = browser.page(&format!("/status/{code}")).await;
    assert!(page.contains("Pending Review"));
    // After ten wrong ones from here, even the right one has to wait.
    for _ in 0..10 {
        drop(browser.post("/status", &[("code", "GCX-2026-999999"), ("email", "eve@x.example")]).await);
    }
    let answer = browser.post("/status", &[("code", &code), ("email", "acme@x.example")]).await;
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_led_to_the_login_and_foreign_forms_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let browser = Browser::new(&office);
    for path in
        ["/office", "/office/applications/1", "/office/bulk", "/office/tasks", "/account", "/password"]
    {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status().as_u16(), location(&answer).to_owned()),
            (303, format!("/login?next={path}"))
        );
    }
    let page = office.http.get(format!("{}/apply", office.base)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for path in ["/login", "/apply", "/status"] {
        let request =
            office.http.post(format!("{}{path}", office.base)).header("sec-fetch-site", "cross-site");
        let form = crate::browser::WithForm::with_form(
            request,
            &[("email", "rita@x.example"), ("password", PASSWORD)],
        );
        assert_eq!(form.send().await.unwrap().status(), 403, "{path}");
    }
    let reviewer = Browser::sign_in(&office, "rita").await;
    assert_eq!(reviewer.get("/office/bulk").await.status(), 403);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_nothing_is_behind_says_so() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let get = async |path: &str| office.http.get(format!("{}{path}", office.base)).send().await.unwrap();
    for path in ["/nowhere", "/office/nowhere", "/static/none.js", "/ws/nowhere"] {
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
