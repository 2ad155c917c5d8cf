//! The templates that are built into the server: in English for everybody, and in the languages they were translated to.

use oyez_protocol::{
    Locale, TemplateName,
    api::templates::{TemplateOrigin, TemplateRequest},
};

use super::{DEFAULT, DIGEST, catalogue::Entry};

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../templates/email/", $name))
    };
}

/// What is built in.
pub(super) fn entries() -> Vec<Entry> {
    let subject = Some(file!("default/subject.txt"));
    let text = file!("default/text.txt");
    vec![
        entry("layout", None, None, file!("layout/text.txt"), file!("layout/body.mjml")),
        entry(DEFAULT, None, subject, text, file!("default/body.mjml")),
        entry(
            DIGEST,
            None,
            Some(file!("digest/subject.txt")),
            file!("digest/text.txt"),
            file!("digest/body.mjml"),
        ),
        entry("layout", Some("de"), None, file!("layout/de/text.txt"), file!("layout/de/body.mjml")),
        // Subject and text of a notification are the publisher's words alone.
        entry(DEFAULT, Some("de"), subject, text, file!("default/de/body.mjml")),
        entry(
            DIGEST,
            Some("de"),
            Some(file!("digest/de/subject.txt")),
            file!("digest/de/text.txt"),
            file!("digest/de/body.mjml"),
        ),
    ]
}

fn entry(kind: &str, locale: Option<&str>, subject: Option<&str>, text: &str, html: &str) -> Entry {
    Entry {
        kind: TemplateName::new(kind).expect("names of what is built in are names"),
        origin: TemplateOrigin::BuiltIn,
        template: TemplateRequest {
            locale: locale.map(|tag| Locale::new(tag).expect("languages of what is built in are languages")),
            subject: subject.map(str::to_owned),
            text: Some(text.to_owned()),
            html: Some(html.to_owned()),
        },
        updated_at: None,
    }
}
