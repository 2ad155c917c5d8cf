//! The words: a transfer, its lines, amounts, and the five steps of its upload. Plain values.

use std::fmt;

use jiff::civil::Date;
use oyez::protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// A transfer's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransferId(pub i64);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An amount of money in hundredths. Never negative: a line says which side it is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i64);

/// The most one line may move: 9,999,999,999,999.99, so that no sum of lines overflows.
const MOST_CENTS: i64 = 999_999_999_999_999;

impl Amount {
    /// Takes hundredths, as the database keeps them.
    pub fn from_cents(cents: i64) -> Option<Self> {
        (0..=MOST_CENTS).contains(&cents).then_some(Self(cents))
    }

    /// Reads `1200`, `1200.5` or `1,200.50`. A third decimal, a sign or a word is no amount.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (whole, cents) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let whole = if whole.contains(',') { ungroup(whole)? } else { whole.to_owned() };
        if !digits(&whole) || !digits(cents) || cents.len() > 2 || whole.len() > 13 {
            return None;
        }
        let tenths = if cents.len() == 1 { 10 } else { 1 };
        Self::from_cents(whole.parse::<i64>().ok()? * 100 + cents.parse::<i64>().ok()? * tenths)
    }

    /// Hundredths.
    pub fn cents(self) -> i64 {
        self.0
    }

    /// The sum of some amounts, in hundredths.
    pub fn sum(amounts: impl Iterator<Item = Self>) -> i64 {
        amounts.map(|amount| amount.0).sum()
    }
}

/// `1,234,567` without its commas; `None` when they do not stand between thousands.
fn ungroup(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let even = !first.is_empty() && first.len() <= 3 && groups.all(|group| group.len() == 3);
    even.then(|| text.replace(',', ""))
}

/// `1200.50`: what Oracle reads, and what JSON clients get, who must not lose a cent to a float.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which column of the journal a line stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Receives budget.
    Debit,
    /// Gives budget.
    Credit,
}

impl Side {
    /// The word in forms, JSON and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debit => "debit",
            Self::Credit => "credit",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Debit, Self::Credit].into_iter().find(|side| side.as_str() == word)
    }
}

/// One line of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The account: segments joined by dashes.
    pub account: String,
    /// Which side.
    pub side: Side,
    /// How much.
    pub amount: Amount,
    /// What for; may be empty.
    pub description: String,
}

/// What somebody submits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What the transfer is for, in one line.
    pub description: String,
    /// The accounting period's name.
    pub period: String,
    /// The accounting date; lies in the period.
    pub date: Date,
    /// ISO 4217.
    pub currency: String,
    /// At least two.
    pub lines: Vec<Line>,
}

/// A submitted transfer. It never changes; a correction is another transfer.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// Its number.
    pub id: TransferId,
    /// Who submitted it.
    pub owner: UserId,
    /// What was submitted.
    pub draft: Draft,
    /// When.
    pub created_at: Timestamp,
    /// A random number that names this transfer in Oracle: the interface group and part of the document's name. It is
    /// what a lost call is looked up by.
    pub reference: i64,
}

impl Transfer {
    /// The document's name in UCM. No other document has it.
    pub fn document_name(&self) -> String {
        format!("BudgetTransfer_{}_{}.zip", self.id, self.reference)
    }

    /// What moves: the sum of one side, when both sides are equal.
    pub fn total(&self) -> i64 {
        self.draft.total(Side::Debit)
    }
}

impl Draft {
    /// The sum of one side, in hundredths.
    pub fn total(&self, side: Side) -> i64 {
        Amount::sum(self.lines.iter().filter(|line| line.side == side).map(|line| line.amount))
    }
}

/// The five steps of an upload, in their order. Clients read the names; they are fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Build and check the document.
    PreparingData,
    /// Put it into Oracle's document store.
    UploadToUcm,
    /// Load it into the interface tables.
    InterfaceLoader,
    /// Make journals of the interface lines.
    JournalImport,
    /// Post the journals.
    AutoPost,
}

impl Step {
    /// All, in order.
    pub const ALL: [Self; 5] =
        [Self::PreparingData, Self::UploadToUcm, Self::InterfaceLoader, Self::JournalImport, Self::AutoPost];

    /// How many there are.
    pub const COUNT: u32 = 5;

    /// The fixed name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreparingData => "Preparing Data",
            Self::UploadToUcm => "Upload to UCM",
            Self::InterfaceLoader => "Interface Loader",
            Self::JournalImport => "Journal Import",
            Self::AutoPost => "AutoPost",
        }
    }

    /// Its place, from 1.
    pub fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The step at this place.
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|step| i64::from(step.number()) == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        for (text, cents) in [
            ("0", 0),
            ("1200", 120_000),
            (" 1200.5 ", 120_050),
            ("1200.05", 120_005),
            ("1,234,567.89", 123_456_789),
            ("9999999999999.99", MOST_CENTS),
        ] {
            assert_eq!(Amount::parse(text).map(Amount::cents), Some(cents), "{text}");
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1.234",
            "1e3",
            "12,00",
            "1,2345",
            ",100",
            "10000000000000",
            "ten",
        ] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
        assert_eq!(Amount::parse("1200.5").unwrap().to_string(), "1200.50");
    }

    #[test]
    fn the_five_steps_have_their_fixed_names_and_places() {
        let listed: Vec<_> = Step::ALL.into_iter().map(|step| (step.number(), step.name())).collect();
        assert_eq!(
            listed,
            [
                (1, "Preparing Data"),
                (2, "Upload to UCM"),
                (3, "Interface Loader"),
                (4, "Journal Import"),
                (5, "AutoPost")
            ]
        );
        assert_eq!(Step::of_number(3), Some(Step::InterfaceLoader));
        assert_eq!((Step::of_number(0), Step::of_number(6)), (None, None));
    }
}
