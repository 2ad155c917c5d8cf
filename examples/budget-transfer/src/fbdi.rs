//! Builds the document Oracle takes: `GlInterface.csv`, one row per line of the transfer, in a zip.
//!
//! The columns are those of Oracle's file-based data import template *Journal Import*: no heading, 149 columns by
//! position. The same transfer always gives the same bytes, so a document that is built again is the same document.

use std::io::{Cursor, Write};

use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

use crate::transfer::{Side, Transfer};

/// The file inside the zip; Oracle's loader knows it by this name.
pub const CSV_NAME: &str = "GlInterface.csv";
/// How many columns the template has.
pub const COLUMNS: usize = 149;
/// The longest text a reference column takes.
const LONGEST_REFERENCE: usize = 240;

/// Where a value stands, from 0.
mod column {
    pub(super) const STATUS: usize = 0;
    pub(super) const LEDGER: usize = 1;
    pub(super) const ACCOUNTING_DATE: usize = 2;
    pub(super) const SOURCE: usize = 3;
    pub(super) const CATEGORY: usize = 4;
    pub(super) const CURRENCY: usize = 5;
    pub(super) const CREATED: usize = 6;
    pub(super) const ACTUAL_FLAG: usize = 7;
    pub(super) const FIRST_SEGMENT: usize = 8;
    pub(super) const DEBIT: usize = 38;
    pub(super) const CREDIT: usize = 39;
    pub(super) const BATCH_NAME: usize = 42;
    pub(super) const BATCH_DESCRIPTION: usize = 43;
    pub(super) const JOURNAL_NAME: usize = 45;
    pub(super) const JOURNAL_DESCRIPTION: usize = 46;
    pub(super) const LINE_DESCRIPTION: usize = 51;
    pub(super) const GROUP: usize = 66;
    pub(super) const PERIOD: usize = 94;
}

/// What the ledger side of a row needs and a transfer does not know.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The ledger's id.
    pub id: String,
    /// The data access set's id.
    pub access_set: String,
    /// The journal source's name.
    pub source: String,
    /// The journal category's name.
    pub category: String,
    /// The id of the AutoPost criteria set that posts this source.
    pub autopost_set: String,
}

/// The CSV of a transfer.
pub fn csv(transfer: &Transfer, ledger: &Ledger) -> String {
    let draft = &transfer.draft;
    // The date of the submission, not of the build: a build tomorrow gives the same bytes.
    let created = transfer.created_at.to_string()[..10].replace('-', "/");
    let name = format!("Budget transfer {}", transfer.id);
    let mut text = String::new();
    for line in &draft.lines {
        let mut row = vec![String::new(); COLUMNS];
        let mut set = |column: usize, value: &str| row[column] = field(value);
        set(column::STATUS, "NEW");
        set(column::LEDGER, &ledger.id);
        set(column::ACCOUNTING_DATE, &draft.date.strftime("%Y/%m/%d").to_string());
        set(column::SOURCE, &ledger.source);
        set(column::CATEGORY, &ledger.category);
        set(column::CURRENCY, &draft.currency);
        set(column::CREATED, &created);
        set(column::ACTUAL_FLAG, "A");
        for (offset, segment) in line.account.split('-').take(30).enumerate() {
            set(column::FIRST_SEGMENT + offset, segment);
        }
        let side = match line.side {
            Side::Debit => column::DEBIT,
            Side::Credit => column::CREDIT,
        };
        set(side, &line.amount.to_string());
        set(column::BATCH_NAME, &name);
        set(column::BATCH_DESCRIPTION, &draft.description);
        set(column::JOURNAL_NAME, &name);
        set(column::JOURNAL_DESCRIPTION, &draft.description);
        set(column::LINE_DESCRIPTION, &line.description);
        set(column::GROUP, &transfer.reference.to_string());
        set(column::PERIOD, &draft.period);
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text
}

/// The CSV in a zip, as it is uploaded.
pub fn document(transfer: &Transfer, ledger: &Ledger) -> Result<Vec<u8>, ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(CSV_NAME, options)?;
    zip.write_all(csv(transfer, ledger).as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

/// A value as a CSV field: cut to what the column takes, quoted when it would break the row.
fn field(value: &str) -> String {
    let value: String = value.chars().take(LONGEST_REFERENCE).collect();
    if value.contains([',', '"', '\n', '\r']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read;

    use oyez::protocol::{Timestamp, UserId};

    use super::*;
    use crate::{books, transfer::TransferId};

    pub(crate) fn ledger() -> Ledger {
        Ledger {
            id: "300000046975971".into(),
            access_set: "300000046975980".into(),
            source: "Budget Transfer".into(),
            category: "Budget".into(),
            autopost_set: "300000047061212".into(),
        }
    }

    pub(crate) fn transfer() -> Transfer {
        Transfer {
            id: TransferId(602),
            owner: UserId::new("olive").unwrap(),
            draft: books::tests::draft(),
            created_at: Timestamp::from_millis(1_795_000_000_000),
            reference: 77_000_000_000_602,
        }
    }

    #[test]
    fn a_row_has_each_value_in_its_column() {
        let text = csv(&transfer(), &ledger());
        let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split(',').collect()).collect();
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [COLUMNS, COLUMNS]);
        assert_eq!(
            rows[0][..12],
            [
                "NEW",
                "300000046975971",
                "2026/11/20",
                "Budget Transfer",
                "Budget",
                "USD",
                "2026/11/18",
                "A",
                "101",
                "10",
                "5110",
                "000"
            ]
        );
        assert_eq!((rows[0][38], rows[0][39]), ("1200.50", ""));
        assert_eq!((rows[1][38], rows[1][39]), ("", "1200.50"));
        assert_eq!((rows[0][42], rows[0][43]), ("Budget transfer 602", "Training moves to IT"));
        assert_eq!((rows[0][66], rows[0][94]), ("77000000000602", "Nov-26"));
    }

    #[test]
    fn text_cannot_break_out_of_its_field() {
        let mut transfer = transfer();
        transfer.draft.description = "Says \"now\", not later".into();
        let text = csv(&transfer, &ledger());
        assert!(text.contains(r#","Says ""now"", not later","#), "{text}");
        assert_eq!(field(&"ä".repeat(300)).chars().count(), 240);
    }

    #[test]
    fn the_same_transfer_gives_the_same_zip() {
        let (transfer, ledger) = (transfer(), ledger());
        let document = document(&transfer, &ledger).unwrap();
        assert_eq!(document, super::document(&transfer, &ledger).unwrap());
        let mut archive = zip::ZipArchive::new(Cursor::new(document)).unwrap();
        let mut text = String::new();
        archive.by_name(CSV_NAME).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((archive.len(), text), (1, csv(&transfer, &ledger)));
    }
}
