//! Checks of shape that the compiler does not make. Each is a plain function from the tree to a list of complaints.

mod documents;
mod ladder;
mod sources;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// A place and what is wrong there.
type Complaint = String;

/// Runs every check; an error names all that is wrong.
#[expect(clippy::print_stdout, reason = "the closing line of a check is for people")]
pub(crate) fn run() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let sources = rust_files(root)?;
    let mut complaints = Vec::new();
    complaints.extend(ladder::check(root, &sources)?);
    complaints.extend(sources::check(root, &sources)?);
    complaints.extend(documents::check(root)?);
    if complaints.is_empty() {
        println!("tidy: {} files, nothing to complain about", sources.len());
        return Ok(());
    }
    bail!("tidy found {}:\n  {}", complaints.len(), complaints.join("\n  "))
}

/// Every tracked kind of Rust source below the workspace, without build output.
fn rust_files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("could not read {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "node_modules", "out"].contains(&name) {
                    open.push(path);
                }
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn relative<'a>(root: &Path, path: &'a Path) -> std::borrow::Cow<'a, str> {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy()
}
