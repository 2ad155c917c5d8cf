//! Renders one part, within limits: so many steps, so many bytes, only templates of the catalogue.

use std::{borrow::Cow, collections::BTreeMap, collections::BTreeSet, io, sync::Arc};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, syntax::SyntaxConfig};
use oyez_core::template::Part;
use oyez_protocol::Locale;

use super::{
    error::Broken,
    filters,
    mjml::{self, NotMjml, Origin},
};

/// Most steps that rendering one part may take. A digest of a hundred items takes some thousands.
const MAX_STEPS: u64 = 500_000;
/// Most bytes of a part; mail servers and readers cut what is longer anyway.
const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// How deep templates may include, extend and call each other.
const MAX_DEPTH: usize = 40;
/// Stands for "no language" in a key.
const NO_LOCALE: &str = "-";

/// Names one part of one template to the engine: `ticket_created/de-CH/html`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn new(kind: &str, locale: Option<&Locale>, part: Part) -> Self {
        Self(join(kind, locale.map_or(NO_LOCALE, Locale::as_str), part.as_str()))
    }
}

fn join(kind: &str, locale: &str, part: &str) -> String {
    format!("{kind}/{locale}/{part}")
}

/// Name, language and part of a key. From its end: a name that no template has may have slashes of its own.
fn split(key: &str) -> Option<(&str, &str, &str)> {
    let (rest, part) = key.rsplit_once('/')?;
    let (kind, locale) = rest.rsplit_once('/')?;
    Some((kind, locale, part))
}

/// All parts of all templates, compiled.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    environment: Environment<'static>,
    /// Those that are not Jinja.
    broken: BTreeMap<Key, Broken>,
}

impl Engine {
    pub(super) fn new(parts: BTreeMap<Key, String>) -> Self {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.expect("the usual delimiters"));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(MAX_STEPS));
        environment.set_recursion_limit(MAX_DEPTH);
        // Without it an error has no column.
        environment.set_debug(true);
        environment.set_auto_escape_callback(|key| {
            if key.ends_with("/html") { AutoEscape::Html } else { AutoEscape::None }
        });
        // What a notification lacks is none, and none is nothing.
        environment.set_formatter(|output, state, value| {
            if value.is_none() { Ok(()) } else { minijinja::escape_formatter(output, state, value) }
        });
        filters::add(&mut environment);
        let known: Arc<BTreeSet<String>> = Arc::new(parts.keys().map(|key| key.0.clone()).collect());
        environment.set_path_join_callback(move |name, parent| Cow::Owned(nearest(&known, name, parent)));
        let mut broken = BTreeMap::new();
        for (key, source) in parts {
            if let Err(error) = environment.add_template_owned(key.0.clone(), source) {
                broken.insert(key.clone(), explain(&error, &key));
            }
        }
        Self { environment, broken }
    }

    /// The first part that is not Jinja.
    pub(super) fn broken(&self) -> Option<Broken> {
        self.broken.values().next().cloned()
    }

    /// Why a part is not Jinja.
    pub(super) fn flaw(&self, key: &Key) -> Option<&Broken> {
        self.broken.get(key)
    }

    /// The same templates, where a variable that is missing is nothing: for a trial without real data.
    pub(super) fn lenient(&self) -> Self {
        let mut lenient = self.clone();
        lenient.environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        lenient
    }

    /// A flaw in the MJML that Jinja made of a part: where it comes from in the templates, as far as that can be told.
    pub(super) fn flaw_in_mjml(&self, key: &Key, rendered: &str, flaw: NotMjml) -> Broken {
        let templates: Vec<_> =
            self.environment.templates().filter(|(name, _)| name.ends_with("/html")).collect();
        let (own, others): (Vec<_>, Vec<_>) = templates
            .iter()
            .map(|(name, template)| (*name, template.source()))
            .partition(|(name, _)| *name == key.0);
        let own = own.first().map(|(_, source)| *source);
        let origin = flaw.at.zip(own).and_then(|(at, own)| mjml::origin(rendered, at, own, &others));
        match (origin, flaw.at) {
            (Some(Origin { template, source, at }), _) => {
                let place = source.get(..at).map(position);
                broken(template.unwrap_or(&key.0), place, flaw.reason)
            }
            (None, Some(at)) => {
                let (line, column) = position(rendered.get(..at).unwrap_or_default());
                let place = format!("line {line}, column {column} of the MJML that Jinja makes of it");
                broken(&key.0, None, format!("{} ({place})", flaw.reason))
            }
            (None, None) => broken(&key.0, None, flaw.reason),
        }
    }

    /// Renders a part. The values of `context` are escaped in HTML.
    pub(super) fn render(&self, key: &Key, context: &Value) -> Result<String, (ErrorKind, Broken)> {
        if let Some(broken) = self.flaw(key) {
            return Err((ErrorKind::SyntaxError, broken.clone()));
        }
        let failed = |error: Error| (innermost(&error).kind(), explain(&error, key));
        let template = self.environment.get_template(&key.0).map_err(failed)?;
        let mut output = Bounded(Vec::new());
        template.render_captured_to(context.clone(), &mut output).map_err(failed)?;
        Ok(String::from_utf8_lossy(&output.0).into_owned())
    }
}

