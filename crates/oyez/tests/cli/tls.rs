//! TLS from files: the whole server behind it, and a certificate that is renewed while it runs.

use std::{fs, path::Path, time::Duration};

use futures_util::StreamExt as _;
use rustix::process::{Pid, Signal, kill_process};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::client::IntoClientRequest as _};

use super::binary::{Server, answer};

/// Writes a fresh certificate for 127.0.0.1 and returns it.
fn renew(dir: &Path) -> reqwest::Certificate {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}

fn trusting(certificate: reqwest::Certificate) -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([certificate]).no_proxy().build().unwrap()
}

/// A WebSocket inside TLS (`wss:`), for anna.
async fn open_live(data: &Path, ready: &str) -> WebSocketStream<tokio_rustls::client::TlsStream<TcpStream>> {
    let address = ready.trim_start_matches("https://").trim_end_matches("/readyz").to_owned();
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(data.join("cert.pem")).unwrap();
    roots.add(certificate).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let tcp = TcpStream::connect(&address).await.unwrap();
    let name = "127.0.0.1".try_into().unwrap();
    let stream = connector.connect(name, tcp).await.unwrap();
    let token = answer(data, &["token", "--user", "anna"])["access"].as_str().unwrap().to_owned();
    let mut request = format!("wss://{address}/ws/notifications/").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (live, _response) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    live
}

#[tokio::test]
async fn everything_works_over_tls_and_a_renewed_certificate_is_taken_at_sighup() {
    let data = tempfile::tempdir().unwrap();
    let first = renew(data.path());
    let path = |name: &str| data.path().join(name).display().to_string();
    let settings = format!("[http.tls]\ncert = {:?}\nkey = {:?}\n", path("cert.pem"), path("key.pem"));
    fs::write(data.path().join("oyez.toml"), settings).unwrap();
    let server = Server::start(data.path(), &[]);
    let ready = format!("{}/readyz", server.url());
    assert!(ready.starts_with("https://"), "{ready}");

    assert!(trusting(first).get(&ready).send().await.unwrap().status().is_success());
    assert_eq!(answer(data.path(), &["notify", "user:anna", "Hello"])["recipients"], 1);

    let mut live = open_live(data.path(), &ready).await;
    assert_eq!(answer(data.path(), &["notify", "user:anna", "Again"])["recipients"], 1);
    let mut types = Vec::new();
    while types.len() < 2 {
        let frame = tokio::time::timeout(Duration::from_secs(20), live.next()).await.expect("nothing came");
        let frame: serde_json::Value =
            serde_json::from_str(&frame.unwrap().unwrap().into_text().unwrap()).unwrap();
        types.push(frame["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(types, ["connection_established", "notification"]);

    let second = renew(data.path());
    kill_process(Pid::from_child(&server.child), Signal::HUP).unwrap();
    let client = trusting(second);
    let mut tries = 0;
    while client.get(&ready).send().await.is_err() {
        tries += 1;
        assert!(tries < 200, "the renewed certificate is never served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
