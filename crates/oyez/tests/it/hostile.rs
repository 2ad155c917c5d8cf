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

const WORK_PATHS: [(&str, &str); 21] = [
    ("POST", "/api/v1/jobs"),
    ("POST", "/api/v1/jobs/batch"),
    ("POST", "/api/v1/jobs/track"),
    ("POST", "/api/v1/jobs/cancel"),
    ("POST", "/api/v1/jobs/retry"),
    ("GET", "/api/v1/jobs"),
    ("GET", "/api/v1/jobs/"),
    ("POST", "/api/v1/jobs/01930d2e-7c5a-7bbb-8000-000000000001/progress"),
    ("POST", "/api/v1/jobs/01930d2e-7c5a-7bbb-8000-000000000001/step"),
    ("POST", "/api/v1/jobs/01930d2e-7c5a-7bbb-8000-000000000001/complete"),
    ("POST", "/api/v1/jobs/01930d2e-7c5a-7bbb-8000-000000000001/fail"),
    ("POST", "/api/v1/jobs/x/snooze"),
    ("GET", "/api/v1/jobs/x/watch"),
    ("POST", "/api/v1/workers/claim"),
    ("GET", "/api/v1/workers"),
    ("PUT", "/api/v1/schedules/"),
    ("PUT", "/api/v1/schedules/x"),
    ("POST", "/api/v1/schedules/x/run"),
    ("POST", "/api/v1/schedules/x/pause"),
    ("PATCH", "/api/v1/queues/"),
    ("PATCH", "/api/v1/queues/x"),
];

const WORK_BODIES: [&str; 18] = [
    r#"{"kind":"a","args":{"x":[1,2]},"user":"u","data":{"n":1},"unique_key":"k","unique_period":60}"#,
    r#"{"kind":"a","timeout":1e400,"priority":-1}"#,
    r#"{"kind":"a","timeout":1e300,"backoff":{"first":1e18,"factor":1e308,"max":-0.0,"jitter":0.5}}"#,
    r#"{"kind":"a","run_at":"9999-12-31T23:59:59Z","max_attempts":65536}"#,
    r#"{"jobs":[{"kind":"a"},{"kind":""},{"kind":"a","data":{"seq":1}}]}"#,
    r#"{"kind":"a","key":"k","silence":0.0001}"#,
    r#"{"ids":["01930d2e-7c5a-7bbb-8000-000000000001","x"]}"#,
    r#"{"state":"completed","queue":"Q","user":""}"#,
    r#"{"attempt":4294967296,"percent":1e309}"#,
    r#"{"attempt":1,"percent":900,"step":"","step_number":0,"total_steps":0}"#,
    r#"{"attempt":1,"name":"s","status":"completed","result":[[[[]]]]}"#,
    r#"{"attempt":1,"error":"x","retry_after":-1e-300,"discard":true,"cancel":true}"#,
    r#"{"worker":"w","kinds":["a"],"queues":["q"],"max":0}"#,
    r#"{"worker":"w\u0000","max":1e2}"#,
    r#"{"cron":"*/0 99 L#W ? 8","job":{"kind":"a"},"misfire":{"all":{"window":1e99,"max":1}}}"#,
    r#"{"cron":"@every 99999999999999h","time_zone":"../../etc","job":{"kind":"a"}}"#,
    r#"{"cron":"0 0 30 2 *","job":{"kind":"a","unique_key":"x"},"overlap":"twice"}"#,
    r#"{"paused":null,"concurrency":0,"rate":{"count":1,"period":1e-12}}"#,
];

/// What is asked for, and with what.
#[derive(Clone, Copy)]
struct Surface {
    paths: &'static [(&'static str, &'static str)],
    bodies: &'static [&'static str],
}

fn mangled(random: &mut Random, surface: Surface, tokens: &[String]) -> Request {
    let (method, path) = *random.one(surface.paths);
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
    let mut body = random.one(surface.bodies).as_bytes().to_vec();
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
        "conflict" | "fenced" | "job_final" | "job_unfinished" => 409,
        "unsupported_media_type" => 415,
        "invalid" | "reserved_key" | "idempotency_mismatch" => 422,
        "too_many_requests" => 429,
        other => panic!("{other} for {request}"),
    };
    assert_eq!(status, expected, "{request}");
}

async fn storm(surface: Surface) {
    let app = TestApp::start().await;
    let tokens = [
        app.user("anna", &[]).await,
        app.user("root", &["admin"]).await,
        app.key(&[Scope::Publish, Scope::Jobs]).await,
        app.key(&[Scope::Users]).await,
    ];
    let router = app.gateway.router().merge(app.http.router()).merge(app.http.fallback());
    let seed = 0x6f79_657a_0000_0001;
    let mut random = Random(seed);
    let mut seen = std::collections::BTreeMap::<u16, u32>::new();
    for number in 0..10_000 {
        let request = mangled(&mut random, surface, &tokens);
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

#[tokio::test]
async fn ten_thousand_malformed_requests_are_refused_without_harm() {
    storm(Surface { paths: &PATHS, bodies: &BODIES }).await;
}

#[tokio::test]
async fn ten_thousand_malformed_requests_about_work_are_refused_without_harm() {
    storm(Surface { paths: &WORK_PATHS, bodies: &WORK_BODIES }).await;
}
