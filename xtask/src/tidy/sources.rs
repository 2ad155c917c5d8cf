//! Sources: small files, SQL in one crate only, the clock in one module only, no unfinished marks.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{Complaint, relative};

/// No source file is longer; one over 350 lines should be the exception.
const MOST_LINES: usize = 600;

/// Words that show a line holds SQL. Split, so that this file does not complain about itself.
const SQL: &[&str] =
    &[concat!("INSERT ", "INTO "), concat!("DELETE ", "FROM "), concat!("CREATE ", "TABLE ")];
const CLOCK: &[&str] =
    &[concat!("SystemTime::", "now("), concat!("Timestamp::", "now("), concat!("Utc::", "now(")];
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore")];

pub(super) fn check(root: &Path, sources: &[PathBuf]) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for path in sources {
        let name = relative(root, path);
        let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        let lines = text.lines().count();
        if lines > MOST_LINES {
            complaints.push(format!("{name}: {lines} lines, {MOST_LINES} is the most: split it by concern"));
        }
        if name.ends_with("/mod.rs") {
            complaints.push(format!("{name}: write it as the folder's name with .rs beside the folder"));
        }
        let server = name.starts_with("crates/oyez/src/") || name.starts_with("crates/oyez-core/src/");
        let clock = name.starts_with("crates/oyez-core/src/clock");
        for (index, line) in text.lines().enumerate() {
            let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
            let complain = |what: &str| format!("{name}:{}: {what}", index + 1);
            if server && has(SQL) {
                complaints.push(complain("SQL outside the store"));
            }
            if server && !clock && has(CLOCK) {
                complaints.push(complain("only oyez_core::clock reads the time"));
            }
            if has(UNFINISHED) {
                complaints.push(complain("unfinished, or a test that does not run"));
            }
        }
    }
    Ok(complaints)
}
