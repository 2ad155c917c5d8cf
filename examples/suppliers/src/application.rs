//! An application to become a supplier: its fields, its tracking code, its timeline.
//!
//! Plain values; where it stands and what may happen next is in `life_cycle`.

use std::fmt;

use oyez::protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{document::DocumentKind, life_cycle::Status, refusal::Refusal};

/// An application's id. Pages show the tracking code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplicationId(pub i64);

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl ApplicationId {
    /// Whom Oyez knows the applicant as, before and after the approval.
    pub fn user_id(self) -> UserId {
        UserId::new(&format!("supplier-{}", self.0)).expect("a number makes a user id")
    }
}

/// `GCX-2026-000001`: the year, and a number that counts from 1 in each year without gaps.
///
/// It can be guessed, so it opens nothing by itself: the status page asks for the e-mail address as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TrackingCode(String);

impl TrackingCode {
    /// The code with this number.
    pub fn new(year: i64, number: i64) -> Self {
        Self(format!("GCX-{year:04}-{number:06}"))
    }

    /// Takes what somebody typed: spaces around it and small letters are fine.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let (year, number) = text.strip_prefix("GCX-")?.split_once('-')?;
        let digits = |part: &str, least: usize| {
            (least..=12).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
        };
        (year.len() == 4 && digits(year, 4) && digits(number, 6)).then_some(Self(text))
    }

    /// As people read it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrackingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a supplier offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// Things.
    Goods,
    /// Work by the hour.
    Services,
    /// Buildings.
    Construction,
    /// Machines and software.
    Technology,
    /// Moving and storing.
    Logistics,
    /// Food.
    Catering,
}

impl Category {
    /// Every category, in the order forms show them.
    pub const ALL: [Self; 6] =
        [Self::Goods, Self::Services, Self::Construction, Self::Technology, Self::Logistics, Self::Catering];

    /// The word in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Goods => "GOODS",
            Self::Services => "SERVICES",
            Self::Construction => "CONSTRUCTION",
            Self::Technology => "TECHNOLOGY",
            Self::Logistics => "LOGISTICS",
            Self::Catering => "CATERING",
        }
    }

    /// The word for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::Goods => "Goods",
            Self::Services => "Services",
            Self::Construction => "Construction",
            Self::Technology => "Technology",
            Self::Logistics => "Logistics",
            Self::Catering => "Catering",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }
}

/// What an applicant fills in, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Form {
    /// The company.
    pub company_name: String,
    /// Its number in the register of companies.
    pub registration_number: String,
    /// Where it is.
    pub country: String,
    /// What it offers.
    pub category: Category,
    /// Whom to ask.
    pub contact_name: String,
    /// Where mail goes, in small letters.
    pub email: String,
    /// Where to call.
    pub phone: String,
    /// Empty when there is none.
    pub website: String,
    /// What the company wants to supply.
    pub description: String,
}

/// What an applicant typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the same fields as in `Form`, as text")]
pub struct Typed {
    pub company_name: String,
    pub registration_number: String,
    pub country: String,
    pub category: String,
    pub contact_name: String,
    pub email: String,
    pub phone: String,
    pub website: String,
    pub description: String,
}

impl Typed {
    /// Checks every field; the refusal names the first that is wrong.
    pub fn check(&self) -> Result<Form, Refusal> {
        use crate::refusal::{line, text};
        let invalid = |field, message: &str| Refusal::Invalid { field, message: message.into() };
        let form = Form {
            company_name: line("company_name", &self.company_name, 120)?,
            registration_number: line("registration_number", &self.registration_number, 40)?,
            country: line("country", &self.country, 60)?,
            category: Category::parse(&self.category)
                .ok_or_else(|| invalid("category", "choose one of the list"))?,
            contact_name: line("contact_name", &self.contact_name, 80)?,
            email: email(&self.email)?,
            phone: line("phone", &self.phone, 40)?,
            website: self.website.trim().to_owned(),
            description: text("description", &self.description, 4_000)?,
        };
        if !form.phone.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c)) {
            return Err(invalid("phone", "expected digits, such as +41 44 123 45 67"));
        }
        let web = form.website.strip_prefix("https://").or_else(|| form.website.strip_prefix("http://"));
        let clean =
            |rest: &str| !rest.is_empty() && !rest.chars().any(|c| c.is_whitespace() || c.is_control());
        if !form.website.is_empty() && (form.website.len() > 200 || !web.is_some_and(clean)) {
            return Err(invalid("website", "expected an address that starts with https://, or nothing"));
        }
        Ok(form)
    }
}

