//! TLS from files: the whole server behind it, and a certificate that is renewed while it runs.

use std::{fs, path::Path, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

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
