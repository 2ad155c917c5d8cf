//! Ten thousand malformed requests: each is refused as a problem, none harms the server.

use axum::{body::Body, extract::Request, response::Response};
use http_body_util::BodyExt as _;
use oyez::auth::Scope;
use tower::ServiceExt as _;

use crate::support::TestApp;

/// A small generator with a seed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*, by Marsaglia and Vigna.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn text(&mut self, most: usize) -> String {
        const PIECES: [&str; 24] = [
            "a",
            "0",
            "-",
            ".",
            "/",
            "%",
            "%00",
            "%ff",
            "{",
            "}",
            "[",
            "\"",
            "\\",
            ":",
            "=",
            "&",
            "é",
            "\u{202e}",
            "😀",
            "null",
            "e30",
            "18446744073709551616",
            "user:",
            "oyez_sk_",
        ];
        (0..self.below(most + 1)).map(|_| *self.one(&PIECES)).collect()
    }
}

const PATHS: [(&str, &str); 20] = [
    ("POST", "/api/v1/notifications"),
    ("POST", "/api/v1/notifications/batch"),
    ("GET", "/api/v1/notifications/"),
    ("DELETE", "/api/v1/notifications/"),
    ("POST", "/api/v1/events"),
    ("GET", "/api/v1/inbox"),
    ("GET", "/api/v1/inbox/changes"),
    ("PATCH", "/api/v1/inbox/"),
    ("POST", "/api/v1/inbox/mark"),
    ("PUT", "/api/v1/users"),
    ("PUT", "/api/v1/users/"),
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/users/"),
    ("PUT", "/api/v1/topics/x/members/"),
    ("GET", "/api/v1/topics/x/members"),
    ("POST", "/api/v1/keys"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/logout"),
    ("GET", "/ws/notifications/"),
    ("GET", "/sse/notifications/"),
];

const BODIES: [&str; 16] = [
    r#"{"to":"user:a","message":"x"}"#,
    r#"{"to":["everyone"],"message":"x","data":{"a":1},"type":"t"}"#,
    r#"{"notifications":[{"to":"user:a","message":"x"}]}"#,
    r#"{"action":"read","all":true}"#,
    r#"{"name":"x","scopes":["publish"]}"#,
    r#"{"users":[{"id":"a"}]}"#,
    r#"{"refresh":"x"}"#,
    r#"{"to":{"user":"a"},"message":null}"#,
    r#"{"to":"user:a","message":"x","send_at":"9999-99-99"}"#,
    r#"{"to":"user:a","message":"x","expires_at":1e400}"#,
    "[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":",
    "nul",
    "\"\\ud800\"",
    "{\"to\":\"user:\u{0}\",\"message\":\"\u{0}\"}",
    "{\"to\":\"user:a\",\"to\":\"user:b\",\"message\":\"x\"}",
];

fn mangled(random: &mut Random, tokens: &[String]) -> Request {
    let (method, path) = *random.one(&PATHS);
    let method =
        if random.below(12) == 0 { *random.one(&["PUT", "TRACE", "OPTIONS", "PURGE"]) } else { method };
    let mut uri = path.to_owned();
    if uri.ends_with('/') || random.below(8) == 0 {
        uri.extend(random.text(6).chars().filter(|c| c.is_ascii_alphanumeric() || "%.-_~/".contains(*c)));
    }
    if random.below(2) == 0 {
        uri.push('?');
        let names =
            ["limit", "cursor", "before", "after_seq", "status", "token", "ticket", "since", "epoch", "user"];
        for _ in 0..random.below(4) {
            uri.push_str(names[random.below(names.len())]);
            uri.push('=');
            uri.extend(
                random.text(5).chars().filter(|c| c.is_ascii_alphanumeric() || "%.-_~/=".contains(*c)),
            );
            uri.push('&');
        }
    }
    let mut body = random.one(&BODIES).as_bytes().to_vec();
    match random.below(4) {
        0 => body = random.bytes(300),
        1 if !body.is_empty() => {
            let place = random.below(body.len());
            body[place] = random.next().to_le_bytes()[0];
        }
        2 => body.truncate(random.below(body.len() + 1)),
        _ => {}
    }
    let mut request = Request::builder().method(method).uri(&uri);
    if random.below(5) > 0 {
        request = request.header("content-type", "application/json");
    }
    let token = match random.below(3) {
        0 => random.one(tokens).clone(),
        1 => {
            let mut token = random.one(tokens).clone().into_bytes();
            let place = random.below(token.len());
            token[place] = b'!' + token[place] % 90;
            String::from_utf8(token).unwrap()
        }
        _ => random.text(8),
    };
    let header = *random.one(&["authorization", "cookie", "sec-websocket-protocol", "authorization"]);
    let prefix = match header {
        "authorization" => *random.one(&["Bearer ", "bearer ", "Basic ", ""]),
        "cookie" => "oyez_session=",
        _ => "oyez.v1, bearer.",
    };
    if let Ok(value) = http::HeaderValue::from_bytes(format!("{prefix}{token}").as_bytes()) {
        request = request.header(header, value);
    }
    for name in ["idempotency-key", "origin", "x-request-id", "last-event-id", "upgrade", "x-forwarded-for"] {
        if random.below(6) == 0 {
            let value: Vec<u8> =
                random.bytes(20).into_iter().filter(|byte| *byte >= 0x20 && *byte != 0x7f).collect();
            request = request.header(name, http::HeaderValue::from_bytes(&value).unwrap());
        }
    }
    request.body(Body::from(body)).unwrap_or_else(|_| Request::new(Body::empty()))
}

async fn check(request: String, response: Response) {
    let status = response.status().as_u16();
    assert!(status < 500, "{status} for {request}");
    assert!(
        response.headers().contains_key("x-request-id")
            || request.contains("/ws/")
            || request.contains("/sse/")
    );
    let is_problem =
        response.headers().get("content-type").is_some_and(|kind| kind == "application/problem+json");
    if status < 400 || !is_problem {
        assert!(
            status < 400 || request.contains("/ws/") || request.contains("/sse/"),
            "{status} for {request}"
        );
        return;
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected = match problem["code"].as_str().unwrap() {
        "not_json" => 400,
        "token_missing" | "token_malformed" | "token_invalid" | "token_expired" | "key_invalid"
        | "ticket_invalid" | "login_failed" | "session_revoked" => 401,
        "forbidden" | "csrf_failed" | "user_disabled" | "origin_forbidden" => 403,
        "not_found" => 404,
        "method_not_allowed" => 405,
        "conflict" => 409,
        "unsupported_media_type" => 415,
        "invalid" | "reserved_key" | "idempotency_mismatch" => 422,
        "too_many_requests" => 429,
        other => panic!("{other} for {request}"),
    };
    assert_eq!(status, expected, "{request}");
}

#[tokio::test]
async fn ten_thousand_malformed_requests_are_refused_without_harm() {
    let app = TestApp::start().await;
    let tokens = [
        app.user("anna", &[]).await,
        app.user("root", &["admin"]).await,
        app.key(&[Scope::Publish]).await,
        app.key(&[Scope::Users]).await,
    ];
    let router = app.gateway.router().merge(app.http.router()).merge(app.http.fallback());
    let seed = 0x6f79_657a_0000_0001;
    let mut random = Random(seed);
    let mut seen = std::collections::BTreeMap::<u16, u32>::new();
    for number in 0..10_000 {
        let request = mangled(&mut random, &tokens);
        let shown = format!("number {number} of seed {seed:x}: {} {}", request.method(), request.uri());
        let response = router.clone().oneshot(request).await.unwrap();
        *seen.entry(response.status().as_u16()).or_default() += 1;
        check(shown, response).await;
    }
    // It was neither all noise nor all the same noise.
    for status in [400, 401, 403, 404, 405, 415, 422] {
        assert!(seen.get(&status).is_some_and(|count| *count > 50), "{seen:?}");
    }
    // It serves on.
    app.get("/api/auth/me", &tokens[0]).await.expect(200);
}
