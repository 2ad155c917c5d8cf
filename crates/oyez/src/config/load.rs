//! Puts the layers together: defaults < file < environment < flags, each key checked as it is taken.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::{Table, Value, de::DeTable, de::DeValue};

use super::{
    Config, DEFAULTS, check,
    error::{ConfigError, Origin, line_for, variable_for},
    fallback::RULE_REMEDY,
};

/// What is never repeated in an error.
const SECRETS: [&str; 2] = ["auth.secret", "email.password"];
/// Environment variables that are not settings: where commands find their server.
const NOT_SETTINGS: [&str; 3] = ["OYEZ_CONFIG", "OYEZ_SERVER", "OYEZ_KEY"];

/// What the settings are read from, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file that `--config` names; absent: `oyez.toml` in the data directory, when there is one.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not begin with `OYEZ_` are ignored.
    pub environment: Vec<(String, String)>,
    /// Flags of the command line.
    pub flags: Vec<Flag>,
}

/// A flag that sets a key.
#[derive(Debug, Clone)]
pub struct Flag {
    /// As it is written: `--listen`.
    pub flag: &'static str,
    /// The key it sets.
    pub key: &'static str,
    /// The value, as text.
    pub value: String,
}

/// Settings, and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// The layers as far as they are put together.
struct Layers {
    document: Table,
    known: BTreeMap<String, Value>,
    origins: BTreeMap<String, Origin>,
}

impl Config {
    /// Reads the settings and refuses what cannot work.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut layers = Layers::new();
        let named = sources.file.clone().or_else(|| variable(sources, "OYEZ_CONFIG").map(PathBuf::from));
        if let Some(path) = &named {
            layers.take_file(path)?;
        }
        // The outer layers say where the data directory is, and oyez.toml lies in it.
        let mut outer = Layers { document: layers.document.clone(), ..Layers::new() };
        outer.take_outer(sources)?;
        let mut file = named;
        if file.is_none() {
            let data_dir = outer.document["data_dir"].as_str().unwrap_or_default();
            let beside = Path::new(data_dir).join("oyez.toml");
            if beside.exists() {
                layers.take_file(&beside)?;
                layers.refuse_moved_data_dir(&beside)?;
                file = Some(beside);
            }
        }
        layers.take_outer(sources)?;
        let config: Config = read(&layers.document).map_err(|problem| ConfigError {
            key: "configuration".into(),
            problem,
            origin: Origin::Default,
            fix: "report this".into(),
        })?;
        config.check_with(&layers.origins)?;
        Ok(Loaded { config, file })
    }

    /// Refuses settings that cannot work, alone or together.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_with(&BTreeMap::new())
    }

    fn check_with(&self, origins: &BTreeMap<String, Origin>) -> Result<(), ConfigError> {
        let Err(refusal) = check::check(self) else { return Ok(()) };
        let origin = origins.get(&*refusal.key).cloned().unwrap_or(Origin::Program);
        let fix = match refusal.value {
            Some(value) => line_for(&refusal.key, &value, &origin),
            None => refusal.fix,
        };
        Err(ConfigError { key: refusal.key.into_owned(), problem: refusal.problem, origin, fix })
    }
}

/// Every key with its default value.
pub(crate) fn known_keys() -> BTreeMap<String, Value> {
    let defaults: Table = toml::from_str(DEFAULTS).expect("defaults.toml is checked by a test");
    let mut keys = BTreeMap::new();
    flatten(&defaults, "", &mut keys);
    keys
}

fn flatten(table: &Table, prefix: &str, keys: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        match value {
            Value::Table(inner) => flatten(inner, &format!("{prefix}{name}."), keys),
            leaf => {
                keys.insert(format!("{prefix}{name}"), leaf.clone());
            }
        }
    }
}

