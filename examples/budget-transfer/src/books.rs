//! The accounts and periods a transfer is checked against, and the check itself. Pure.
//!
//! The check runs twice: when a transfer is submitted, so that a mistake is told at once, and again in *Preparing
//! Data*, because a period may close and an account be shut while a transfer waits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use crate::transfer::{Amount, Draft, Side};

/// An account of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its segments, joined by dashes: `101-10-5110-000`.
    pub code: String,
    /// What it is for.
    pub name: String,
}

/// An accounting period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Period {
    /// Its name in Oracle: `Nov-26`.
    pub name: String,
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
    /// Whether journals may be entered.
    pub open: bool,
}

/// What may be booked on at this moment.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Accounts by code.
    pub accounts: BTreeMap<String, Account>,
    /// Periods by name.
    pub periods: BTreeMap<String, Period>,
}

impl Books {
    /// Everything that is wrong with a draft, each as a sentence; nothing when it can be booked.
    pub fn complaints(&self, draft: &Draft) -> Vec<String> {
        let mut complaints = Vec::new();
        if draft.lines.len() < 2 {
            complaints.push("a transfer has at least two lines: one gives, one receives".to_owned());
        }
        let mut unknown = BTreeSet::new();
        for (index, line) in draft.lines.iter().enumerate() {
            if line.amount == Amount::default() {
                complaints.push(format!("line {}: the amount is zero", index + 1));
            }
            if !self.accounts.contains_key(&line.account) && unknown.insert(&line.account) {
                complaints.push(format!("line {}: there is no account {}", index + 1, line.account));
            }
        }
        let (debit, credit) = (draft.total(Side::Debit), draft.total(Side::Credit));
        if debit != credit {
            complaints.push(format!(
                "debits and credits differ by {}: {} against {}",
                spell((debit - credit).abs()),
                spell(debit),
                spell(credit)
            ));
        }
        match self.periods.get(&draft.period) {
            None => complaints.push(format!("there is no period {}", draft.period)),
            Some(period) if !period.open => complaints.push(format!("the period {} is closed", period.name)),
            Some(period) if draft.date < period.first || draft.date > period.last => {
                complaints
                    .push(format!("the date {} does not lie in the period {}", draft.date, period.name));
            }
            Some(_) => {}
        }
        complaints
    }
}

/// Hundredths as `1200.50`.
pub fn spell(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::transfer::Line;
    use jiff::civil::date;

    pub(crate) fn books() -> Books {
        let account = |code: &str| (code.to_owned(), Account { code: code.into(), name: "Name".into() });
        let period = |name: &str, month, open| {
            let (first, last) = (date(2026, month, 1), date(2026, month, 28));
            (name.to_owned(), Period { name: name.into(), first, last, open })
        };
        Books {
            accounts: ["101-10-5110-000", "101-20-5110-000"].map(account).into(),
            periods: [period("Oct-26", 10, false), period("Nov-26", 11, true)].into(),
        }
    }

    pub(crate) fn draft() -> Draft {
        let line = |account: &str, side| Line {
            account: account.into(),
            side,
            amount: Amount::parse("1200.50").unwrap(),
            description: String::new(),
        };
        Draft {
            description: "Training moves to IT".into(),
            period: "Nov-26".into(),
            date: date(2026, 11, 20),
            currency: "USD".into(),
            lines: vec![line("101-10-5110-000", Side::Debit), line("101-20-5110-000", Side::Credit)],
        }
    }

    #[test]
    fn a_balanced_transfer_on_known_accounts_in_an_open_period_can_be_booked() {
        assert_eq!(books().complaints(&draft()), [""; 0]);
    }

    #[test]
    fn each_mistake_is_told_with_where_it_is() {
        type Change = fn(&mut Draft);
        let table: [(Change, &str); 7] = [
            (
                |draft| draft.lines[0].amount = Amount::parse("1200.51").unwrap(),
                "debits and credits differ by 0.01: 1200.51 against 1200.50",
            ),
            (|draft| draft.lines[1].account = "9".into(), "line 2: there is no account 9"),
            (|draft| draft.period = "Dec-26".into(), "there is no period Dec-26"),
            (|draft| draft.period = "Oct-26".into(), "the period Oct-26 is closed"),
            (|draft| draft.date = date(2026, 12, 1), "the date 2026-12-01 does not lie in the period Nov-26"),
            (
                |draft| draft.lines.iter_mut().for_each(|line| line.amount = Amount::default()),
                "line 1: the amount is zero",
            ),
            (|draft| draft.lines.clear(), "a transfer has at least two lines: one gives, one receives"),
        ];
        for (change, expected) in table {
            let mut draft = draft();
            change(&mut draft);
            assert_eq!(books().complaints(&draft).first().map(String::as_str), Some(expected));
        }
    }
}
