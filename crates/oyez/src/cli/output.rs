//! What a command prints: sentences and tables for people, or one JSON document per answer.

use std::io::{self, Write as _};

use serde_json::Value;

use super::error::Failure;

/// Prints to standard output. A reader that went away (`| head`) is no failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON was asked for.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// A line.
    pub(super) fn line(self, text: &str) {
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// JSON when that was asked for, else what people read.
    pub(super) fn answer(self, value: &Value, text: impl FnOnce() -> String) {
        if self.json {
            self.line(&value.to_string());
        } else {
            self.line(&text());
        }
    }

    /// Something beside the answer: progress, advice.
    pub(super) fn note(self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// How it went wrong.
    pub(super) fn failure(self, failure: &Failure) {
        if self.json {
            if !failure.is_told() {
                self.line(&failure.to_json().to_string());
            }
        } else {
            let _ = writeln!(io::stderr().lock(), "{failure}");
        }
    }
}

/// Rows with a head, each column as wide as it needs.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let wide = |text: &str| text.chars().count();
    let mut widths: Vec<usize> = head.iter().map(|name| wide(name)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(wide(cell));
        }
    }
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| {
            let padding = " ".repeat(width.saturating_sub(wide(cell)));
            format!("{cell}{padding}")
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let rows = vec![vec!["Zoë".to_owned(), "x".to_owned()], vec!["a".to_owned(), String::new()]];
        assert_eq!(table(&["id", "name"], &rows), "id   name\nZoë  x\na");
    }
}
