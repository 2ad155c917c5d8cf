//! Documents that applicants send: which kinds there are, what is taken, and names that are safe to show and to send.
//!
//! What a file is follows from how it begins, not from what its name or the browser says.

use oyez::protocol::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{application::ApplicationId, refusal::Refusal};

/// Largest file, in bytes.
pub const MOST_BYTES: usize = 5 * 1024 * 1024;
/// Documents of one application.
pub const MOST_DOCUMENTS: i64 = 20;

/// A document's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentId(pub i64);

/// What a document is meant to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentKind {
    /// The company exists.
    TradeLicence,
    /// It pays its taxes.
    TaxCertificate,
    /// Where to send money.
    BankLetter,
    /// Who answers for damage.
    Insurance,
    /// Anything else.
    Other,
}

impl DocumentKind {
    /// Every kind, in the order forms show them.
    pub const ALL: [Self; 5] =
        [Self::TradeLicence, Self::TaxCertificate, Self::BankLetter, Self::Insurance, Self::Other];

    /// The word in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TradeLicence => "TRADE_LICENCE",
            Self::TaxCertificate => "TAX_CERTIFICATE",
            Self::BankLetter => "BANK_LETTER",
            Self::Insurance => "INSURANCE",
            Self::Other => "OTHER",
        }
    }

    /// The words for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::TradeLicence => "Trade licence",
            Self::TaxCertificate => "Tax certificate",
            Self::BankLetter => "Bank letter",
            Self::Insurance => "Proof of insurance",
            Self::Other => "Other document",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A document that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Which.
    pub id: DocumentId,
    /// Whose.
    pub application: ApplicationId,
    /// What it shows.
    pub kind: DocumentKind,
    /// Its name, safe.
    pub name: String,
    /// The file's name on disk.
    pub file: String,
    /// What it is.
    pub media_type: String,
    /// How large.
    pub bytes: i64,
    /// When it came.
    pub uploaded_at: Timestamp,
    /// When a reviewer found it good.
    pub verified_at: Option<Timestamp>,
    /// Who did.
    pub verified_by: Option<String>,
}

/// What a file is, by how it begins: PDF, PNG or JPEG. All else is refused: what reviewers open must not run.
pub fn media_type(bytes: &[u8]) -> Result<(&'static str, &'static str), Refusal> {
    let known = [
        (&b"%PDF-"[..], ("application/pdf", "pdf")),
        (b"\x89PNG\r\n\x1a\n", ("image/png", "png")),
        (b"\xff\xd8\xff", ("image/jpeg", "jpg")),
    ];
    let found = known.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, kind)| kind);
    found.ok_or_else(|| Refusal::Invalid { field: "file", message: "expected a PDF, PNG or JPEG".into() })
}

/// A name that is safe on a page, in a header and in a file system: the last part of a path, letters, digits and
/// `-_.` only, with the ending that fits what the file is.
pub fn safe_name(name: &str, ending: &str) -> String {
    const MOST: usize = 80;
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let mut safe = String::new();
    for c in stem.chars().take(MOST) {
        let fine = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // One dash stands for any run of what is left out.
        match (fine, safe.ends_with('-')) {
            (true, _) => safe.push(c),
            (false, false) => safe.push('-'),
            (false, true) => {}
        }
    }
    let safe = safe.trim_matches(['-', '.', '_']);
    let stem = if safe.is_empty() { "document" } else { safe };
    format!("{stem}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_how_they_begin() {
        assert_eq!(media_type(b"%PDF-1.7 ...").unwrap().0, "application/pdf");
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\nrest").unwrap().1, "png");
        assert_eq!(media_type(b"\xff\xd8\xff\xe0").unwrap().1, "jpg");
        for other in [&b""[..], b"<svg onload=alert(1)>", b"MZ\x90", b"PK\x03\x04", b" %PDF-1.7"] {
            assert!(media_type(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn names_are_made_safe() {
        let table = [
            ("licence.pdf", "licence.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("C:\\secret\\Plan B (final).PDF", "Plan-B-final.pdf"),
            ("evil.pdf.exe", "evil.pdf.pdf"),
            ("a\r\nSet-Cookie: x=1", "a-Set-Cookie-x-1.pdf"),
            ("\"><script>", "script.pdf"),
            ("..", "document.pdf"),
            ("", "document.pdf"),
            ("Bewilligung Zürich.pdf", "Bewilligung-Z-rich.pdf"),
            ("\u{202e}fdp.exe", "fdp.pdf"),
        ];
        for (given, expected) in table {
            assert_eq!(safe_name(given, "pdf"), expected, "{given:?}");
        }
        assert!(safe_name(&"x".repeat(10_000), "pdf").len() <= 84);
    }
}
