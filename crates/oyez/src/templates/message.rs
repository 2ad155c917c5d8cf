//! Puts the parts of a message together.

use minijinja::{ErrorKind, Value};
use oyez_core::template::Part;
use oyez_protocol::Locale;

use super::{
    DEFAULT, DIGEST,
    catalogue::{Catalogue, Entry},
    context::context,
    engine::Engine,
    error::Broken,
    letter::{App, Letter},
    mjml, plain,
};

/// Longest subject that is sent, in characters: readers show some sixty.
pub const MAX_SUBJECT_CHARS: usize = 200;
/// Templates that are no type's: a notification of such a type takes the one for all types.
const NOT_TYPES: [&str; 2] = [DIGEST, "layout"];

/// A message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line without control characters.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML; `None` when the template has none.
    pub html: Option<String>,
}

/// Renders the templates of the letter's type and language.
pub(super) fn render(catalogue: &Catalogue, letter: &Letter, app: &App) -> Result<Message, Broken> {
    let kind = match letter.kind() {
        Some(kind) if NOT_TYPES.contains(&kind) => DEFAULT,
        Some(kind) => kind,
        None => DIGEST,
    };
    let chosen = Chosen::new(catalogue, kind, letter.reader.locale.as_ref());
    chosen.render(catalogue.engine(), &context(letter, app)).map_err(|(_, broken)| broken)
}

/// Which templates make a message.
pub(super) struct Chosen<'a> {
    subject: Option<&'a Entry>,
    body: Option<&'a Entry>,
}

impl<'a> Chosen<'a> {
    /// What a template lacks comes from the one for all types: the subject, or the body as a whole.
    pub(super) fn new(catalogue: &'a Catalogue, kind: &str, locale: Option<&Locale>) -> Self {
        let own = catalogue.of_type(kind, locale);
        let default = catalogue.closest(DEFAULT, locale);
        let with = |has: fn(&Entry) -> bool| own.filter(|entry| has(entry)).or(default);
        Self {
            subject: with(|entry| entry.has(Part::Subject)),
            body: with(|entry| entry.has(Part::Html) || entry.has(Part::Text)),
        }
    }

    pub(super) fn render(&self, engine: &Engine, context: &Value) -> Result<Message, (ErrorKind, Broken)> {
        let part = |entry: Option<&Entry>, part: Part| match entry.filter(|entry| entry.has(part)) {
            Some(entry) => engine.render(&entry.key(part), context).map(Some),
            None => Ok(None),
        };
        let subject = one_line(&part(self.subject, Part::Subject)?.unwrap_or_default());
        // Characters that no document may have would stop the parser, and the mail for ever.
        let source = part(self.body, Part::Html)?.map(|html| printable(&html));
        let text = match part(self.body, Part::Text)? {
            Some(text) => tidied(&printable(&text)),
            None => source.as_deref().map(plain::text_of).unwrap_or_default(),
        };
        let html = match source {
            Some(source) if mjml::is_mjml(&source) => Some(mjml::to_html(&source).map_err(|flaw| {
                let key = self.body.expect("only a body makes HTML").key(Part::Html);
                (ErrorKind::SyntaxError, engine.flaw_in_mjml(&key, &source, flaw))
            })?),
            source => source,
        };
        Ok(Message { subject, text, html })
    }
}

/// Without the control characters that neither XML nor a mail's text may have; line breaks and tabs stay.
fn printable(text: &str) -> String {
    let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    text.chars().filter(|c| kept(c) && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

/// A subject is one line, whatever its template and its data hold.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_SUBJECT_CHARS) {
        Some(_) => {
            let kept: String = line.chars().take(MAX_SUBJECT_CHARS - 1).collect();
            format!("{}…", kept.trim_end())
        }
        None => line,
    }
}

/// Without spaces at line ends and without more than one empty line: what conditions leave behind.
fn tidied(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && empty) {
            tidy.push_str(line);
            tidy.push('\n');
        }
        empty = line.is_empty();
    }
    tidy.truncate(tidy.trim_end().len());
    tidy.push('\n');
    tidy
}
