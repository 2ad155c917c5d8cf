//! Documents: sent by the applicant through the status page, kept apart, opened by reviewers only.

use serde_json::json;

use crate::{
    browser::{Browser, location},
    office::{Office, application},
};

const PAPER: &[u8] = b"%PDF-1.4 a paper";

/// Applies in a browser; answers it, and the path of its status page.
async fn applicant<'a>(office: &'a Office, company: &str) -> (Browser<'a>, String) {
    let browser = Browser::new(office);
    let page = browser.page("/apply").await;
    let mut form = vec![("submission".to_owned(), crate::browser::hidden(&page, "submission"))];
    for (key, value) in application(company).as_object().unwrap() {
        form.push((key.clone(), value.as_str().unwrap().to_owned()));
    }
    let form: Vec<_> = form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let answer = browser.post("/apply", &form).await;
    assert_eq!(answer.status(), 303);
    let path = location(&answer).to_owned();
    (browser, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_sent_once_named_safely_and_kept_from_running() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    let (browser, path) = applicant(&office, "Acme").await;
    let page = browser.page(&path).await;
    // A double click.
    for _ in 0..2 {
        let answer =
            browser.upload(&format!("{path}/documents"), &page, "../../<b>plan</b>.exe", PAPER).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, path.as_str()));
    }
    let (_, shown) = office.get(&rita, "/api/applications/1").await;
    assert_eq!(shown["documents"].as_array().unwrap().len(), 1);
    let document = &shown["documents"][0];
    assert_eq!((&document["name"], &document["bytes"]), (&json!("b.pdf"), &json!(PAPER.len())));
    assert!(browser.page(&path).await.contains("b.pdf"));

    let reviewer = Browser::sign_in(&office, "rita").await;
    let file = reviewer.get("/office/documents/1").await;
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"b.pdf\"");
    assert_eq!(file.headers()["content-type"], "application/pdf");
    assert_eq!(file.headers()["x-content-type-options"], "nosniff");
    assert_eq!(file.headers()["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(file.bytes().await.unwrap(), PAPER);
    // Not even the applicant opens it: the office's pages are the office's.
    let answer = browser.get("/office/documents/1").await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/login?next=/office/documents/1"));
    // One file is on disk, under a name of ours.
    let files: Vec<_> = std::fs::read_dir(data.path().join("documents")).unwrap().collect();
    assert_eq!(files.len(), 1);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document_is_refused_on_the_page() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    let (browser, path) = applicant(&office, "Acme").await;
    let page = browser.page(&path).await;
    let target = format!("{path}/documents");
    let large = [PAPER, &vec![0; suppliers::document::MOST_BYTES][..]].concat();
    for (bytes, status, said) in [
        (&b"<svg onload=alert(1)>"[..], 422, "expected a PDF, PNG or JPEG"),
        (b"", 422, "choose a file"),
        (&large, 413, "a file may take 5 MiB at most"),
    ] {
        let answer = browser.upload(&target, &page, "a.pdf", bytes).await;
        assert_eq!(answer.status(), status, "{said}");
        let text = answer.text().await.unwrap().to_lowercase();
        assert!(text.contains(&said.to_lowercase()), "{said}");
    }
    // Without the page's proof.
    let forged = page.replace(&crate::browser::hidden(&page, "csrf"), "forged");
    assert_eq!(browser.upload(&target, &forged, "a.pdf", PAPER).await.status(), 403);
    // After the decision.
    office.step(&rita, 1, "review", json!(null)).await;
    office.step(&rita, 1, "reject", json!({"reason": "No"})).await;
    assert_eq!(browser.upload(&target, &page, "a.pdf", PAPER).await.status(), 409);
    assert_eq!(
        std::fs::read_dir(data.path().join("documents")).unwrap().count(),
        0,
        "nothing is left behind"
    );
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicant_reaches_their_own_application_only() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let (acme, of_acme) = applicant(&office, "Acme").await;
    let (bolt, of_bolt) = applicant(&office, "Bolt").await;
    // Another's page asks for another's address.
    let answer = bolt.get(&of_acme).await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/status"));
    // A document lands at one's own, whatever the address says.
    let page = bolt.page(&of_bolt).await;
    bolt.upload(&format!("{of_acme}/documents"), &page, "a.pdf", PAPER).await;
    assert!(!acme.page(&of_acme).await.contains("a.pdf"));
    assert!(bolt.page(&of_bolt).await.contains("a.pdf"));
    office.close().await;
}
