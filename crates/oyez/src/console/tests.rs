use std::{collections::BTreeSet, fs, path::Path};

use axum::{body::Body, http::Request};
use tower::ServiceExt as _;

use super::*;

async fn fetch(path: &str, known: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(etag) = known {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn every_file_of_the_console_folder_is_served() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".html") && name != "service-worker.js")
        .map(|name| format!("/console/{name}"))
        .collect();
    let served: BTreeSet<String> = ASSETS
        .iter()
        .map(|asset| asset.path.to_owned())
        .filter(|path| path.starts_with("/console/"))
        .collect();
    assert_eq!(files, served);
}

#[tokio::test]
async fn a_page_is_guarded_and_is_not_sent_twice() {
    let page = fetch("/", None).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(page.headers()[header::CONTENT_TYPE], HTML);
    assert!(
        page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'self'")
    );
    let etag = page.headers()[header::ETAG].to_str().unwrap().to_owned();

    let known = format!("\"other\", W/{etag}");
    assert_eq!(fetch("/", Some(&known)).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(fetch("/", Some("\"other\"")).await.status(), StatusCode::OK);
    assert_eq!(fetch("/docs", Some(&etag)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_service_worker_may_speak_for_every_page() {
    for router in [router(), docs()] {
        let request = Request::get("/oyez-sw.js").body(Body::empty()).unwrap();
        let worker = router.oneshot(request).await.unwrap();
        assert_eq!(worker.status(), StatusCode::OK);
        assert_eq!(worker.headers()[header::CONTENT_TYPE], SCRIPT);
        assert_eq!(worker.headers()["service-worker-allowed"], "/");
        assert_eq!(worker.headers()[header::CACHE_CONTROL], "no-cache");
    }
}

#[test]
fn no_page_holds_a_script_or_style_that_the_policy_forbids() {
    for asset in ASSETS.iter().filter(|asset| asset.content_type == HTML) {
        let page = std::str::from_utf8(asset.body).unwrap();
        for forbidden in ["<style", " style=", " onclick=", "javascript:", "//cdn", "<script>"] {
            assert!(!page.contains(forbidden), "{}: {forbidden}", asset.path);
        }
    }
}

#[test]
fn whatever_a_file_refers_to_is_served() {
    let served: BTreeSet<&str> = ASSETS.iter().map(|asset| asset.path).collect();
    for asset in ASSETS {
        let text = std::str::from_utf8(asset.body).unwrap();
        for quoted in text.split('"') {
            let path = match (quoted.strip_prefix("./"), quoted.starts_with("/console/")) {
                (Some(file), _) if file.ends_with(".js") => format!("/console/{file}"),
                (_, true) => quoted.to_owned(),
                _ => continue,
            };
            assert!(served.contains(path.as_str()), "{} refers to {path}", asset.path);
        }
    }
}
