//! The reference page of all settings, made from `defaults.toml`, so that the two cannot differ.

use std::fmt::Write as _;

use super::{DEFAULTS, error::variable_for};

/// `docs/reference/config.md`.
pub fn reference() -> String {
    let mut page = String::from(
        "# Settings\n\nMade from `crates/oyez/src/config/defaults.toml`, the only source of defaults; \
         a test keeps this page fresh.\n",
    );
    let mut section = String::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut shared: Vec<String> = Vec::new();
    let mut intro = true;
    for line in DEFAULTS.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.strip_prefix(' ').unwrap_or(text));
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            let _ = write!(page, "\n## `[{section}]`\n");
        } else if let Some((name, value)) = line.split_once(" = ") {
            // Two keys under one comment share it.
            if !comment.is_empty() {
                shared = comment.drain(..).map(str::to_owned).collect();
            }
            let key = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
            let _ = write!(page, "\n### `{key}`\n\n{}\n\n", shared.join("\n"));
            let _ = writeln!(page, "Default: `{value}` · variable: `{}`", variable_for(&key));
        } else if intro && !comment.is_empty() {
            let _ = write!(page, "\n{}\n", comment.join("\n"));
            comment.clear();
            intro = false;
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::known_keys;

    #[test]
    fn the_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/config.md");
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let advice = "run `UPDATE_REFERENCE=1 cargo test -p oyez the_page_is_fresh`";
        assert!(written == reference(), "docs/reference/config.md is stale: {advice}");
    }

    #[test]
    fn every_setting_is_on_the_page_with_its_comment() {
        let page = reference();
        for key in known_keys().keys() {
            let (_, after) = page.split_once(&format!("### `{key}`\n\n")).unwrap();
            assert!(!after.starts_with('\n'), "{key} has no comment");
        }
    }
}
