//! `[fallback]`: what reaches people who are away, as operators write it, and as the core reads it.

use std::{collections::BTreeMap, time::Duration};

use oyez_core::{fallback::Policy, notification::Invalid};
use oyez_protocol::api::{
    deliveries::Medium,
    jobs::BackoffRequest,
    preferences::{PolicyRequest, RetryRequest, RuleRequest, ThrottleRequest, WindowRequest},
};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{duration, units};

/// `[fallback]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FallbackConfig {
    /// How long `if_unseen` waits.
    #[serde(deserialize_with = "duration")]
    pub grace: Duration,
    /// When a digest is sent.
    #[serde(deserialize_with = "window")]
    pub digest: WindowRequest,
    /// The time zone of users whose profile names none.
    pub time_zone: String,
    /// What holds for some types.
    pub rules: Vec<RuleConfig>,
    /// Deliveries that ended longer ago are removed; zero keeps them.
    #[serde(deserialize_with = "duration")]
    pub keep: Duration,
    /// Electronic mail.
    pub email: FallbackMediumConfig,
    /// Push messages to browsers.
    pub web_push: FallbackMediumConfig,
    /// Requests to applications.
    pub webhook: FallbackMediumConfig,
}

/// What helps with a rule that cannot be used.
pub(super) const RULE_REMEDY: &str = "correct the rule; the page docs/reference/config.md shows a whole one";

/// One of `[[fallback.rules]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Types, and beginnings of types with `*`.
    pub types: Vec<String>,
    /// Which media; `None`: all.
    #[serde(default)]
    pub media: Option<Vec<String>>,
    /// `off`, `at_once`, `if_unseen` or `digest`.
    pub when: String,
    /// How long `if_unseen` waits.
    #[serde(default, deserialize_with = "some_duration")]
    pub grace: Option<Duration>,
    /// When a digest is sent.
    #[serde(default, deserialize_with = "some_window")]
    pub digest: Option<WindowRequest>,
    /// It cannot be muted, and waits neither for the end of quiet hours nor for a throttle.
    #[serde(default)]
    pub critical: bool,
    /// Whether it waits for the end of quiet hours.
    #[serde(default)]
    pub quiet_hours: Option<bool>,
}

/// `[fallback.email]` and its like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FallbackMediumConfig {
    /// For types that no rule names.
    pub when: String,
    /// How often a delivery is tried.
    pub max_attempts: u16,
    /// The wait after the first failure; each wait after it is twice as long.
    #[serde(deserialize_with = "duration")]
    pub retry_first: Duration,
    /// The longest wait between attempts.
    #[serde(deserialize_with = "duration")]
    pub retry_max: Duration,
    /// How many one user gets in `throttle_period`; 0: any number.
    pub throttle: u32,
    /// The time over which they are counted.
    #[serde(deserialize_with = "duration")]
    pub throttle_period: Duration,
    /// What becomes of those that are too many.
    pub throttle_over: String,
}

impl FallbackConfig {
    /// The rules as the core has them. `set_up` are the media that can send anything at all.
    ///
    /// The error names the setting by its whole key, such as `fallback.email.when`.
    pub fn policy(&self, set_up: &[Medium]) -> Result<Policy, Invalid> {
        Policy::new(&self.request(), set_up).map_err(|invalid| as_setting(&invalid))
    }

    /// The section of a medium.
    pub fn medium(&self, medium: Medium) -> &FallbackMediumConfig {
        match medium {
            Medium::Email => &self.email,
            Medium::WebPush => &self.web_push,
            Medium::Webhook => &self.webhook,
        }
    }

    fn request(&self) -> PolicyRequest {
        let (mut default, mut throttle, mut retry) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for medium in Medium::ALL {
            let (name, section) = (medium.to_string(), self.medium(medium));
            default.insert(name.clone(), section.when.clone());
            retry.insert(name.clone(), section.retry());
            throttle.extend(section.throttle().map(|throttle| (name, throttle)));
        }
        PolicyRequest {
            time_zone: Some(self.time_zone.clone()),
            grace: Some(self.grace.as_secs_f64()),
            digest: Some(self.digest.clone()),
            default,
            rules: self.rules.iter().map(RuleConfig::request).collect(),
            throttle,
            retry,
        }
    }
}

impl FallbackMediumConfig {
    fn retry(&self) -> RetryRequest {
        let backoff = BackoffRequest {
            first: Some(self.retry_first.as_secs_f64()),
            max: Some(self.retry_max.as_secs_f64()),
            factor: None,
            jitter: None,
        };
        RetryRequest { max_attempts: Some(self.max_attempts), backoff: Some(backoff) }
    }

    fn throttle(&self) -> Option<ThrottleRequest> {
        let over = Some(self.throttle_over.clone());
        let period = self.throttle_period.as_secs_f64();
        (self.throttle > 0).then_some(ThrottleRequest { count: self.throttle, period, over })
    }
}

