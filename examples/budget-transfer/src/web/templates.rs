//! Pages from templates built into the binary. Everything a template prints is escaped.

use std::sync::LazyLock;

use axum::response::Html;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use oyez::protocol::UserId;

use super::assets;
use crate::refusal::Refusal;

const SOURCES: [(&str, &str); 8] = [
    ("base.html", include_str!("../../templates/base.html")),
    ("parts.html", include_str!("../../templates/parts.html")),
    ("login.html", include_str!("../../templates/login.html")),
    ("transfers.html", include_str!("../../templates/transfers.html")),
    ("transfer.html", include_str!("../../templates/transfer.html")),
    ("new.html", include_str!("../../templates/new.html")),
    ("frames.html", include_str!("../../templates/frames.html")),
    ("error.html", include_str!("../../templates/error.html")),
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // Every template is HTML; a name that does not end in .html must not switch escaping off.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_function("asset", |name: &str| assets::address(name).unwrap_or_default());
    // A form's own name, new for each form: sent twice, it is carried out once.
    environment.add_function("submission", || uuid::Uuid::new_v4().to_string());
    for (name, source) in SOURCES {
        environment.add_template(name, source).expect("templates are checked by a test");
    }
    environment
});

/// Renders a page for somebody signed in.
pub(super) fn page(name: &str, owner: &UserId, content: Value) -> Result<Html<String>, Refusal> {
    bare(name, context! { ..content, ..context! { me => owner.as_str() } })
}

/// Renders a page for whoever comes.
pub(super) fn bare(name: &str, content: Value) -> Result<Html<String>, Refusal> {
    let rendered = ENVIRONMENT.get_template(name).and_then(|template| template.render(content));
    rendered.map(Html).map_err(|error| Refusal::Internal(anyhow::anyhow!("{name}: {error:#}")))
}

/// The page for a refusal. Falls back to plain text, so that it cannot fail.
pub(super) fn error_page(status: u16, message: &str) -> String {
    match bare("error.html", context! { status, message }) {
        Ok(Html(page)) => page,
        Err(_) => format!("{status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_well_formed_and_escapes() {
        for (name, _) in SOURCES {
            assert!(ENVIRONMENT.get_template(name).is_ok(), "{name}");
        }
        let page = error_page(422, "<script>alert(1)</script>");
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        assert!(!page.contains("<script>alert"), "{page}");
    }

    #[test]
    fn no_template_carries_inline_script_or_style() {
        for (name, source) in SOURCES {
            for forbidden in ["<style", " style=", " onclick=", " onsubmit=", "javascript:", "|safe"] {
                assert!(!source.contains(forbidden), "{name} contains {forbidden}");
            }
            for script in source.split("<script").skip(1) {
                assert!(script.starts_with(" type=\"module\" src="), "{name}");
            }
        }
    }
}
