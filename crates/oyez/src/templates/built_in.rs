//! The templates that are built into the server.

use oyez_protocol::{
    TemplateName,
    api::templates::{TemplateOrigin, TemplateRequest},
};

use super::catalogue::Entry;

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../templates/email/", $name))
    };
}

/// What is built in.
pub(super) fn entries() -> Vec<Entry> {
    let entry = |kind: &str, subject: Option<&str>, text: &str, html: &str| Entry {
        kind: TemplateName::new(kind).expect("names of what is built in are names"),
        origin: TemplateOrigin::BuiltIn,
        template: TemplateRequest {
            locale: None,
            subject: subject.map(str::to_owned),
            text: Some(text.to_owned()),
            html: Some(html.to_owned()),
        },
        updated_at: None,
    };
    vec![
        entry("layout", None, file!("layout/text.txt"), file!("layout/body.mjml")),
        entry(
            super::DEFAULT,
            Some(file!("default/subject.txt")),
            file!("default/text.txt"),
            file!("default/body.mjml"),
        ),
        entry(
            super::DIGEST,
            Some(file!("digest/subject.txt")),
            file!("digest/text.txt"),
            file!("digest/body.mjml"),
        ),
    ]
}
