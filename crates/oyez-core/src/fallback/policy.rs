//! The operator's rules: what holds for a type and a medium where the user says nothing.

use std::time::Duration;

use jiff::tz::TimeZone;
use oyez_protocol::api::{
    deliveries::Medium,
    preferences::{CriticalType, MAX_RULES, PolicyRequest, RetryRequest, RuleRequest, ThrottleRequest},
};

use super::{Choice, Pattern, PerMedium, Window, medium, time_zone};
use crate::{
    envelope::quoted,
    job::request::{backoff, seconds},
    notification::Invalid,
    rate::Rate,
    retry::Backoff,
};

/// How long `if_unseen` waits where nothing is said.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(300);
/// How long a digest collects where nothing is said.
pub const DEFAULT_WINDOW: Window = Window::Every(Duration::from_secs(3_600));
/// How often a delivery is tried where nothing is said.
pub const DEFAULT_MAX_ATTEMPTS: u16 = 3;
/// The most attempts a delivery may have.
pub const MAX_ATTEMPTS: u16 = 100;
/// The most that a throttle lets through at once.
pub const MAX_THROTTLE_COUNT: u32 = 10_000;
const SECONDS: std::ops::RangeInclusive<f64> = 0.0..=2_678_400.0;

/// The operator's rules, checked.
#[derive(Debug, Clone)]
pub struct Policy {
    zone: TimeZone,
    set_up: PerMedium<bool>,
    // The most exact first.
    rules: Vec<(Pattern, Medium, Rule)>,
    defaults: PerMedium<Rule>,
    throttles: PerMedium<Option<Throttle>>,
    retries: PerMedium<Retry>,
}

/// What holds for a type and a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Whether and when it is sent.
    pub choice: Choice,
    /// How long [`Choice::IfUnseen`] waits, whoever chose it.
    pub grace: Duration,
    /// How long [`Choice::Digest`] collects, whoever chose it.
    pub window: Window,
    /// It cannot be muted, and waits neither for the end of quiet hours nor for a throttle.
    pub critical: bool,
    /// Whether it waits for the end of quiet hours.
    pub heeds_quiet_hours: bool,
}

/// How many deliveries one user gets by one medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// How many.
    pub rate: Rate,
    /// What becomes of those that are too many.
    pub over: Over,
}

/// What becomes of deliveries that are too many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Over {
    /// One message lists them, once another may go out.
    #[default]
    Digest,
    /// They go out later, one by one.
    Wait,
    /// They do not go out.
    Skip,
}

/// How often a failed delivery is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// The last one, counted from 1.
    pub max_attempts: u16,
    /// How long to wait between attempts.
    pub backoff: Backoff,
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: DEFAULT_MAX_ATTEMPTS, backoff: Backoff::default() }
    }
}

impl Policy {
    /// Checks what the configuration says. `set_up` are the media that can send anything at all.
    ///
    /// Errors name the field, such as `rules[2].when`, what was given and what is right.
    pub fn new(request: &PolicyRequest, set_up: &[Medium]) -> Result<Self, Invalid> {
        let zone = match &request.time_zone {
            None => TimeZone::UTC,
            Some(name) => time_zone("time_zone", name)?,
        };
        let grace = request.grace.map(|given| seconds("grace", given, SECONDS)).transpose()?;
        let window = request.digest.as_ref().map(|window| Window::new("digest", window)).transpose()?;
        let base = |medium: Medium| Rule {
            choice: if medium == Medium::Webhook { Choice::Off } else { Choice::IfUnseen },
            grace: grace.unwrap_or(DEFAULT_GRACE),
            window: window.unwrap_or(DEFAULT_WINDOW),
            critical: false,
            // Behind a webhook is a program, and programs do not sleep.
            heeds_quiet_hours: medium != Medium::Webhook,
        };
        let mut policy = Self {
            zone,
            set_up: PerMedium(Medium::ALL.map(|medium| set_up.contains(&medium))),
            rules: Vec::new(),
            defaults: PerMedium(Medium::ALL.map(base)),
            throttles: PerMedium::default(),
            retries: PerMedium::default(),
        };
        for (name, choice) in &request.default {
            let field = format!("default.{name}");
            policy.defaults.of_mut(medium(&field, name)?).choice = Choice::parse(&field, choice)?;
        }
        policy.add_rules(&request.rules)?;
        for (name, throttle) in &request.throttle {
            let field = format!("throttle.{name}");
            *policy.throttles.of_mut(medium(&field, name)?) = Some(checked_throttle(&field, throttle)?);
        }
        for (name, retry) in &request.retry {
            let field = format!("retry.{name}");
            *policy.retries.of_mut(medium(&field, name)?) = checked_retry(&field, retry)?;
        }
        Ok(policy)
    }

