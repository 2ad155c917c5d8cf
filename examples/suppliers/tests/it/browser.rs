//! A browser as far as these tests need one: cookies, forms, and the proof on the page it looks at.

use std::sync::Mutex;

use reqwest::{RequestBuilder, Response, header};

use crate::office::{Office, PASSWORD};

/// A browser with its cookies.
pub(crate) struct Browser<'a> {
    office: &'a Office,
    cookies: Mutex<Vec<(String, String)>>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(office: &'a Office) -> Self {
        Self { office, cookies: Mutex::default() }
    }

    pub(crate) async fn sign_in(office: &'a Office, name: &str) -> Self {
        let browser = Self::new(office);
        let email = format!("{name}@x.example");
        let answer = browser.post("/login", &[("email", &email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status(), 303);
        browser
    }

    pub(crate) fn cookie(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&self, answer: &Response) {
        let mut cookies = self.cookies.lock().unwrap();
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("HttpOnly; SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            cookies.retain(|(known, _)| known != name);
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    async fn send(&self, request: RequestBuilder) -> Response {
        let answer = request.header(header::COOKIE, self.cookie()).send().await.unwrap();
        self.keep(&answer);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(self.office.http.get(format!("{}{path}", self.office.base))).await
    }

    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.office.http.post(format!("{}{path}", self.office.base));
        self.send(request.with_form(form)).await
    }

    /// Sends a file by the form on the page.
    pub(crate) async fn upload(&self, path: &str, page: &str, name: &str, bytes: &[u8]) -> Response {
        let mut body = Vec::new();
        let fields = [("csrf", hidden(page, "csrf")), ("submission", hidden(page, "submission"))];
        for (field, value) in fields.into_iter().chain([("kind", "TRADE_LICENCE".to_owned())]) {
            let part = format!("--b\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head =
            format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--b--\r\n");
        let request = self.office.http.post(format!("{}{path}", self.office.base));
        self.send(request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=b").body(body)).await
    }
}

/// A form's body as browsers send it.
pub(crate) trait WithForm {
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
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let start = page.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}"));
    page[start..].split('"').nth(3).unwrap().to_owned()
}

/// Where an answer leads.
pub(crate) fn location(answer: &Response) -> &str {
    answer.headers()[header::LOCATION].to_str().unwrap()
}
