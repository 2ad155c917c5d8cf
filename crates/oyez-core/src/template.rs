//! Templates: what one may hold, and how a time is written for its reader.
//!
//! Rendering is the server's; here is what must hold of a template before it is stored.

use oyez_protocol::api::{deliveries::Medium, templates::TemplateRequest};

use crate::notification::Invalid;

mod local_time;

pub use local_time::local_time;

/// Largest part, in bytes.
pub const MAX_PART_BYTES: usize = 256 * 1024;
/// Longest subject of a template, in bytes: it has conditions in it, so it may be longer than what comes out.
pub const MAX_SUBJECT_BYTES: usize = 4 * 1024;
/// Most templates that are stored.
pub const MAX_TEMPLATES: u64 = 1_000;

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// One line.
    Subject,
    /// Plain text.
    Text,
    /// HTML, or MJML.
    Html,
}

impl Part {
    /// Every part, in the order a reader meets them.
    pub const ALL: [Self; 3] = [Self::Subject, Self::Text, Self::Html];

    /// The part as the API names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "text",
            Self::Html => "html",
        }
    }

    /// What a request says of it.
    pub fn of(self, request: &TemplateRequest) -> Option<&str> {
        match self {
            Self::Subject => request.subject.as_deref(),
            Self::Text => request.text.as_deref(),
            Self::Html => request.html.as_deref(),
        }
    }
}

/// Checks the shape of a template; whether its parts can be rendered is for the server to say.
pub fn check(medium: Medium, request: &TemplateRequest) -> Result<(), Invalid> {
    check_medium(medium)?;
    if Part::ALL.iter().all(|part| part.of(request).is_none()) {
        let message = "the template is empty: set \"subject\", \"text\" or \"html\"";
        return Err(Invalid::new("subject", message));
    }
    for part in Part::ALL {
        let limit = if part == Part::Subject { MAX_SUBJECT_BYTES } else { MAX_PART_BYTES };
        let Some(text) = part.of(request).filter(|text| text.len() > limit) else { continue };
        let field = part.as_str();
        let message = format!("\"{field}\" may have {limit} bytes at most, not {}", text.len());
        return Err(Invalid::new(field, message));
    }
    if request.subject.as_deref().is_some_and(|subject| subject.trim().is_empty()) {
        let message = "\"subject\" is empty: leave it out to take the one of the template \"default\"";
        return Err(Invalid::new("subject", message));
    }
    Ok(())
}

/// Refuses media whose messages have no words of their own.
pub fn check_medium(medium: Medium) -> Result<(), Invalid> {
    if medium == Medium::Email {
        return Ok(());
    }
    let message = format!("messages by {medium} are not made from templates: expected email");
    Err(Invalid::new("medium", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut TemplateRequest)) -> Result<(), String> {
        let mut request = TemplateRequest { text: Some("Hello".into()), ..TemplateRequest::default() };
        change(&mut request);
        check(Medium::Email, &request).map_err(|invalid| invalid.message)
    }

    #[test]
    fn one_part_is_enough_and_none_is_not() {
        assert_eq!(with(|_| ()), Ok(()));
        let refused = with(|request| request.text = None).unwrap_err();
        assert_eq!(refused, "the template is empty: set \"subject\", \"text\" or \"html\"");
    }

    #[test]
    fn what_is_too_large_is_refused_by_name() {
        let refused = with(|request| request.html = Some("a".repeat(MAX_PART_BYTES + 1))).unwrap_err();
        assert_eq!(refused, "\"html\" may have 262144 bytes at most, not 262145");
        assert!(with(|request| request.subject = Some("a".repeat(MAX_SUBJECT_BYTES + 1))).is_err());
        assert!(with(|request| request.subject = Some(" ".into())).is_err());
    }

    #[test]
    fn a_medium_without_words_of_its_own_has_no_templates() {
        let refused = check(Medium::WebPush, &TemplateRequest::default()).unwrap_err();
        assert_eq!(refused.message, "messages by web_push are not made from templates: expected email");
    }
}
