//! The operator's templates: `email/<type>/` with `subject.txt`, `text.txt` and `body.mjml` or `body.html`, and the same
//! in `email/<type>/<locale>/` for a language.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oyez_core::template::check;
use oyez_protocol::{
    Locale, TemplateName,
    api::{
        deliveries::Medium,
        templates::{TemplateOrigin, TemplateRequest},
    },
};

use super::{TemplatesError, catalogue::Entry};

/// Most files that are read.
const MAX_ENTRIES: usize = 1_000;

/// Reads all templates below a folder. Other files in it are refused: a misspelt name would be lost silently.
pub(super) fn read(folder: &Path) -> Result<Vec<Entry>, TemplatesError> {
    let mut entries = Vec::new();
    for medium in children(folder)? {
        if name(&medium) != Medium::Email.as_str() {
            return Err(wrong(medium, "expected a folder named \"email\""));
        }
        for kind in children(&medium)? {
            let named = TemplateName::new(name(&kind));
            let of = named.map_err(|error| wrong(kind.clone(), error.to_string()))?;
            entries.extend(template(&kind, &of, None)?);
            for inner in children(&kind)?.into_iter().filter(|path| path.is_dir()) {
                let locale = Locale::new(name(&inner));
                let locale = locale.map_err(|error| wrong(inner.clone(), error.to_string()))?;
                if children(&inner)?.iter().any(|path| path.is_dir()) {
                    return Err(wrong(inner, "expected files, not more folders"));
                }
                entries.extend(template(&inner, &of, Some(locale))?);
            }
            if entries.len() > MAX_ENTRIES {
                return Err(wrong(folder.into(), format!("there are more than {MAX_ENTRIES} templates")));
            }
        }
    }
    Ok(entries)
}

fn template(
    folder: &Path,
    kind: &TemplateName,
    locale: Option<Locale>,
) -> Result<Option<Entry>, TemplatesError> {
    let mut template = TemplateRequest { locale, ..TemplateRequest::default() };
    let mut empty = true;
    for path in children(folder)?.into_iter().filter(|path| !path.is_dir()) {
        let part = match name(&path) {
            "subject.txt" => &mut template.subject,
            "text.txt" => &mut template.text,
            "body.mjml" | "body.html" if template.html.is_none() => &mut template.html,
            "body.mjml" | "body.html" => {
                return Err(wrong(path, "there is a body.html and a body.mjml: keep one of them"));
            }
            _ => return Err(wrong(path, "expected subject.txt, text.txt, body.mjml or body.html")),
        };
        let text = fs::read_to_string(&path).map_err(|error| wrong(path.clone(), error.to_string()))?;
        *part = Some(text);
        empty = false;
    }
    if empty {
        return Ok(None);
    }
    check(Medium::Email, &template).map_err(|invalid| wrong(folder.into(), invalid.message))?;
    let origin = TemplateOrigin::Folder;
    Ok(Some(Entry { kind: kind.clone(), origin, template, updated_at: None }))
}

/// What lies in a folder, in order of name; hidden files are none of ours.
fn children(folder: &Path) -> Result<Vec<PathBuf>, TemplatesError> {
    let failed = |error: std::io::Error| wrong(folder.into(), error.to_string());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if !name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn wrong(path: PathBuf, reason: impl Into<String>) -> TemplatesError {
    TemplatesError::Folder { path, reason: reason.into() }
}
