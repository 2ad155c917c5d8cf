//! Reads what somebody submits, as typed, into a draft; or says which field cannot be read. Pure.

use jiff::civil::Date;
use serde::Deserialize;

use crate::{
    refusal::{self, Refusal},
    transfer::{Amount, Draft, Line, Side},
};

/// The most lines of one transfer.
pub const MOST_LINES: usize = 500;

/// A transfer as it was typed or sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    /// What for.
    pub description: String,
    /// The period's name.
    pub period: String,
    /// `YYYY-MM-DD`.
    pub date: String,
    /// ISO 4217; absent: USD.
    #[serde(default)]
    pub currency: String,
    /// The lines.
    pub lines: Vec<TypedLine>,
}

/// One line: exactly one of `debit` and `credit` holds an amount.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypedLine {
    /// The account's code.
    pub account: String,
    /// What it receives.
    #[serde(default)]
    pub debit: String,
    /// What it gives.
    #[serde(default)]
    pub credit: String,
    /// What for.
    #[serde(default)]
    pub description: String,
}

impl Typed {
    /// The draft it says.
    pub fn read(&self) -> Result<Draft, Refusal> {
        let date: Date = self
            .date
            .trim()
            .parse()
            .map_err(|_| Refusal::invalid("date", "expected a date such as 2026-11-20"))?;
        let currency = match self.currency.trim() {
            "" => "USD".to_owned(),
            code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => code.to_owned(),
            _ => return Err(Refusal::invalid("currency", "expected three capital letters such as USD")),
        };
        if self.lines.len() > MOST_LINES {
            return Err(Refusal::invalid("lines", format!("expected at most {MOST_LINES}")));
        }
        let lines = self.lines.iter().enumerate().map(|(index, line)| line.read(index + 1));
        Ok(Draft {
            description: refusal::line("description", &self.description, 1, 200)?,
            period: refusal::line("period", &self.period, 1, 15)?,
            date,
            currency,
            lines: lines.collect::<Result<_, _>>()?,
        })
    }
}

impl TypedLine {
    fn read(&self, number: usize) -> Result<Line, Refusal> {
        let field = |name: &str| format!("line {number}, {name}");
        let amount = |name: &str, text: &str| {
            Amount::parse(text)
                .ok_or_else(|| Refusal::invalid(field(name), "expected an amount such as 1200.50"))
        };
        let (side, amount) = match (self.debit.trim(), self.credit.trim()) {
            (debit, "") if !debit.is_empty() => (Side::Debit, amount("debit", debit)?),
            ("", credit) if !credit.is_empty() => (Side::Credit, amount("credit", credit)?),
            _ => return Err(Refusal::invalid(field("amount"), "expected either a debit or a credit")),
        };
        Ok(Line {
            account: refusal::line(&field("account"), &self.account, 1, 100)?,
            side,
            amount,
            description: refusal::line(&field("description"), &self.description, 0, 200)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed() -> Typed {
        let line = |account: &str, debit: &str, credit: &str| TypedLine {
            account: account.into(),
            debit: debit.into(),
            credit: credit.into(),
            description: String::new(),
        };
        Typed {
            description: "Training".into(),
            period: "Nov-26".into(),
            date: "2026-11-20".into(),
            currency: String::new(),
            lines: vec![line("101-10-5110-000", "1,200.50", ""), line("101-20-5110-000", "", "1200.5")],
        }
    }

    #[test]
    fn what_was_typed_becomes_a_draft() {
        let draft = typed().read().unwrap();
        assert_eq!((draft.currency.as_str(), draft.date.to_string().as_str()), ("USD", "2026-11-20"));
        assert_eq!((draft.total(Side::Debit), draft.total(Side::Credit)), (120_050, 120_050));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        type Change = fn(&mut Typed);
        let table: [(Change, &str); 7] = [
            (|typed| typed.date = "20.11.2026".into(), "date: expected a date such as 2026-11-20"),
            (|typed| typed.currency = "usd".into(), "currency: expected three capital letters such as USD"),
            (|typed| typed.description = " ".into(), "description: expected one line of 1 to 200 characters"),
            (
                |typed| typed.lines[1].credit = "ten".into(),
                "line 2, credit: expected an amount such as 1200.50",
            ),
            (
                |typed| typed.lines[0].credit = "1".into(),
                "line 1, amount: expected either a debit or a credit",
            ),
            (
                |typed| typed.lines[0].debit = " ".into(),
                "line 1, amount: expected either a debit or a credit",
            ),
            (
                |typed| typed.lines[0].account = String::new(),
                "line 1, account: expected one line of 1 to 100 characters",
            ),
        ];
        for (change, expected) in table {
            let mut typed = typed();
            change(&mut typed);
            assert_eq!(typed.read().unwrap_err().to_string(), expected);
        }
    }
}
