//! The mails: what is in them, where they stand on the application's page, and what becomes of one that cannot be sent.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    browser::{Browser, WithForm},
    live::Live,
    office::{Office, Somebody, application, read},
};

/// The mails of an application as soon as this is true of them; each change is heard before it is looked at.
async fn mails(
    office: &Office,
    who: &Somebody,
    live: &mut Live,
    id: i64,
    wanted: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    loop {
        let (status, application) = office.get(who, &format!("/api/applications/{id}")).await;
        assert_eq!(status, 200, "{application}");
        let mails = application["mails"].as_array().unwrap().clone();
        if wanted(&mails) {
            return mails;
        }
        live.until(|frame| frame["type"] == "mail_updated").await;
    }
}

fn all_sent(count: usize) -> impl Fn(&[Value]) -> bool {
    move |mails| mails.len() == count && mails.iter().all(|mail| mail["state"] == "sent")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_is_mailed_and_each_mail_is_followed_to_its_end() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    let mut live = office.live(&rita).await;
    let mut typed = application("Acme");
    typed["company_name"] = json!("Acme <b>& Sons</b>");
    let request = office.http.post(format!("{}/api/applications", office.base)).json(&typed);
    let (_, answer) = read(request.send().await.unwrap()).await;
    let code = answer["tracking_code"].as_str().unwrap().to_owned();
    office.step(&rita, 1, "review", json!(null)).await;
    office
        .step(
            &rita,
            1,
            "request_documents",
            json!({"documents": ["INSURANCE"], "note": "This <i>year's</i>"}),
        )
        .await;
    office.step(&rita, 1, "review", json!(null)).await;
    office.step(&rita, 1, "approve", json!(null)).await;

    let sent = mails(&office, &rita, &mut live, 1, all_sent(5)).await;
    let subjects: Vec<_> = sent.iter().map(|mail| mail["subject"].as_str().unwrap()).collect();
    assert_eq!(
        subjects,
        [
            "Approved, with credentials",
            "Status changed",
            "Documents requested",
            "Status changed",
            "Application received"
        ]
    );
    assert!(sent.iter().all(|mail| mail["attempts"] == 1 && mail["reason"].is_null()), "{sent:?}");

    // The mailbox shows them as a mail client would.
    let browser = Browser::new(&office);
    let list = browser.page("/mail").await;
    for subject in
        ["we have your application", "Under Review", "we need documents", "welcome, you are a supplier"]
    {
        assert!(list.contains(&format!("{code}: {subject}")), "{subject}\n{list}");
    }
    assert!(list.contains("acme@x.example"), "{list}");
    let messages: Vec<String> =
        list.split("href=\"/mail/").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(messages.len(), 5);
    let mut with_password = 0;
    for id in &messages {
        let page = browser.page(&format!("/mail/{id}")).await;
        assert!(page.contains("Boss of Acme"), "{page}");
        let html = browser.get(&format!("/mail/{id}/html")).await;
        let policy = html.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("allow-scripts") && !page.contains("allow-scripts"), "{policy}");
        let html = html.text().await.unwrap();
        assert!(!html.contains("<b>& Sons</b>") && !html.contains("<i>year"), "data in mails is text");
        with_password += usize::from(html.contains("Temporary password"));
    }
    assert_eq!(with_password, 1);
    // From elsewhere there is no mailbox, whatever name this machine is called by.
    let elsewhere = office.http.get(format!("{}/mail", office.base)).header("host", "evil.example");
    assert_eq!(elsewhere.send().await.unwrap().status(), 404);
    let elsewhere = office.http.post(format!("{}/mail/server", office.base)).header("host", "evil.example");
    assert_eq!(elsewhere.with_form(&[("turn", "off")]).send().await.unwrap().status(), 404);
    drop(live);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_cannot_be_sent_is_tried_again_and_the_page_says_so() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("mail");
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    let nobody = Browser::new(&office);
    assert_eq!(nobody.post("/mail/server", &[("turn", "off")]).await.status(), 303);
    assert!(nobody.page("/mail").await.contains("The mail server is down"));
    let mut live = office.live(&rita).await;
    office.apply("Acme").await;
    let retrying = |mails: &[Value]| mails.first().is_some_and(|mail| mail["state"] == "retrying");
    let seen = mails(&office, &rita, &mut live, 1, retrying).await;
    assert!(seen[0]["attempts"].as_u64().unwrap() >= 1 && seen[0]["reason"].is_string(), "{seen:?}");
    let browser = Browser::sign_in(&office, "rita").await;
    assert!(browser.page("/office/applications/1").await.contains("class=\"mail m-retrying\""));

    assert_eq!(nobody.post("/mail/server", &[("turn", "on")]).await.status(), 303);
    let seen = mails(&office, &rita, &mut live, 1, all_sent(1)).await;
    assert!(seen[0]["attempts"].as_u64().unwrap() >= 2 && seen[0]["reason"].is_null(), "{seen:?}");
    assert_eq!(count(&folder), 1, "one message, not one for each attempt");
    drop(live);
    office.close().await;
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "eml"))
        .count()
}
