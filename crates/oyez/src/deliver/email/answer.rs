//! What a mail server's answer means for a delivery, by where in the dialogue it came.

use oyez_core::delivery::Outcome;

use super::connection::Fault;

/// Where in the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Connecting, and the greetings.
    Connect,
    /// From clear to encrypted.
    Tls,
    /// The login.
    Login,
    /// The sender.
    From,
    /// The recipient.
    To,
    /// Asking to send.
    Data,
    /// The mail was sent, and the server says whether it takes it.
    End,
}

/// How the dialogue ended before its good end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    step: Step,
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The server answered so.
    Code(u16),
    /// No answer, or none that can be read.
    Silence,
    /// We refuse it ourselves.
    Never,
}

impl Refusal {
    /// What went wrong at a step.
    pub(super) fn of(step: Step, fault: Fault) -> Self {
        match fault {
            Fault::Answered(answer) => {
                Self { step, kind: Kind::Code(answer.code), text: printable(&answer.text) }
            }
            Fault::Silence(text) => Self { step, kind: Kind::Silence, text: printable(&text) },
        }
    }

    /// No answer.
    pub(super) fn silence(step: Step, text: impl Into<String>) -> Self {
        Self { step, kind: Kind::Silence, text: text.into() }
    }

    /// It cannot be sent like this, and the server was not asked.
    pub(super) fn never(step: Step, text: impl Into<String>) -> Self {
        Self { step, kind: Kind::Never, text: text.into() }
    }

    pub(super) fn step(&self) -> Step {
        self.step
    }

    /// Whether the connection is of no more use.
    pub(super) fn closes(&self) -> bool {
        matches!(self.kind, Kind::Silence | Kind::Code(421))
    }

    /// What it means for the delivery.
    ///
    /// Whatever happens before the mail is spoken of is no fault of the mail: it is tried again. A 4xx is "not now". A
    /// 5xx is "never", and of the recipient, with a reason that says the address is wrong (RFC 3463, 5.1.x), "never to
    /// this address".
    pub(super) fn outcome(&self) -> Outcome {
        let error = self.to_string();
        let about_the_mail = matches!(self.step, Step::From | Step::To | Step::Data | Step::End);
        match self.kind {
            Kind::Never => Outcome::Refused { error },
            Kind::Code(code @ 500..=599) if about_the_mail => {
                let of_address = self.step == Step::To && matches!(code, 550 | 551 | 553);
                if of_address && is_address_status(&self.text) {
                    Outcome::Bounced { error }
                } else {
                    Outcome::Refused { error }
                }
            }
            _ => Outcome::Failed { error, retry_after: None },
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = match self.step {
            Step::Connect => "connecting to the mail server",
            Step::Tls => "encrypting the connection to the mail server",
            Step::Login => "logging in at the mail server",
            Step::From => "naming the sender",
            Step::To => "naming the recipient",
            Step::Data => "asking to send",
            Step::End => "sending the mail",
        };
        match self.kind {
            Kind::Code(code) => write!(f, "{place}: {code} {}", self.text),
            Kind::Silence if self.step == Step::End => {
                write!(f, "{place}: {}; the server may have taken it", self.text)
            }
            Kind::Silence | Kind::Never => write!(f, "{place}: {}", self.text),
        }
    }
}

/// Whether an answer begins with an enhanced status (RFC 3463) that says that the address is wrong.
fn is_address_status(text: &str) -> bool {
    let mut numbers = text.split([' ', '-']).next().unwrap_or_default().split('.');
    let (class, subject, detail) = (numbers.next(), numbers.next(), numbers.next());
    let detail =
        detail.is_some_and(|detail| !detail.is_empty() && detail.bytes().all(|c| c.is_ascii_digit()));
    class == Some("5") && subject == Some("1") && detail && numbers.next().is_none()
}

/// A server's words, on one line.
fn printable(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(step: Step, code: u16, text: &str) -> Outcome {
        Refusal { step, kind: Kind::Code(code), text: text.into() }.outcome()
    }

    #[test]
    fn an_answer_means_what_it_says_where_it_is_said() {
        let failed = |outcome: Outcome| matches!(outcome, Outcome::Failed { .. });
        let refused = |outcome: Outcome| matches!(outcome, Outcome::Refused { .. });
        let bounced = |outcome: Outcome| matches!(outcome, Outcome::Bounced { .. });
        assert!(failed(answered(Step::From, 451, "4.3.0 later")));
        assert!(failed(answered(Step::To, 450, "4.2.1 greylisted")));
        assert!(failed(answered(Step::End, 421, "going down")));
        assert!(bounced(answered(Step::To, 550, "5.1.1 no such user")));
        assert!(bounced(answered(Step::To, 553, "5.1.3")));
        assert!(refused(answered(Step::To, 550, "5.7.1 relaying denied")));
        assert!(refused(answered(Step::To, 550, "no such user")));
        assert!(refused(answered(Step::To, 552, "5.1.1 odd")));
        assert!(refused(answered(Step::From, 550, "5.1.8 bad sender")));
        assert!(refused(answered(Step::End, 554, "5.6.0 looks like spam")));
        assert!(failed(answered(Step::Login, 535, "5.7.8 bad password")), "the operator can mend it");
        assert!(failed(answered(Step::Connect, 554, "no service")));
    }

    #[test]
    fn a_connection_that_breaks_is_tried_again_and_says_when_the_mail_may_be_there() {
        let lost = Refusal::silence(Step::End, "incomplete response");
        assert!(matches!(lost.outcome(), Outcome::Failed { .. }) && lost.closes());
        assert_eq!(lost.to_string(), "sending the mail: incomplete response; the server may have taken it");
        assert!(!Refusal { step: Step::To, kind: Kind::Code(550), text: String::new() }.closes());
    }

    #[test]
    fn only_an_enhanced_status_of_the_address_is_one() {
        for (text, is) in [
            ("5.1.1 a", true),
            ("5.1.10 a", true),
            ("5.1.1", true),
            ("5.1. a", false),
            ("5.11.1 a", false),
            ("4.1.1 a", false),
            ("5.1.1.1 a", false),
            ("user 5.1.1", false),
            ("", false),
        ] {
            assert_eq!(is_address_status(text), is, "{text:?}");
        }
    }
}
