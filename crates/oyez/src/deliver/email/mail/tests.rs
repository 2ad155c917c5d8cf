use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;

use super::*;

fn message(subject: &str) -> Message {
    let html = format!("<p>Grüezi {}</p>", "long ".repeat(400));
    Message { subject: subject.into(), text: "Grüezi\n.\nFrom here\n".into(), html: Some(html) }
}

fn written(
    from: &str,
    to: &str,
    name: Option<&str>,
    message: &Message,
    link: Option<&str>,
) -> Result<Vec<u8>, String> {
    let parts = Parts {
        from: &from.parse().unwrap(),
        reply_to: Some(&"Support <support@example.com>".parse().unwrap()),
        to: &address(to)?,
        to_name: name,
        key: "01930d2e-7c5a-7bbb-8000-000000000001",
        at: "2026-11-20T13:00:00Z".parse().unwrap(),
        message,
        unsubscribe_url: link,
    };
    compose(&parts)
}

fn headers(mail: &[u8]) -> String {
    let text = String::from_utf8(mail.to_vec()).unwrap();
    text.split("\r\n\r\n").next().unwrap().to_owned()
}

#[test]
fn a_mail_is_well_formed_and_says_what_it_is() {
    let link = format!("https://n.example.com/unsubscribe/{}", "t".repeat(200));
    let mail = written(
        "Acme <notify@example.com>",
        "anna@example.org",
        Some("Anna Müller"),
        &message("Grüezi 🌎"),
        Some(&link),
    );
    let mail = mail.unwrap();
    assert!(mail.is_ascii() && String::from_utf8_lossy(&mail).lines().all(|line| line.len() <= 998));
    let parsed = MessageParser::default().parse(&mail).unwrap();
    assert_eq!(parsed.subject(), Some("Grüezi 🌎"));
    assert_eq!(parsed.message_id(), Some("01930d2e-7c5a-7bbb-8000-000000000001@example.com"));
    let one = |address: &mail_parser::Address<'_>| {
        let first = address.first().unwrap();
        (first.name().unwrap_or_default().to_owned(), first.address().unwrap().to_owned())
    };
    assert_eq!(one(parsed.from().unwrap()), ("Acme".into(), "notify@example.com".into()));
    assert_eq!(one(parsed.to().unwrap()), ("Anna Müller".into(), "anna@example.org".into()));
    assert_eq!(one(parsed.reply_to().unwrap()), ("Support".into(), "support@example.com".into()));
    assert_eq!(parsed.date().unwrap().to_rfc3339(), "2026-11-20T13:00:00Z");
    assert!(parsed.content_type().unwrap().subtype() == Some("alternative"));
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), "Grüezi\n.\nFrom here");
    assert!(parsed.body_html(0).unwrap().starts_with("<p>Grüezi long"));
    let head = headers(&mail).replace("\r\n ", " ");
    assert!(head.contains("Auto-Submitted: auto-generated\r\n"), "{head}");
    assert!(head.contains(&format!("List-Unsubscribe: <{link}>\r\n")), "{head}");
    assert!(head.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{head}");
}

#[test]
fn an_address_that_is_none_is_refused() {
    for bad in [
        "anna",
        "anna@",
        "@example.org",
        "a b@example.org",
        "anna@example.org\r\nBcc: x@y.z",
        "a@b.c,d@e.f",
        "<anna@example.org>",
        "\"a b\"@example.org",
        "a@b@c.d",
        &format!("{}@example.org", "a".repeat(300)),
        "",
        "anna@example.org\u{0}",
        "RCPT TO:<x@y.z>",
    ] {
        assert!(address(bad).is_err(), "{bad:?}");
    }
    for good in ["anna@example.org", "a.b+c@sub.example.org", "grüezi@example.org", "o'hara@example.org"] {
        assert!(address(good).is_ok(), "{good:?}");
    }
}

/// Text as hostile as it comes: line breaks, headers, encoded words, controls.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\r\nBcc: evil@example.net".to_owned()),
        Just("\n\nbody".to_owned()),
        Just("=?utf-8?q?=0D=0ABcc:_x?=".to_owned()),
        Just("\u{0}\u{b}\u{c}\u{85}\u{2028}".to_owned()),
        Just("\"<>,;:@()\\".to_owned()),
        ".{0,30}",
        "[a-z]{80,300}",
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_name_and_no_subject_becomes_a_header(name in hostile(), subject in hostile()) {
        let usual = written("a@example.com", "anna@example.org", Some("Anna"), &message("Hello"), None).unwrap();
        let mail = written("a@example.com", "anna@example.org", Some(&name), &message(&subject), None).unwrap();
        let names = |mail: &[u8]| {
            let head = headers(mail);
            let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
            lines.map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        prop_assert_eq!(names(&mail), names(&usual));
        prop_assert!(mail.is_ascii());
        prop_assert!(!headers(&mail).replace("\r\n", "").contains(['\r', '\n', '\0']));
        prop_assert!(headers(&mail).split("\r\n").all(|line| line.len() <= 998));
        let parsed = MessageParser::default().parse(&mail).unwrap();
        prop_assert_eq!(parsed.to().unwrap().iter().count(), 1);
        prop_assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("anna@example.org"));
        prop_assert!(parsed.bcc().is_none() && parsed.cc().is_none());
    }

    #[test]
    fn no_address_has_a_line_break(text in hostile()) {
        if let Ok(address) = address(&format!("{text}@example.org")) {
            prop_assert!(!address.to_string().chars().any(|c| c.is_control() || c.is_whitespace()));
        }
    }
}
