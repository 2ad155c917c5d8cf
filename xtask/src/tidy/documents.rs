//! Documents tell the truth: every path that ARCHITECTURE.md and README.md name in backticks exists,
//! and relative links in Markdown lead somewhere.

use std::{fs, path::Path};

use anyhow::Context;

use super::Complaint;

/// Documents whose back-quoted paths are checked.
const MAPS: &[&str] = &["ARCHITECTURE.md"];

pub(super) fn check(root: &Path) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for map in MAPS {
        let text = read(&root.join(map))?;
        for (index, line) in text.lines().enumerate() {
            for path in quoted(line).filter(|text| looks_like_path(text)) {
                if !root.join(path.trim_end_matches('/')).exists() {
                    complaints.push(format!("{map}:{}: {path} does not exist", index + 1));
                }
            }
        }
    }
    for document in markdown(root)? {
        let text = read(&root.join(&document))?;
        let folder = root.join(&document).parent().unwrap_or(root).to_owned();
        for (index, line) in text.lines().enumerate() {
            for target in links(line) {
                if !folder.join(target).exists() {
                    complaints.push(format!("{document}:{}: the link {target} leads nowhere", index + 1));
                }
            }
        }
    }
    Ok(complaints)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

fn markdown(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if entry.file_type()?.is_dir() {
                if !name.starts_with('.') && !["target", "node_modules", "out"].contains(&name.as_str()) {
                    open.push(path);
                }
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn looks_like_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.".contains(c));
    plain && text.contains('/') && !text.starts_with('/') && !text.contains("..")
}

/// Targets of `[text](target)` that are files of this repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(start, _)| {
        let target = line[start + 2..].split(')').next()?.split('#').next()?;
        let local = !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:");
        (local && !target.starts_with('/')).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_links_are_told_from_code() {
        assert!(looks_like_path("crates/oyez/src"));
        assert!(!looks_like_path("user:<id>"));
        assert!(!looks_like_path("/ws/notifications/"));
        let found: Vec<_> = links("see [a](docs/a.md#b) and [c](https://example.org)").collect();
        assert_eq!(found, ["docs/a.md"]);
    }
}