/// The part that a template means by a name: of the same sort, in its own language or the nearest wider one.
fn nearest(known: &BTreeSet<String>, name: &str, parent: &str) -> String {
    let Some((_, locale, part)) = split(parent) else { return name.to_owned() };
    let locale = Locale::new(locale).ok();
    let tags = locale.iter().flat_map(Locale::chain).chain([NO_LOCALE]);
    let mut keys = tags.map(|tag| join(name, tag, part));
    keys.find(|key| known.contains(key)).unwrap_or_else(|| join(name, NO_LOCALE, part))
}

/// Output that ends at the limit.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::Error::other("too much"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error in something that is included is wrapped once for each template around it.
fn innermost(error: &Error) -> &Error {
    let mut found = error;
    while let Some(inner) = std::error::Error::source(found).and_then(<dyn std::error::Error>::downcast_ref) {
        found = inner;
    }
    found
}

fn explain(error: &Error, key: &Key) -> Broken {
    let error = innermost(error);
    let name = error.name().filter(|name| split(name).is_some()).unwrap_or(&key.0);
    broken(name, place(error), reason(error, part_of(name)))
}

fn broken(key: &str, place: Option<(usize, usize)>, reason: String) -> Broken {
    let (kind, locale, _) = split(key).unwrap_or_default();
    let template = if locale == NO_LOCALE { kind.to_owned() } else { format!("{kind} ({locale})") };
    Broken { template, part: part_of(key), place, reason }
}

fn part_of(key: &str) -> Part {
    let (.., part) = split(key).unwrap_or_default();
    Part::ALL.into_iter().find(|known| known.as_str() == part).unwrap_or(Part::Html)
}

/// Line and column, counted from 1.
fn place(error: &Error) -> Option<(usize, usize)> {
    let line = error.line()?;
    let (Some(source), Some(range)) = (error.template_source(), error.range()) else {
        return Some((line, 1));
    };
    let before = source.get(..range.start).unwrap_or_default();
    Some(position(before))
}

/// Line and column of what comes after a text.
fn position(before: &str) -> (usize, usize) {
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

fn reason(error: &Error, part: Part) -> String {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError => match detail.split('`').nth(1) {
            Some(variable) => format!("there is no value for `{variable}`"),
            None => "a variable has no value".to_owned(),
        },
        ErrorKind::TemplateNotFound => {
            // The name as the template has it, or as the engine knows it.
            let wanted = detail.split(['"', '\'']).nth(1).unwrap_or_default();
            let as_key = split(wanted).filter(|(.., sort)| *sort == part.as_str());
            let name = as_key.map_or(wanted, |(kind, ..)| kind);
            format!("there is no template {name:?} with a part {:?}", part.as_str())
        }
        ErrorKind::OutOfFuel => format!("it takes more than {MAX_STEPS} steps"),
        ErrorKind::WriteFailure => format!("it makes more than {MAX_OUTPUT_BYTES} bytes"),
        kind if detail.is_empty() => kind.to_string(),
        ErrorKind::SyntaxError => detail.to_owned(),
        kind => format!("{kind}: {detail}"),
    }
}
