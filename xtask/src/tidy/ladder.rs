//! The import ladder: an arrow may only run down. Crates are held by Cargo; this holds the modules of the server.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{Complaint, relative};

/// Modules of `crates/oyez/src` from the bottom up. A module may import modules of lower rungs,
/// and of its own rung only itself. `ALSO` lists the exceptions, each with its reason in ARCHITECTURE.md.
const RUNGS: &[&[&str]] = &[
    &["websocket", "config", "key_file", "outbound"],
    &["bus", "hub"],
    &["auth", "deliveries", "preferences", "publish", "push", "templates", "unsubscribe", "users"],
    &["inbox", "jobs"],
    &["boards", "webhooks"],
    &["caretaker", "deliver", "runner"],
    &["gateway", "http", "console"],
    &["telemetry", "lifecycle"],
    &["server"],
    &["cli"],
];

/// Arrows within a rung, and modules that a rung forbids although it lies lower.
const ALSO: &[(&str, &str)] = &[("http", "console")];
const NEVER: &[(&str, &str)] = &[
    ("publish", "hub"),
    ("inbox", "hub"),
    ("users", "hub"),
    ("auth", "hub"),
    ("caretaker", "hub"),
    ("jobs", "hub"),
    ("boards", "hub"),
    ("push", "hub"),
    ("runner", "hub"),
    ("preferences", "hub"),
    ("deliveries", "hub"),
    ("deliver", "hub"),
    ("webhooks", "hub"),
    ("templates", "hub"),
    ("templates", "config"),
    ("templates", "auth"),
    ("unsubscribe", "hub"),
    ("unsubscribe", "auth"),
    ("jobs", "auth"),
    ("boards", "auth"),
    ("deliveries", "auth"),
    ("preferences", "auth"),
    ("deliver", "auth"),
    ("hub", "bus"),
    ("bus", "hub"),
    ("bus", "config"),
    ("hub", "config"),
];

pub(super) fn check(root: &Path, sources: &[PathBuf]) -> anyhow::Result<Vec<Complaint>> {
    let rung: BTreeMap<&str, usize> = RUNGS
        .iter()
        .enumerate()
        .flat_map(|(height, modules)| modules.iter().map(move |module| (*module, height)))
        .collect();
    let base = root.join("crates/oyez/src");
    let mut complaints = Vec::new();
    for path in sources.iter().filter(|path| path.starts_with(&base)) {
        let inside = path.strip_prefix(&base).unwrap_or(path);
        let first = inside.iter().next().and_then(|name| name.to_str()).unwrap_or_default();
        let module = first.trim_end_matches(".rs");
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let Some(&height) = rung.get(module) else {
            complaints
                .push(format!("{}: module {module} has no rung in xtask's ladder", relative(root, path)));
            continue;
        };
        let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        for (number, line) in code_lines(&text) {
            for target in imported(line) {
                let Some(&target_height) = rung.get(target) else { continue };
                let allowed = target == module
                    || (target_height < height && !NEVER.contains(&(module, target)))
                    || ALSO.contains(&(module, target));
                if !allowed {
                    complaints.push(format!(
                        "{}:{number}: {module} must not import {target}: arrows run down the ladder",
                        relative(root, path)
                    ));
                }
            }
        }
    }
    Ok(complaints)
}

/// Lines outside comments and before the file's own tests, with their numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The modules a line names as `crate::module`; a braced list `crate::{a, b}` is taken apart.
fn imported(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (start, _) in line.match_indices("crate::") {
        let rest = &line[start + "crate::".len()..];
        let list = rest.strip_prefix('{').map_or(rest, |inner| inner.split('}').next().unwrap_or(inner));
        let names = if rest.starts_with('{') { list.split(',').collect() } else { vec![list] };
        for name in names {
            let name = name.trim();
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            found.push(&name[..end]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_the_modules_it_imports() {
        assert_eq!(imported("use crate::hub::Shard;"), ["hub"]);
        assert_eq!(imported("use crate::{bus::Bus, publish};"), ["bus", "publish"]);
        assert_eq!(imported("let x = crate::gateway::open();"), ["gateway"]);
        assert!(imported("use std::fs;").is_empty());
    }

    #[test]
    fn no_module_stands_on_two_rungs() {
        let mut all: Vec<_> = RUNGS.iter().copied().flatten().collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
