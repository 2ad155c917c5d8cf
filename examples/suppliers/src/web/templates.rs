//! Pages from templates built into the binary. Everything a template prints is escaped.

use std::sync::LazyLock;

use axum::response::Html;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, value::Serde};

use super::assets;
use crate::{
    application::Category, document::DocumentKind, life_cycle::Status, people::Person, refusal::Refusal,
};

const SOURCES: [(&str, &str); 18] = [
    ("base.html", include_str!("../../templates/base.html")),
    ("parts.html", include_str!("../../templates/parts.html")),
    ("public.html", include_str!("../../templates/public.html")),
    ("landing.html", include_str!("../../templates/landing.html")),
    ("apply.html", include_str!("../../templates/apply.html")),
    ("track.html", include_str!("../../templates/track.html")),
    ("status.html", include_str!("../../templates/status.html")),
    ("login.html", include_str!("../../templates/login.html")),
    ("password.html", include_str!("../../templates/password.html")),
    ("account.html", include_str!("../../templates/account.html")),
    ("dashboard.html", include_str!("../../templates/dashboard.html")),
    ("applications.html", include_str!("../../templates/applications.html")),
    ("application.html", include_str!("../../templates/application.html")),
    ("bulk.html", include_str!("../../templates/bulk.html")),
    ("tasks.html", include_str!("../../templates/tasks.html")),
    ("mails.html", include_str!("../../templates/mails.html")),
    ("mail.html", include_str!("../../templates/mail.html")),
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
    // The words that forms and filters offer.
    let words = |pairs: Vec<(&'static str, &'static str)>| Value::from(Serde(pairs));
    environment
        .add_global("categories", words(Category::ALL.map(|one| (one.as_str(), one.display())).to_vec()));
    environment.add_global("statuses", words(Status::ALL.map(|one| (one.as_str(), one.display())).to_vec()));
    environment
        .add_global("kinds", words(DocumentKind::ALL.map(|one| (one.as_str(), one.display())).to_vec()));
    for (name, source) in SOURCES {
        environment.add_template(name, source).expect("templates are checked by a test");
    }
    environment
});

/// Renders a page for somebody signed in.
pub(super) fn page(name: &str, person: &Person, csrf: &str, content: Value) -> Result<Html<String>, Refusal> {
    bare(name, context! { ..content, ..context! { me => Serde(person), csrf => csrf } })
}

/// Renders a page for whoever comes.
pub(super) fn bare(name: &str, content: Value) -> Result<Html<String>, Refusal> {
    let rendered = ENVIRONMENT.get_template(name).and_then(|template| template.render(content));
    rendered.map(Html).map_err(|error| Refusal::Internal(anyhow::anyhow!("{name}: {error:#}")))
}

/// The page for a refusal, for somebody who is signed in or for whoever comes. Falls back to plain text, so that it
/// cannot fail.
pub(super) fn error_page(status: u16, message: &str, signed: Option<&(Person, String)>) -> String {
    let content = context! {
        status, message,
        layout => if signed.is_some() { "base.html" } else { "public.html" },
        me => Serde(signed.map(|(person, _)| person)),
        csrf => signed.map(|(_, csrf)| csrf),
    };
    match bare("error.html", content) {
        Ok(Html(page)) => page,
        Err(_) => format!("{status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{PersonId, Role};

    #[test]
    fn every_template_is_well_formed_and_escapes() {
        for (name, _) in SOURCES {
            assert!(ENVIRONMENT.get_template(name).is_ok(), "{name}");
        }
        let (id, email, name) = (PersonId(1), String::new(), "Rita".to_owned());
        let rita =
            Person { id, email, name, role: Role::Reviewer, application: None, must_set_password: false };
        for signed in [None, Some(&(rita, "proof".to_owned()))] {
            let page = error_page(422, "<script>alert(1)</script>", signed);
            assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
            assert!(!page.contains("<script>alert"), "{page}");
            assert_eq!(page.contains("Sign out"), signed.is_some(), "{page}");
        }
    }

    #[test]
    fn no_template_carries_inline_script_or_style() {
        for (name, source) in SOURCES {
            for forbidden in ["<style", " style=", " onclick=", " onsubmit=", "javascript:", "|safe"] {
                assert!(!source.contains(forbidden), "{name} contains {forbidden}");
            }
            for script in source.split("<script").skip(1) {
                assert!(script.starts_with(" src=") || script.starts_with(" type=\"module\" src="), "{name}");
            }
        }
    }
}
