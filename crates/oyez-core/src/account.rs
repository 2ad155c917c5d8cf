//! What is known of a user: rules for passwords and profiles.

use crate::{
    envelope::{check_length, quoted},
    fallback,
    notification::Invalid,
};

/// Shortest password, in characters.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Longest password, in bytes: hashing is made to be slow, so its input is bounded.
pub const MAX_PASSWORD_BYTES: usize = 256;
/// Longest name of a person, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// Longest e-mail address, in bytes (RFC 5321).
pub const MAX_EMAIL_BYTES: usize = 254;

/// Checks a new password against its length and the obvious (NIST SP 800-63B: no rules about kinds of characters).
/// `own` are texts a guesser would try first: the user's id, name and e-mail. The refusal never repeats the password.
pub fn check_password(password: &str, own: &[&str]) -> Result<(), Invalid> {
    let refuse = |message: String| Err(Invalid::new("password", message));
    let count = password.chars().count();
    if count < MIN_PASSWORD_CHARS {
        return refuse(format!(
            "\"password\" must have {MIN_PASSWORD_CHARS} characters at least, not {count}"
        ));
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return refuse(format!(
            "\"password\" may have {MAX_PASSWORD_BYTES} bytes at most, not {}",
            password.len()
        ));
    }
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|character| Some(character) == first) {
        return refuse("\"password\" must not be one character repeated".into());
    }
    if own.iter().any(|own| own.eq_ignore_ascii_case(password)) {
        return refuse("\"password\" must not be the user's own id, name or e-mail".into());
    }
    Ok(())
}

/// Checks the texts of a profile; an empty text clears what is stored and is always right.
pub fn check_profile(
    name: Option<&str>,
    email: Option<&str>,
    locale: Option<&str>,
    time_zone: Option<&str>,
) -> Result<(), Invalid> {
    if let Some(name) = name {
        check_length("name", name, MAX_NAME_CHARS)?;
        if name.chars().any(char::is_control) {
            return Err(Invalid::new("name", "\"name\" must not have line breaks or control characters"));
        }
    }
    if let Some(email) = email.filter(|email| !email.is_empty())
        && !is_email(email)
    {
        let message =
            format!("\"email\" is {}: expected an address such as \"ann@example.com\"", quoted(email));
        return Err(Invalid::new("email", message));
    }
    if let Some(locale) = locale.filter(|locale| !locale.is_empty())
        && !is_tag(locale, b"-", 35)
    {
        let message = format!("\"locale\" is {}: expected a BCP 47 tag such as \"de-CH\"", quoted(locale));
        return Err(Invalid::new("locale", message));
    }
    if let Some(zone) = time_zone.filter(|zone| !zone.is_empty()) {
        fallback::time_zone("time_zone", zone)?;
    }
    Ok(())
}

/// Whether it can be an address. Only a mail that arrives proves that it is one.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain =
        |part: &str| !part.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;:\"()@".contains(c));
    text.len() <= MAX_EMAIL_BYTES
        && !local.is_empty()
        && plain(local)
        && !domain.is_empty()
        && plain(domain)
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
        && !domain.contains("..")
}

fn is_tag(text: &str, marks: &[u8], limit: usize) -> bool {
    text.len() <= limit
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_obvious_and_endless_passwords_are_refused_without_being_repeated() {
        let own = ["ann", "Ann Example", "ann@example.com"];
        let table = [
            ("", "8 characters at least, not 0"),
            ("sieben7", "8 characters at least, not 7"),
            ("aaaaaaaaaa", "one character repeated"),
            ("ANN@example.com", "own id, name or e-mail"),
            (&"pä".repeat(100), "256 bytes at most, not 300"),
        ];
        for (password, expected) in table {
            let refused = check_password(password, &own).unwrap_err();
            assert_eq!(refused.field, "password");
            assert!(refused.message.contains(expected), "{}", refused.message);
            assert!(password.is_empty() || !refused.message.contains(password));
        }
        for fine in ["correct horse", "пароль12", "eight888"] {
            check_password(fine, &own).unwrap();
        }
    }

    #[test]
    fn profiles_are_checked_field_by_field() {
        let check = |name, email, locale, zone| check_profile(name, email, locale, zone).map_err(|e| e.field);
        for email in ["ann@example.com", "a.b+c@sub.example", "ann@localhost", "ü@exämple.com", ""] {
            assert_eq!(check(None, Some(email), None, None), Ok(()), "{email}");
        }
        for email in ["ann", "@x", "ann@", "a b@x", "a@b@c", "ann@.x", "ann@x.", "a@x..y", "<a@x>", "a\n@x"] {
            assert_eq!(check(None, Some(email), None, None), Err("email".into()), "{email}");
        }
        assert_eq!(check(Some("Ann\n"), None, None, None), Err("name".into()));
        let long = "x".repeat(201);
        assert_eq!(check(Some(&long), None, None, None), Err("name".into()));
        assert_eq!(check(None, None, Some("de-CH"), Some("Etc/GMT+5")), Ok(()));
        assert_eq!(check(None, None, Some("de CH"), None), Err("locale".into()));
        for zone in ["../etc/passwd", "Mars/Olympus", "+01:00", "Europe/Zurich "] {
            assert_eq!(check(None, None, None, Some(zone)), Err("time_zone".into()), "{zone}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_checks_panic(text in ".{0,300}") {
            let _ = check_password(&text, &[&text]);
            let _ = check_profile(Some(&text), Some(&text), Some(&text), Some(&text));
        }
    }
}