/// Takes an e-mail address, in small letters. Deliverability is shown by the first mail, not here.
pub fn email(text: &str) -> Result<String, Refusal> {
    let invalid = || Refusal::Invalid {
        field: "email",
        message: "expected an address such as you@company.example".into(),
    };
    let address = crate::refusal::line("email", text, 200).map_err(|_| invalid())?.to_lowercase();
    let (local, domain) = address.rsplit_once('@').ok_or_else(invalid)?;
    let allowed = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let labels = domain
        .split('.')
        .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'));
    let fine = !local.is_empty()
        && local.chars().all(allowed)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && labels;
    if fine { Ok(address) } else { Err(invalid()) }
}

/// An application as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Which.
    pub id: ApplicationId,
    /// What the applicant was told.
    pub tracking_code: TrackingCode,
    /// What was filled in.
    pub form: Form,
    /// Where it stands.
    pub status: Status,
    /// When it came.
    pub submitted_at: Timestamp,
    /// When anything changed last.
    pub updated_at: Timestamp,
    /// When it was approved or rejected.
    pub decided_at: Option<Timestamp>,
    /// Which documents were asked for last.
    pub requested: Vec<DocumentKind>,
    /// What was said with it.
    pub request_note: Option<String>,
    /// Why it was rejected.
    pub rejection_reason: Option<String>,
}

/// One line of an application's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place.
    pub id: i64,
    /// `submitted`, `reviewed`, `requested`, `uploaded`, `verified`, `approved`, `rejected` or `credentials`.
    pub kind: String,
    /// Who did it; none: the applicant.
    pub person: Option<String>,
    /// What was said.
    pub body: String,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn typed() -> Typed {
        Typed {
            company_name: "Acme Ltd".into(),
            registration_number: "CH-123".into(),
            country: "Switzerland".into(),
            category: "GOODS".into(),
            contact_name: "Wile Coyote".into(),
            email: "Wile@Acme.example".into(),
            phone: "+41 44 123 45 67".into(),
            website: "https://acme.example".into(),
            description: "Anvils".into(),
        }
    }

    pub(crate) fn application() -> Application {
        let at = Timestamp::from_millis(1_790_000_000_000);
        Application {
            id: ApplicationId(7),
            tracking_code: TrackingCode::new(2026, 7),
            form: typed().check().unwrap(),
            status: Status::PendingReview,
            submitted_at: at,
            updated_at: at,
            decided_at: None,
            requested: vec![],
            request_note: None,
            rejection_reason: None,
        }
    }

    #[test]
    fn a_tracking_code_is_read_as_people_type_it() {
        let code = TrackingCode::new(2026, 1);
        assert_eq!(code.as_str(), "GCX-2026-000001");
        assert_eq!(TrackingCode::parse(" gcx-2026-000001 "), Some(code));
        assert_eq!(TrackingCode::new(2026, 1_234_567).as_str(), "GCX-2026-1234567");
        for wrong in
            ["", "GCX", "GCX-2026-1", "GCX-26-000001", "GCX-2026-00000x", "ABC-2026-000001", "GCX-2026-"]
        {
            assert_eq!(TrackingCode::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_form_is_refused_by_its_first_wrong_field() {
        assert_eq!(typed().check().unwrap().email, "wile@acme.example");
        type Spoil = fn(&mut Typed);
        let table: [(&str, Spoil); 8] = [
            ("company_name", |form| form.company_name = " ".into()),
            ("company_name", |form| form.company_name = "a\r\nBcc: x@y.example".into()),
            ("category", |form| form.category = "WEAPONS".into()),
            ("email", |form| form.email = "nobody".into()),
            ("email", |form| form.email = "a b@c.example".into()),
            ("phone", |form| form.phone = "call me".into()),
            ("website", |form| form.website = "javascript:alert(1)".into()),
            ("description", |form| form.description = String::new()),
        ];
        for (field, spoil) in table {
            let mut form = typed();
            spoil(&mut form);
            let refused = form.check().unwrap_err();
            assert!(
                matches!(refused, Refusal::Invalid { field: wrong, .. } if wrong == field),
                "{field}: {refused}"
            );
        }
    }

    #[test]
    fn addresses_are_told_from_what_only_looks_like_one() {
        for right in ["a@b.ch", "first.last+tag@sub.example.com", "o'neil@x.example", "jürg@zürich.example"]
        {
            assert!(email(right).is_ok(), "{right}");
        }
        for wrong in [
            "@b.ch",
            "a@",
            "a@b",
            "a@b..ch",
            ".a@b.ch",
            "a..b@c.ch",
            "a@b.ch>",
            "a,b@c.ch",
            "a@b.c h",
            "\"a\"@b.ch",
        ] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }
}
