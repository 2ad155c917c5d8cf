//! MJML to HTML.

mod scan;
mod source;

use std::{borrow::Cow, collections::HashMap};

use mrml::prelude::{parser::Error, render::RenderOptions};

use self::scan::{Sort, Unpaired, VOID};
pub(super) use self::source::{Origin, origin};

/// How deep elements may lie in each other: the parser calls itself for each level, and its stack is not endless.
const MAX_DEPTH: usize = 100;
/// The elements of MJML that the parser knows. It takes any other name for HTML, and passes it on.
const ELEMENTS: [&str; 33] = [
    "mj-accordion",
    "mj-accordion-element",
    "mj-accordion-text",
    "mj-accordion-title",
    "mj-all",
    "mj-attributes",
    "mj-body",
    "mj-breakpoint",
    "mj-button",
    "mj-carousel",
    "mj-carousel-image",
    "mj-class",
    "mj-column",
    "mj-divider",
    "mj-font",
    "mj-group",
    "mj-head",
    "mj-hero",
    "mj-image",
    "mj-include",
    "mj-navbar",
    "mj-navbar-link",
    "mj-preview",
    "mj-raw",
    "mj-section",
    "mj-social",
    "mj-social-element",
    "mj-spacer",
    "mj-style",
    "mj-table",
    "mj-text",
    "mj-title",
    "mj-wrapper",
];

/// Why a text is not MJML: where in it, if known, and why.
#[derive(Debug)]
pub(super) struct NotMjml {
    pub(super) at: Option<usize>,
    pub(super) reason: String,
}

/// Whether an HTML part is MJML.
pub(super) fn is_mjml(source: &str) -> bool {
    source.trim_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("<mjml"))
}

/// Makes HTML of MJML. Nothing is fetched: `mj-include` is refused, and no font is asked for by name.
pub(super) fn to_html(source: &str) -> Result<String, NotMjml> {
    check_depth(source)?;
    check_names(source)?;
    let trimmed = source.trim();
    let before = source.len() - source.trim_start().len();
    let parsed = mrml::parse(trimmed).map_err(|error| {
        let refused = explain(trimmed, &error);
        NotMjml { at: refused.at.map(|at| before + at), ..refused }
    })?;
    let fonts: HashMap<String, Cow<'static, str>> = HashMap::new();
    let options = RenderOptions { disable_comments: true, fonts, ..RenderOptions::default() };
    parsed
        .element
        .render(&options)
        .map_err(|error| NotMjml { at: None, reason: format!("the MJML cannot be rendered: {error}") })
}

fn explain(source: &str, error: &Error) -> NotMjml {
    let known = match error {
        Error::UnexpectedElement { position, .. } => Some((position.start, "this element cannot stand here")),
        Error::UnexpectedToken { position, .. } => Some((position.start, "this cannot stand here")),
        Error::InvalidAttribute { position, .. } => Some((position.start, "this attribute is wrong")),
        Error::InvalidFormat { position, .. } => Some((position.start, "this is not well-formed")),
        Error::IncludeLoaderError { position, .. } => {
            let reason = "mj-include is not supported: use Jinja's include";
            return wrong(Some(position.start), &shown_at(source, position.start, reason));
        }
        Error::MissingAttribute { name, position, .. } => {
            return wrong(Some(position.start), &format!("the attribute {name:?} is missing"));
        }
        Error::NoRootNode => return wrong(None, "there is no mjml element"),
        Error::ParserError { source: cause, .. } => return garbled(source, cause.pos().row, cause.pos().col),
        Error::EndOfStream { .. } | Error::SizeLimit { .. } => None,
    };
    // What was left open before it is why the parser stumbles there.
    let unpaired = scan::unpaired(source).filter(|it| known.is_none_or(|(start, _)| it.at() < start));
    match (unpaired, known) {
        (Some(Unpaired::Open(tag, before)), _) => {
            let name = tag.name;
            let where_to = before.map_or_else(|| "at the end".to_owned(), |end| format!("before </{end}>"));
            wrong(Some(tag.at), &format!("the element <{name}> is not closed: write </{name}> {where_to}"))
        }
        (Some(Unpaired::Close(tag)), _) => {
            let name = tag.name;
            wrong(Some(tag.at), &format!("</{name}> closes nothing: remove it, or write <{name}> before it"))
        }
        (None, Some((start, reason))) => wrong(Some(start), &shown_at(source, start, reason)),
        (None, None) => wrong(None, "it ends too early"),
    }
}

fn wrong(at: Option<usize>, reason: &str) -> NotMjml {
    NotMjml { at, reason: format!("the MJML is wrong: {reason}") }
}

fn shown_at(source: &str, start: usize, reason: &str) -> String {
    match source.get(start..).map(source::shown) {
        Some(shown) => format!("{reason} (at {shown:?})"),
        None => reason.to_owned(),
    }
}

/// What the parser could not take apart: most often a `<` that was meant as a sign.
fn garbled(source: &str, row: u32, column: u32) -> NotMjml {
    if let Some(stray) = scan::tags(source).find(|tag| tag.sort == Sort::Stray) {
        return wrong(Some(stray.at), "this \"<\" begins no tag: write &lt; for the sign itself");
    }
    let number = |one_based: u32| usize::try_from(one_based.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = source.split_inclusive('\n').take(number(row)).map(str::len).sum::<usize>();
    let rest = source.get(line..).unwrap_or_default();
    let at = line + rest.char_indices().nth(number(column)).map_or(rest.len(), |(at, _)| at);
    // It counts from the space before an attribute.
    let at = source.len() - source[at..].trim_start().len();
    let reason =
        "this is not well-formed: a tag is <name attribute=\"value\">, and a sign that begins none is &lt;";
    wrong(Some(at), &shown_at(source, at, reason))
}

/// Refuses names that look like MJML's and are not: the mail would show what is in them without any form.
fn check_names(source: &str) -> Result<(), NotMjml> {
    let looks_like_mjml = |name: &str| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("mj-"));
    let known = |name: &str| !looks_like_mjml(name) || ELEMENTS.contains(&name);
    let opens = |sort: Sort| matches!(sort, Sort::Opens | Sort::Stands);
    let Some(tag) = scan::tags(source).find(|tag| opens(tag.sort) && !known(tag.name)) else {
        return Ok(());
    };
    let lower = tag.name.to_ascii_lowercase();
    let distance = |element: &&str| strsim::damerau_levenshtein(&lower, element);
    let closest =
        ELEMENTS.into_iter().min_by_key(distance).filter(|element| distance(element) <= lower.len() / 4);
    let right = match closest {
        Some(element) => format!("did you mean <{element}>?"),
        None => "text stands in <mj-text>, HTML of your own in <mj-raw>".to_owned(),
    };
    Err(wrong(Some(tag.at), &format!("there is no element <{}>: {right}", tag.name)))
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
            let at = Some(source.len() - rest.len());
            let reason = format!("more than {MAX_DEPTH} elements lie in each other");
            return Err(NotMjml { at, reason });
        }
    }
    Ok(())
}
