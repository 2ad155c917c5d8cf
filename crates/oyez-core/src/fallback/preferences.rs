//! What a user chose: by which medium each type comes, when it is quiet, when digests come.

use jiff::tz::TimeZone;
use oyez_protocol::api::{
    deliveries::Medium,
    preferences::{Choices, MAX_TYPES, PreferencesRequest},
};

use super::{Choice, Pattern, PerMedium, Policy, QuietHours, Window, medium, time_zone};
use crate::notification::Invalid;

/// A user's choices, read. The request they were read from is what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Preferences {
    default: PerMedium<Option<Choice>>,
    // The most exact first.
    types: Vec<(Pattern, PerMedium<Option<Choice>>)>,
    /// When nothing but critical types goes out.
    pub quiet_hours: Option<QuietHours>,
    zone: Option<TimeZone>,
    /// How long this user's digests collect.
    pub window: Option<Window>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self::NONE
    }
}

impl Preferences {
    /// Somebody who chose nothing: all is as the operator has it.
    pub const NONE: Self = Self {
        default: PerMedium([None; Medium::ALL.len()]),
        types: Vec::new(),
        quiet_hours: None,
        zone: None,
        window: None,
    };

    /// Reads what was stored: [`Preferences::check`] without its limits, and without the question what is critical now.
    ///
    /// Errors name the field, such as `types.ticket_*.email`, what was given and what is right.
    pub fn read(request: &PreferencesRequest) -> Result<Self, Invalid> {
        let mut types = Vec::with_capacity(request.types.len());
        for (kind, choices) in &request.types {
            let pattern = Pattern::parse("types", kind)?;
            types.push((pattern, checked_choices(&format!("types.{kind}"), choices)?));
        }
        types.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.rank()));
        let quiet = request.quiet_hours.as_ref();
        let zone = quiet.and_then(|hours| hours.time_zone.as_deref());
        Ok(Self {
            default: checked_choices("default", &request.default)?,
            types,
            quiet_hours: quiet.map(QuietHours::new).transpose()?,
            zone: zone.map(|name| time_zone("quiet_hours.time_zone", name)).transpose()?,
            window: request.digest.as_ref().map(|window| Window::new("digest", window)).transpose()?,
        })
    }

    /// Checks what a user asks for. To mute a type that is critical is refused; a wider choice that takes in such
    /// types is not, it leaves them out.
    pub fn check(request: &PreferencesRequest, policy: &Policy) -> Result<Self, Invalid> {
        let read = Self::read(request)?;
        if request.types.len() > MAX_TYPES {
            let message =
                format!("\"types\" may name {MAX_TYPES} types at most, not {}", request.types.len());
            return Err(Invalid::new("types", message));
        }
        for (pattern, choices) in &read.types {
            for medium in Medium::ALL {
                if *choices.of(medium) == Some(Choice::Off) && policy.covering(pattern, medium).critical {
                    let field = format!("types.{pattern}.{medium}");
                    let message = format!(
                        "\"{field}\" is \"off\", but {pattern} is critical and cannot be muted by {medium}: leave it \
                         out, or choose \"at_once\""
                    );
                    return Err(Invalid::new(&field, message));
                }
            }
        }
        Ok(read)
    }

    /// What the user chose for a type and a medium: the most exact entry that names the medium, else the default.
    pub fn choice(&self, kind: &str, medium: Medium) -> Option<Choice> {
        let named = self.types.iter().filter(|(pattern, _)| pattern.matches(kind));
        named.into_iter().find_map(|(_, choices)| *choices.of(medium)).or(*self.default.of(medium))
    }

    /// The user's time zone: the one they named, else that of their profile, else the operator's.
    pub fn zone(&self, policy: &Policy, profile: Option<&str>) -> TimeZone {
        self.zone.clone().unwrap_or_else(|| policy.zone(profile))
    }
}

/// The preferences of somebody who does not want a type by a medium any more: what a one-click unsubscription
/// (RFC 8058) stores. Without a type, as in the mail of a digest, the medium is off for all that is not named.
pub fn muted(mut request: PreferencesRequest, kind: Option<&str>, medium: Medium) -> PreferencesRequest {
    let off = Choice::Off.as_str().to_owned();
    match kind {
        Some(kind) => request.types.entry(kind.into()).or_default().insert(medium.to_string(), off),
        None => {
            for choices in request.types.values_mut() {
                choices.remove(medium.as_str());
            }
            request.types.retain(|_, choices| !choices.is_empty());
            request.default.insert(medium.to_string(), off)
        }
    };
    request
}

fn checked_choices(place: &str, choices: &Choices) -> Result<PerMedium<Option<Choice>>, Invalid> {
    let mut checked = PerMedium::default();
    for (name, choice) in choices {
        let field = format!("{place}.{name}");
        *checked.of_mut(medium(&field, name)?) = Some(Choice::parse(&field, choice)?);
    }
    Ok(checked)
}
