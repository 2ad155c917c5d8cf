//! The style sheet, the scripts and the icon, built into the binary.

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::problem::PageError;
use crate::refusal::Refusal;

const FILES: [(&str, &str, &str); 5] = [
    ("transfers.css", "text/css; charset=utf-8", include_str!("../../static/transfers.css")),
    ("transfers.js", "text/javascript; charset=utf-8", include_str!("../../static/transfers.js")),
    ("form.js", "text/javascript; charset=utf-8", include_str!("../../static/form.js")),
    ("frames.js", "text/javascript; charset=utf-8", include_str!("../../static/frames.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../static/icon.svg")),
];

/// `GET /static/{file}`.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(file, ..)| *file == name) else {
        return PageError(Refusal::NotFound("file")).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        // Pages name the files with a hash of their text, so a new version has a new address.
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, *text).into_response()
}

/// Where a page finds a file: its path with a hash of what is in it.
pub(super) fn address(name: &str) -> Option<String> {
    use sha2::{Digest, Sha256};
    let (_, _, text) = FILES.iter().find(|(file, ..)| *file == name)?;
    let hash = Sha256::digest(text.as_bytes());
    Some(format!("/static/{name}?v={:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]))
}
