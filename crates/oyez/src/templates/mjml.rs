//! MJML to HTML.

use std::{borrow::Cow, collections::HashMap};

use mrml::prelude::{parser::Error, render::RenderOptions};

use super::engine::position;

/// How deep elements may lie in each other: the parser calls itself for each level, and its stack is not endless.
const MAX_DEPTH: usize = 100;
/// Elements of HTML that have no end tag.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Why a text is not MJML: where in it, if known, and why.
pub(super) struct NotMjml {
    pub(super) place: Option<(usize, usize)>,
    pub(super) reason: String,
}

/// Whether an HTML part is MJML.
pub(super) fn is_mjml(source: &str) -> bool {
    source.trim_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("<mjml"))
}

/// Makes HTML of MJML. Nothing is fetched: `mj-include` is refused, and no font is asked for by name.
pub(super) fn to_html(source: &str) -> Result<String, NotMjml> {
    check_depth(source)?;
    let refused = |reason: String| NotMjml { place: None, reason };
    let parsed = mrml::parse(source.trim()).map_err(|error| explain(source.trim(), &error))?;
    let fonts: HashMap<String, Cow<'static, str>> = HashMap::new();
    let options = RenderOptions { disable_comments: true, fonts, ..RenderOptions::default() };
    parsed.element.render(&options).map_err(|error| refused(format!("the MJML cannot be rendered: {error}")))
}

fn explain(source: &str, error: &Error) -> NotMjml {
    let (place, reason) = match error {
        Error::UnexpectedElement { position, .. } => (Some(position.start), "this element cannot stand here"),
        Error::UnexpectedToken { position, .. } => (Some(position.start), "this cannot stand here"),
        Error::InvalidAttribute { position, .. } => (Some(position.start), "this attribute is wrong"),
        Error::InvalidFormat { position, .. } => (Some(position.start), "this is not well-formed"),
        Error::MissingAttribute { name, position, .. } => {
            let reason = format!("the MJML is wrong: the attribute {name:?} is missing");
            return NotMjml { place: place(source, position.start), reason };
        }
        Error::IncludeLoaderError { position, .. } => {
            (Some(position.start), "mj-include is not supported: use Jinja's include")
        }
        Error::EndOfStream { .. } => (None, "an element is not closed"),
        Error::NoRootNode => (None, "there is no mjml element"),
        other => {
            let reason = format!("the MJML is wrong: {other}");
            return NotMjml { place: None, reason };
        }
    };
    let found = place.and_then(|start| source.get(start..)).map(|rest| {
        let shown: String = rest.chars().take_while(|c| !" >\n".contains(*c)).take(40).collect();
        format!(" (at {shown:?})")
    });
    let reason = format!("the MJML is wrong: {reason}{}", found.unwrap_or_default());
    NotMjml { place: place.and_then(|start| self::place(source, start)), reason }
}

fn place(source: &str, start: usize) -> Option<(usize, usize)> {
    source.get(..start).map(position)
}

/// Refuses what would take the parser's stack, before it sees it.
fn check_depth(source: &str) -> Result<(), NotMjml> {
    let mut depth = 0usize;
    let mut rest = source;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let end = rest.find('>').unwrap_or(rest.len());
        let tag = &rest[..end];
        let name = tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '/').next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !tag.ends_with('/') && !tag.starts_with('!') && !VOID.contains(&name.as_str()) {
            depth += 1;
        }
        if depth > MAX_DEPTH {
            let place = Some(position(&source[..source.len() - rest.len()]));
            let reason = format!("more than {MAX_DEPTH} elements lie in each other");
            return Err(NotMjml { place, reason });
        }
    }
    Ok(())
}
