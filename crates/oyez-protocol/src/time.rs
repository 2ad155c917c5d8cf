//! Points in time as the wire writes them: RFC 3339, UTC, milliseconds, `Z`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Written as `2026-11-20T14:20:00.000Z`; read from any RFC 3339 text with an offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(value_type = String, format = DateTime, example = "2026-11-20T14:20:00.000Z")
)]
pub struct Timestamp(i64);

/// A text that is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time: expected RFC 3339 with an offset, such as 2026-11-20T14:20:00Z")]
pub struct TimeError(String);

impl Timestamp {
    /// Year 0001 to the last instant of 9999 that has a local time in every offset.
    const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_207_200_000;

    /// Takes milliseconds since the Unix epoch; out of range is cut to the nearest time that can be written.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }

    /// Milliseconds since the Unix epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// This time moved by a number of seconds, either way.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This time and a while later; too far is cut to the last time that can be written.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this time; negative when it lies before.
    pub fn millis_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{time:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let refused = || TimeError(text.chars().take(40).collect());
        let time: jiff::Timestamp = text.parse().map_err(|_| refused())?;
        let millis = time.as_millisecond();
        Self::RANGE.contains(&millis).then_some(Self(millis)).ok_or_else(refused)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        let time: Timestamp = "2026-11-20T15:20:00+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-20T14:20:00.000Z");
        assert_eq!(Timestamp::from_millis(1).to_string(), "1970-01-01T00:00:00.001Z");
    }

    #[test]
    fn a_time_without_offset_is_refused_with_an_example() {
        let refused = "tomorrow".parse::<Timestamp>().unwrap_err().to_string();
        assert!(refused.contains("such as 2026-11-20T14:20:00Z"), "{refused}");
        assert!("2026-11-20T14:20:00".parse::<Timestamp>().is_err());
    }

    #[test]
    fn any_millisecond_count_can_be_written() {
        for millis in [i64::MIN, i64::MAX, 0, -1] {
            assert!(Timestamp::from_millis(millis).to_string().ends_with('Z'));
        }
    }
}
