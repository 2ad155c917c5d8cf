//! Which web pages may open a live connection. Programs that are no browsers send no origin and are not asked.

use axum::http::{HeaderMap, Uri, header, request::Parts};

/// The origins that may connect beside the server's own.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins {
    any: bool,
    allowed: Vec<String>,
}

impl Origins {
    /// From the configured list; `*` allows all.
    pub(super) fn new(allowed: &[String]) -> Self {
        let any = allowed.iter().any(|origin| origin == "*");
        let allowed =
            allowed.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
        Self { any, allowed }
    }

    /// Whether the page that asks may connect.
    pub(super) fn allow(&self, parts: &Parts) -> bool {
        let Some(origin) = parts.headers.get(header::ORIGIN) else { return true };
        if self.any {
            return true;
        }
        let Ok(origin) = origin.to_str() else { return false };
        let origin = origin.to_ascii_lowercase();
        self.allowed.contains(&origin) || is_own(&origin, &parts.headers, &parts.uri)
    }
}

/// Whether the page came from the very host and port that is asked. The scheme is not compared: a proxy in front may
/// have taken the TLS off.
fn is_own(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.or_else(|| uri.authority().map(|authority| authority.as_str())) else {
        return false;
    };
    let port = if scheme == "https" { ":443" } else { ":80" };
    let plain = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
    plain(authority) == plain(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(origin: Option<&str>, host: &str, allowed: &[&str]) -> bool {
        let mut request = axum::http::Request::get("/ws/notifications/").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let allowed: Vec<String> = allowed.iter().map(|&origin| origin.into()).collect();
        Origins::new(&allowed).allow(&parts)
    }

    #[test]
    fn own_and_listed_pages_may_connect_and_foreign_ones_may_not() {
        assert!(asks(None, "a.example", &[]), "no browser");
        assert!(asks(Some("https://a.example"), "a.example", &[]));
        assert!(asks(Some("http://localhost:8000"), "localhost:8000", &[]));
        assert!(asks(Some("https://A.example:443"), "a.example", &[]));
        for foreign in
            ["https://b.example", "https://a.example.evil.example", "null", "", "https://a.example:444"]
        {
            assert!(!asks(Some(foreign), "a.example", &[]), "{foreign}");
        }
        assert!(asks(Some("https://app.example"), "a.example", &["https://app.example/"]));
        assert!(asks(Some("null"), "a.example", &["*"]));
    }
}
