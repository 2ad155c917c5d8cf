//! Names of templates, and of the languages they are written in.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::NameError;

/// Longest template name, in bytes: as long as a notification's type may be.
const MAX_TEMPLATE_BYTES: usize = 64;
/// Longest language tag, in bytes (RFC 5646, section 4.4.1).
const MAX_LOCALE_BYTES: usize = 35;

/// A template's name: a notification's type, or a name that other templates extend or include.
///
/// A letter or digit, then up to 63 of those, `_`, `-` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", example = "ticket_created"))]
#[serde(try_from = "String")]
pub struct TemplateName(Arc<str>);

/// A language tag (BCP 47), in its usual case: `de`, `de-CH`, `zh-Hant-TW`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "de-CH"))]
#[serde(try_from = "String")]
pub struct Locale(Arc<str>);

impl TemplateName {
    /// Checks and takes a template's name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let starts_well = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if !starts_well || text.len() > MAX_TEMPLATE_BYTES || !text.bytes().all(allowed) {
            let expected = "a letter or digit, then up to 63 letters, digits, '_', '-' or '.'";
            return Err(NameError::new("template", text, expected));
        }
        Ok(Self(text.into()))
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Locale {
    /// Checks a tag and takes it in its usual case. `de_CH` is read as `de-CH`.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let expected = "a language tag such as \"de\" or \"de-CH\"";
        let refused = || NameError::new("locale", text, expected);
        if text.len() > MAX_LOCALE_BYTES {
            return Err(refused());
        }
        let mut tag = String::with_capacity(text.len());
        for (index, subtag) in text.split(['-', '_']).enumerate() {
            let alphanumeric = subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if subtag.is_empty() || subtag.len() > 8 || !alphanumeric {
                return Err(refused());
            }
            let letters = subtag.bytes().all(|byte| byte.is_ascii_alphabetic());
            match (index, subtag.len(), letters) {
                (0, 2..=8, true) => tag.push_str(&subtag.to_ascii_lowercase()),
                (0, ..) => return Err(refused()),
                // A script: `Hant`.
                (_, 4, true) => {
                    tag.push('-');
                    tag.push_str(&subtag[..1].to_ascii_uppercase());
                    tag.push_str(&subtag[1..].to_ascii_lowercase());
                }
                // A region: `CH`.
                (_, 2, true) => {
                    tag.push('-');
                    tag.push_str(&subtag.to_ascii_uppercase());
                }
                _ => {
                    tag.push('-');
                    tag.push_str(&subtag.to_ascii_lowercase());
                }
            }
        }
        Ok(Self(tag.into()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language alone: `de` of `de-CH`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// The tag, then it without its last subtag, and so on: `zh-Hant-TW`, `zh-Hant`, `zh`.
    pub fn chain(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |tag| tag.rfind('-').map(|end| &tag[..end]))
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for TemplateName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl TryFrom<String> for Locale {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl FromStr for TemplateName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for Locale {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_named_like_a_type_and_never_like_a_path() {
        for good in ["ticket_created", "default", "a.b-c", "7"] {
            assert_eq!(TemplateName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "..", ".hidden", "a/b", "a b", "ä", "-a", &"a".repeat(65)] {
            assert!(TemplateName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_locale_is_read_in_any_case_and_written_in_the_usual_one() {
        for (given, read) in
            [("DE", "de"), ("de_ch", "de-CH"), ("zh-hant-tw", "zh-Hant-TW"), ("sl-ROZAJ", "sl-rozaj")]
        {
            assert_eq!(Locale::new(given).unwrap().as_str(), read);
        }
        for bad in ["", "d", "1a", "de-", "de--CH", "de/CH", "de-languages", "de-CH.UTF-8", "../de"] {
            assert!(Locale::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_locale_falls_back_subtag_by_subtag() {
        let chain = |text: &str| Locale::new(text).unwrap().chain().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(chain("zh-Hant-TW"), ["zh-Hant-TW", "zh-Hant", "zh"]);
        assert_eq!(chain("de"), ["de"]);
        assert_eq!(Locale::new("de-CH").unwrap().language(), "de");
    }
}
