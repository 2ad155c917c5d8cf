//! The demo's mailbox: what was sent, as a mail client would show it.
//!
//! It is for whoever sits at the machine. A request under another name than the machine's own is refused, so that no
//! web page elsewhere reads it by pretending to be here (DNS rebinding).

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use minijinja::{context, value::Serde};

use crate::{
    refusal::Refusal,
    sink::Sink,
    web::{Web, caller::OpenForm, problem::PageError, templates},
};

/// The sink, for somebody at this machine.
fn sink<'a>(web: &'a Web, headers: &HeaderMap) -> Result<&'a Sink, Refusal> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    web.sink.as_ref().filter(|_| is_here(host)).ok_or(Refusal::NotFound("page"))
}

/// Whether a `Host` is this machine by address or as `localhost`.
fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `GET /mail`.
pub(super) async fn list(State(web): State<Web>, headers: HeaderMap) -> Result<Html<String>, PageError> {
    let sink = sink(&web, &headers)?;
    let (messages, down) = (sink.list().await?, sink.is_down().await);
    Ok(templates::bare("mails.html", context! { messages => Serde(&messages), down })?)
}

/// `POST /mail/server`: the mail server goes down, or comes up with `turn=on`.
pub(super) async fn server(
    State(web): State<Web>,
    headers: HeaderMap,
    OpenForm { fields, .. }: OpenForm,
) -> Result<Redirect, PageError> {
    let sink = sink(&web, &headers)?;
    if fields.one("turn") == "on" {
        sink.bring_up().await?;
    } else {
        sink.take_down().await?;
    }
    Ok(Redirect::to("/mail"))
}

/// `GET /mail/{id}`.
pub(super) async fn show(
    State(web): State<Web>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Html<String>, PageError> {
    let mail = sink(&web, &headers)?.get(&id).await?;
    let has_html = mail.html.is_some();
    Ok(templates::bare("mail.html", context! { mail => Serde(&mail), has_html })?)
}

/// `GET /mail/{id}/html`: the HTML part for the frame, where it can do nothing: no scripts, no forms, nothing from the
/// network. It keeps our origin so that the page around it can measure it; without scripts it has no use for that.
pub(super) async fn html(
    State(web): State<Web>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                          sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; \
                          frame-ancestors 'self'";
    let mail = sink(&web, &headers)?.get(&id).await?;
    let html = mail.html.ok_or(Refusal::NotFound("HTML part"))?;
    Ok(([(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))], Html(html)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_here() {
        for here in ["localhost", "localhost:8070", "127.0.0.1:8070", "127.1.2.3", "[::1]:8070"] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in
            ["", "evil.example", "evil.example:8070", "10.0.0.1:80", "localhost.evil.example", "[fe80::1]"]
        {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