impl RuleConfig {
    fn request(&self) -> RuleRequest {
        RuleRequest {
            types: self.types.clone(),
            media: self.media.clone(),
            when: self.when.clone(),
            grace: self.grace.map(|grace| grace.as_secs_f64()),
            digest: self.digest.clone(),
            critical: self.critical,
            quiet_hours: self.quiet_hours,
        }
    }
}

/// Where the core's name for a field is not the setting's, the operator sees the setting's.
fn as_setting(invalid: &Invalid) -> Invalid {
    let setting = setting_of(&invalid.field);
    let message = invalid.message.replace(&format!("\"{}\"", invalid.field), &format!("\"{setting}\""));
    Invalid { code: invalid.code, field: setting, message }
}

fn setting_of(field: &str) -> String {
    let setting = match field.split('.').collect::<Vec<_>>()[..] {
        ["default", medium] => format!("{medium}.when"),
        ["throttle", medium, "count"] => format!("{medium}.throttle"),
        ["throttle", medium, part] => format!("{medium}.throttle_{part}"),
        ["retry", medium, "backoff", part] => format!("{medium}.retry_{part}"),
        ["retry", medium, part] => format!("{medium}.{part}"),
        // A file has one text for both.
        ["digest", _] => "digest".to_owned(),
        [rule, "digest", _] => format!("{rule}.digest"),
        _ => field.to_owned(),
    };
    format!("fallback.{setting}")
}

fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WindowRequest, D::Error> {
    let refused =
        || D::Error::custom("expected a duration such as \"1h\", or a time of day such as \"08:00\"");
    let text = String::deserialize(deserializer).map_err(|_| refused())?;
    if text.contains(':') {
        return Ok(WindowRequest { every: None, at: Some(text) });
    }
    let seconds = units::duration(&text).ok_or_else(refused)?.as_secs();
    Ok(WindowRequest { every: Some(u32::try_from(seconds).unwrap_or(u32::MAX)), at: None })
}

fn some_window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WindowRequest>, D::Error> {
    window(deserializer).map(Some)
}

fn some_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use oyez_core::fallback::{Choice, policy::DEFAULT_GRACE};

    use super::*;
    use crate::config::Config;

    fn given(text: &str) -> Result<FallbackConfig, toml::de::Error> {
        let mut defaults: toml::Table = toml::from_str(crate::config::DEFAULTS).unwrap();
        let mut section = defaults.remove("fallback").unwrap();
        for (key, value) in toml::from_str::<toml::Table>(text).unwrap() {
            match (section.as_table_mut().unwrap().get_mut(&key), value) {
                (Some(toml::Value::Table(inner)), toml::Value::Table(given)) => inner.extend(given),
                (_, value) => drop(section.as_table_mut().unwrap().insert(key, value)),
            }
        }
        section.try_into()
    }

    #[test]
    fn the_defaults_are_those_of_the_core() {
        let written = Config::default().fallback.policy(&Medium::ALL).unwrap();
        let assumed = Policy::new(&PolicyRequest::default(), &Medium::ALL).unwrap();
        for medium in Medium::ALL {
            assert_eq!(written.rule("x", medium), assumed.rule("x", medium));
            assert_eq!(written.retry(medium), assumed.retry(medium));
            assert_eq!(written.throttle(medium), None);
        }
        assert_eq!(written.rule("x", Medium::Email).0.grace, DEFAULT_GRACE);
    }

    #[test]
    fn a_rule_is_read_with_its_units() {
        let text = "rules = [{types = [\"t_*\"], when = \"digest\", digest = \"08:00\", grace = \"1m\"}]";
        let policy = given(text).unwrap().policy(&[Medium::Email]).unwrap();
        let (rule, named) = policy.rule("t_1", Medium::Email);
        assert!(named);
        assert_eq!((rule.choice, rule.grace), (Choice::Digest, Duration::from_secs(60)));
    }

    #[test]
    fn a_refusal_names_the_setting_what_was_given_and_what_is_right() {
        let table = [
            ("email = {when = \"never\"}", "fallback.email.when", "expected one of off, at_once"),
            ("email = {max_attempts = 0}", "fallback.email.max_attempts", "must be 1 to 100"),
            ("webhook = {throttle = 20000}", "fallback.webhook.throttle", "must be 1 to 10000"),
            ("email = {throttle = 1, throttle_period = \"0s\"}", "fallback.email.throttle_period", "0"),
            ("email = {throttle = 1, throttle_over = \"x\"}", "fallback.email.throttle_over", "wait or skip"),
            ("time_zone = \"Mars\"", "fallback.time_zone", "Europe/Zurich"),
            ("digest = \"25:00\"", "fallback.digest", "25:00"),
            ("rules = [{types = [\"a\"], when = \"soon\"}]", "fallback.rules[0].when", "soon"),
        ];
        for (text, field, part) in table {
            let refused = given(text).unwrap().policy(&[]).unwrap_err();
            assert_eq!(refused.field, field, "{refused}");
            assert!(refused.message.contains(part) && refused.message.contains(field), "{refused}");
        }
        assert!(given("digest = \"soon\"").unwrap_err().to_string().contains("expected a duration"));
    }
}