    fn add_rules(&mut self, requests: &[RuleRequest]) -> Result<(), Invalid> {
        if requests.len() > MAX_RULES {
            let message = format!("\"rules\" may have {MAX_RULES} entries at most, not {}", requests.len());
            return Err(Invalid::new("rules", message));
        }
        for (index, request) in requests.iter().enumerate() {
            let place = format!("rules[{index}]");
            if request.types.is_empty() {
                let field = format!("{place}.types");
                let message = format!(
                    "\"{field}\" is empty: name a type, such as \"ticket_created\", or \"*\" for all"
                );
                return Err(Invalid::new(&field, message));
            }
            let media = match &request.media {
                None => Medium::ALL.to_vec(),
                Some(names) => {
                    let field = format!("{place}.media");
                    names.iter().map(|name| medium(&field, name)).collect::<Result<_, _>>()?
                }
            };
            for (text, medium) in
                request.types.iter().flat_map(|text| media.iter().map(move |medium| (text, *medium)))
            {
                let pattern = Pattern::parse(&format!("{place}.types"), text)?;
                let rule = checked_rule(&place, request, self.defaults.of(medium))?;
                if self.rules.iter().any(|(other, by, _)| (other, *by) == (&pattern, medium)) {
                    let field = format!("{place}.types");
                    let message = format!(
                        "\"{field}\" names {} for {medium}, as a rule before it does: keep one of them",
                        quoted(text)
                    );
                    return Err(Invalid::new(&field, message));
                }
                self.rules.push((pattern, medium, rule));
            }
        }
        self.rules.sort_by_key(|(pattern, ..)| std::cmp::Reverse(pattern.rank()));
        Ok(())
    }

    /// Whether a medium can send anything at all.
    pub fn is_set_up(&self, medium: Medium) -> bool {
        *self.set_up.of(medium)
    }

    /// The media that can send anything at all.
    pub fn media(&self) -> Vec<Medium> {
        Medium::ALL.into_iter().filter(|medium| self.is_set_up(*medium)).collect()
    }

    /// What holds for a type and a medium, and whether a rule speaks of the type (it is a default otherwise).
    pub fn rule(&self, kind: &str, medium: Medium) -> (&Rule, bool) {
        let found = self.rules.iter().find(|(pattern, by, _)| *by == medium && pattern.matches(kind));
        found.map_or((self.defaults.of(medium), false), |(_, _, rule)| (rule, true))
    }

    /// The rule that holds for every type a pattern speaks of, whichever more exact rules there are.
    pub(super) fn covering(&self, pattern: &Pattern, medium: Medium) -> &Rule {
        let found = self.rules.iter().find(|(other, by, _)| *by == medium && other.covers(pattern));
        found.map_or(self.defaults.of(medium), |(_, _, rule)| rule)
    }

    /// The types that cannot be muted.
    pub fn critical(&self) -> Vec<CriticalType> {
        let critical = self.rules.iter().filter(|(_, medium, rule)| rule.critical && self.is_set_up(*medium));
        critical.map(|(kind, medium, _)| CriticalType { kind: kind.to_string(), medium: *medium }).collect()
    }

    /// How many deliveries one user gets by a medium; none: any number.
    pub fn throttle(&self, medium: Medium) -> Option<Throttle> {
        *self.throttles.of(medium)
    }

    /// How often a failed delivery is tried.
    pub fn retry(&self, medium: Medium) -> Retry {
        *self.retries.of(medium)
    }

    /// The time zone of a user whose profile names this one. A profile may name one that this machine does not know:
    /// the operator's counts then, as where it names none.
    pub fn zone(&self, profile: Option<&str>) -> TimeZone {
        profile.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| self.zone.clone())
    }
}

fn checked_rule(place: &str, request: &RuleRequest, base: &Rule) -> Result<Rule, Invalid> {
    let choice = Choice::parse(&format!("{place}.when"), &request.when)?;
    if request.critical && choice == Choice::Off {
        let field = format!("{place}.critical");
        let message = format!(
            "\"{field}\" is true, but \"when\" is \"off\": what is critical must be sent; choose one"
        );
        return Err(Invalid::new(&field, message));
    }
    let grace = match request.grace {
        None => base.grace,
        Some(given) => seconds(&format!("{place}.grace"), given, SECONDS)?,
    };
    let window = match &request.digest {
        None => base.window,
        Some(window) => Window::new(&format!("{place}.digest"), window)?,
    };
    Ok(Rule {
        choice,
        grace,
        window,
        critical: request.critical,
        heeds_quiet_hours: request.quiet_hours.unwrap_or(base.heeds_quiet_hours),
    })
}

fn checked_throttle(field: &str, request: &ThrottleRequest) -> Result<Throttle, Invalid> {
    if !(1..=MAX_THROTTLE_COUNT).contains(&request.count) {
        let field = format!("{field}.count");
        let message = format!("\"{field}\" is {}: it must be 1 to {MAX_THROTTLE_COUNT}", request.count);
        return Err(Invalid::new(&field, message));
    }
    let period = seconds(&format!("{field}.period"), request.period, 1.0..=*SECONDS.end())?;
    let over = match request.over.as_deref() {
        None | Some("digest") => Over::Digest,
        Some("wait") => Over::Wait,
        Some("skip") => Over::Skip,
        Some(other) => {
            let field = format!("{field}.over");
            let message = format!("\"{field}\" is {}: expected digest, wait or skip", quoted(other));
            return Err(Invalid::new(&field, message));
        }
    };
    Ok(Throttle { rate: Rate::new(request.count, period), over })
}

fn checked_retry(field: &str, request: &RetryRequest) -> Result<Retry, Invalid> {
    let max_attempts = request.max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS);
    if !(1..=MAX_ATTEMPTS).contains(&max_attempts) {
        let field = format!("{field}.max_attempts");
        let message = format!("\"{field}\" is {max_attempts}: it must be 1 to {MAX_ATTEMPTS}");
        return Err(Invalid::new(&field, message));
    }
    let backoff = backoff(request.backoff.as_ref()).map_err(|invalid| invalid.within(field))?;
    Ok(Retry { max_attempts, backoff })
}
