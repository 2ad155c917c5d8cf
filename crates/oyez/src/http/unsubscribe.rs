//! `/unsubscribe/{token}`: ends mails without a login. Opening it shows a button; only the POST changes anything, which
//! mail programs send by themselves (RFC 8058).

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use oyez_protocol::ErrorCode;

use super::{
    Http,
    body::Segments,
    endpoint::{Access, Endpoint, Endpoints},
    refusal::{Answer, Refusal},
};
use crate::unsubscribe::{Mails, Unsubscribe};

const HTML: &str = "text/html; charset=utf-8";
/// Nothing is loaded, and only this server is sent the button's click.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    table
        .add(
            Endpoint::get("/unsubscribe/{token}", "unsubscribe", "Show the page that ends mails")
                .describe("Where the link in a mail leads. It changes nothing.")
                .access(Access::Open)
                .refuses(&[ErrorCode::NotFound])
                .answers_text("text/html", "A page with a button."),
            page,
        )
        .add(
            Endpoint::post("/unsubscribe/{token}", "unsubscribe", "End mails")
                .describe(
                    "What the button does, and mail programs by themselves (RFC 8058). E-mail of the type that the link \
                     names is turned off in its reader's preferences; with the form field `all`, all e-mail.",
                )
                .access(Access::Open)
                .refuses(&[ErrorCode::NotFound])
                .answers_text("text/html", "A page that says so."),
            end,
        )
}

async fn page(State(state): State<Http>, Segments(token): Segments<String>) -> Answer {
    let unsubscribe = state.unsubscribe();
    let mails = named(unsubscribe, &token)?;
    let (what, button) = match &mails.kind {
        Some(kind) => {
            (format!("You will get no more mails about <b>{}</b>.", escaped(kind)), "Stop these mails")
        }
        None => ("You will get no more mails.".to_owned(), "Stop all mails"),
    };
    let all = if mails.kind.is_some() {
        r#"<form method="post"><button class="quiet" name="all" value="1">Stop all mails</button></form>"#
    } else {
        ""
    };
    let body = format!(
        "<h1>Stop mails?</h1><p>{what}</p><form method=\"post\"><button>{button}</button></form>{all}"
    );
    Ok(shown(unsubscribe, &body))
}

async fn end(State(state): State<Http>, Segments(token): Segments<String>, body: Bytes) -> Answer {
    let unsubscribe = state.unsubscribe();
    let mut mails = named(unsubscribe, &token)?;
    if body.split(|byte| *byte == b'&').any(|field| field.starts_with(b"all=")) {
        mails.kind = None;
    }
    unsubscribe.end(&mails).await?;
    let what = match &mails.kind {
        Some(kind) => format!("You will get no more mails about <b>{}</b>.", escaped(kind)),
        None => "You will get no more mails.".to_owned(),
    };
    Ok(shown(unsubscribe, &format!("<h1>Done</h1><p>{what}</p>")))
}

fn named(unsubscribe: &Unsubscribe, token: &str) -> Result<Mails, Refusal> {
    unsubscribe.read(token).ok_or_else(|| Refusal::not_found("link: it may have been cut in the mail"))
}

fn shown(unsubscribe: &Unsubscribe, body: &str) -> Response {
    let app = escaped(unsubscribe.app_name());
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\"><title>{app}: mails</title><style>{STYLE}\
         </style><main><p class=\"app\">{app}</p>{body}</main></html>"
    );
    let guards = [
        (header::CONTENT_TYPE, HeaderValue::from_static(HTML)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // The address is a key: it goes to no other site.
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (StatusCode::OK, guards, page).into_response()
}

const STYLE: &str = "body{margin:0;background:#eef0f4;color:#374151;font:16px/1.5 system-ui,sans-serif}\
main{max-width:26rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:12px}\
.app{margin:0;font-weight:600;color:#4b5563}h1{margin:.5rem 0;font-size:1.4rem;color:#111827}\
button{font:inherit;font-weight:600;padding:.7rem 1.4rem;border:0;border-radius:8px;background:#2546d0;color:#fff;\
cursor:pointer}button.quiet{margin-top:.75rem;padding:0;background:none;color:#4b5563;text-decoration:underline}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
