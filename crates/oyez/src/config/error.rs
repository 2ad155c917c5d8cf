//! What is wrong with a setting: which key, what was expected and given, where, and the line that fixes it.

use std::{fmt, path::PathBuf};

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `defaults.toml`.
    Default,
    /// A line of a file.
    File {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
    /// The program that embeds Oyez.
    Program,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, such as `gateway.ping_interval`, or the file when it cannot be read at all.
    pub key: String,
    /// What was expected and what was given, as a sentence without the key.
    pub problem: String,
    /// Where it was set.
    pub origin: Origin,
    /// The line that fixes it, ready to be pasted; or what to do.
    pub fix: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)?;
        match &self.origin {
            Origin::Default | Origin::Program => {}
            origin => write!(f, "\n  where: {origin}")?,
        }
        write!(f, "\n  fix:   {}", self.fix)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => write!(f, "command line, {flag}"),
            Self::Program => f.write_str("the program"),
        }
    }
}

/// The line that sets a key the way `origin` sets keys.
pub(crate) fn line_for(key: &str, value: &toml::Value, origin: &Origin) -> String {
    match origin {
        Origin::Variable(_) => format!("{}={}", variable_for(key), plain(value)),
        Origin::Flag(flag) => format!("{flag} {}", plain(value)),
        Origin::File { .. } | Origin::Default | Origin::Program => match key.rsplit_once('.') {
            Some((section, name)) => format!("{name} = {value}    (under [{section}])"),
            None => format!("{key} = {value}"),
        },
    }
}

/// The environment variable of a key: `gateway.ping_interval` is `OYEZ_GATEWAY__PING_INTERVAL`.
pub(crate) fn variable_for(key: &str) -> String {
    format!("OYEZ_{}", key.replace('.', "__").to_uppercase())
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