fn variable(sources: &Sources, name: &str) -> Option<String> {
    sources.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn read(document: &Table) -> Result<Config, String> {
    Config::deserialize(Value::Table(document.clone())).map_err(|error| error.message().to_owned())
}

impl Layers {
    fn new() -> Self {
        let document = toml::from_str(DEFAULTS).expect("defaults.toml is checked by a test");
        Self { document, known: known_keys(), origins: BTreeMap::new() }
    }

    fn take_outer(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        for (name, text) in &sources.environment {
            if is_setting(name) {
                self.take_variable(name, text)?;
            }
        }
        for flag in &sources.flags {
            let value = self.typed(flag.key, &flag.value);
            self.set(flag.key, value, Origin::Flag(flag.flag.into()))?;
        }
        Ok(())
    }

    fn take_variable(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        let key = name.trim_start_matches("OYEZ_").to_lowercase().replace("__", ".");
        let origin = Origin::Variable(name.into());
        if !self.known.contains_key(&key) {
            return Err(self.unknown(&key, name, origin));
        }
        let value = self.typed(&key, text);
        self.set(&key, value, origin)
    }

    fn take_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let at = |line| Origin::File { path: path.into(), line };
        let text = fs::read_to_string(path).map_err(|error| ConfigError {
            key: path.display().to_string(),
            problem: format!("this configuration file cannot be read: {error}"),
            origin: Origin::Program,
            fix: "name a file that exists with --config, or leave it out to use the defaults".into(),
        })?;
        let spans = DeTable::parse(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(&text, span.start));
            ConfigError {
                key: "syntax".into(),
                problem: error.message().replace('\n', ", "),
                origin: at(line),
                fix: format!("correct line {line}; a setting looks like `listen = \"127.0.0.1:8000\"`"),
            }
        })?;
        let values: Table = toml::from_str(&text).expect("it was parsed a moment ago");
        let mut entries = Vec::new();
        positions(spans.get_ref(), &values, "", &mut entries);
        for (key, value, start) in entries {
            let origin = at(line_of(&text, start));
            let Some(value) = value else { return Err(self.unknown(&key, &key, origin)) };
            self.set(&key, value, origin)?;
        }
        Ok(())
    }

    /// Takes one key, and refuses it alone when it is wrong, so that the error can name it.
    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let Some(default) = self.known.get(key).cloned() else {
            return Err(self.unknown(key, key, origin));
        };
        let mut document = self.document.clone();
        let given = if SECRETS.contains(&key) { "something else".into() } else { value.to_string() };
        insert(&mut document, key, value);
        if let Err(message) = read(&document) {
            let problem = match expected(&default, &message) {
                Some(wanted) => format!("expected {wanted}, given {given}"),
                None => format!("{message}, given {given}"),
            };
            // A list of tables is not set by a line.
            let fix = match key {
                "fallback.rules" => RULE_REMEDY.to_owned(),
                _ => line_for(key, &default, &origin),
            };
            return Err(ConfigError { key: key.into(), problem, fix, origin });
        }
        self.document = document;
        self.origins.insert(key.into(), origin);
        Ok(())
    }

    /// A text from the environment or a flag, read as the kind of value that the key takes.
    fn typed(&self, key: &str, text: &str) -> Value {
        let given = || Value::String(text.into());
        match self.known.get(key) {
            Some(Value::Integer(_)) => text.trim().parse().map_or_else(|_| given(), Value::Integer),
            Some(Value::Boolean(_)) => text.trim().parse().map_or_else(|_| given(), Value::Boolean),
            Some(Value::Array(_)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Value::Array(items.map(Value::from).collect())
            }
            _ => given(),
        }
    }

    fn unknown(&self, key: &str, given: &str, origin: Origin) -> ConfigError {
        let section = format!("{key}.");
        if let Some(inside) = self.known.keys().find(|known| known.starts_with(&section)) {
            let value = &self.known[inside];
            return ConfigError {
                key: given.into(),
                problem: "this is a section, expected settings inside it".into(),
                fix: line_for(inside, value, &origin),
                origin,
            };
        }
        // A name that stands alone is looked for among the last parts too: `ping_interval` without its section.
        let distance = |known: &str| {
            let last = known.rsplit('.').next().unwrap_or(known);
            strsim::damerau_levenshtein(key, known).min(strsim::damerau_levenshtein(key, last) + 1)
        };
        let near = self.known.keys().min_by_key(|known| distance(known)).cloned().unwrap_or_default();
        let suggestion = match &origin {
            Origin::Variable(_) => variable_for(&near),
            _ => near.clone(),
        };
        let fix = if distance(&near) <= 2 + key.len() / 4 {
            format!("did you mean {suggestion}?")
        } else {
            "remove it; docs/reference/config.md lists every setting".into()
        };
        ConfigError { key: given.into(), problem: "there is no such setting".into(), origin, fix }
    }

    fn refuse_moved_data_dir(&self, path: &Path) -> Result<(), ConfigError> {
        match self.origins.get("data_dir") {
            Some(origin @ Origin::File { .. }) => Err(ConfigError {
                key: "data_dir".into(),
                problem: "a file inside the data directory cannot say where the data directory is".into(),
                origin: origin.clone(),
                fix: format!("remove the line, and start with --config {} or --data DIR", path.display()),
            }),
            _ => Ok(()),
        }
    }
}

/// Variables that look like ours but are set by Kubernetes for a service called `oyez`, or belong to commands.
fn is_setting(name: &str) -> bool {
    name.starts_with("OYEZ_")
        && !NOT_SETTINGS.contains(&name)
        && !name.starts_with("OYEZ_SERVICE_")
        && name != "OYEZ_PORT"
        && !name.starts_with("OYEZ_PORT_")
}

/// Every key of a file with its value and where it starts; an empty section that nobody knows has no value.
fn positions(
    spans: &DeTable<'_>,
    values: &Table,
    prefix: &str,
    entries: &mut Vec<(String, Option<Value>, usize)>,
) {
    for (name, value) in spans {
        let key = format!("{prefix}{}", name.get_ref());
        let start = name.span().start;
        match (value.get_ref(), values.get(name.get_ref().as_ref())) {
            (DeValue::Table(inner), Some(Value::Table(inner_values))) => {
                let section = format!("{key}.");
                if !known_keys().keys().any(|known| known.starts_with(&section)) {
                    entries.push((key, None, start));
                } else {
                    positions(inner, inner_values, &section, entries);
                }
            }
            (_, value) => entries.push((key, value.cloned(), start)),
        }
    }
    // In the order of the file, so that the first mistake is reported first.
    entries.sort_by_key(|(_, _, start)| *start);
}

fn insert(document: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        Some((section, rest)) => {
            if let Some(Value::Table(inner)) = document.get_mut(section) {
                insert(inner, rest, value);
            }
        }
        None => {
            document.insert(key.into(), value);
        }
    }
}

/// What a key takes, in words; none when the message says what is wrong.
fn expected<'a>(default: &Value, message: &'a str) -> Option<&'a str> {
    // serde names what it wanted after this word; our own messages do the same.
    let wanted = message.split_once("expected ").map(|(_, wanted)| wanted.lines().next().unwrap_or(wanted));
    Some(match (default, wanted) {
        (Value::Integer(_), Some("u16")) => "a whole number, 0 to 65535",
        (Value::Integer(_), _) => "a whole number, 0 or more",
        (Value::Boolean(_), _) => "true or false",
        (Value::Array(_), Some("a sequence")) => "a list, such as [\"one\", \"two\"]",
        (_, Some("a string" | "string")) => "a text in quotes",
        (_, Some(wanted)) => wanted,
        (Value::Array(_), None) => return None,
        _ => "something else",
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

#[cfg(test)]
mod tests;
