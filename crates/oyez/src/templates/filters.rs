//! Filters beside Jinja's own.

use jiff::tz::TimeZone;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use oyez_protocol::Timestamp;

/// Longest pattern of a time.
const MAX_PATTERN_BYTES: usize = 100;

pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("datetime", datetime);
    environment.add_filter("truncate", truncate);
    environment.add_filter("nl2br", nl2br);
}

/// `{{ timestamp_utc | datetime("%d.%m.%Y") }}`: a time in RFC 3339, as the reader's wall shows it, by a pattern of
/// strftime.
fn datetime(state: &State, time: &str, pattern: Option<&str>) -> Result<String, Error> {
    let refused = |why: String| Error::new(ErrorKind::InvalidOperation, why);
    let at: Timestamp =
        time.parse().map_err(|error: oyez_protocol::time::TimeError| refused(error.to_string()))?;
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).map_err(|error| refused(error.to_string()))?;
    let zone = state.lookup("user").and_then(|user| user.get_attr("time_zone").ok());
    let zone = zone.as_ref().and_then(Value::as_str).and_then(|name| TimeZone::get(name).ok());
    let pattern = pattern.unwrap_or("%Y-%m-%d %H:%M");
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(refused(format!("a pattern may have {MAX_PATTERN_BYTES} bytes at most")));
    }
    let wall = at.to_zoned(zone.unwrap_or(TimeZone::UTC));
    jiff::fmt::strtime::format(pattern, &wall).map_err(|error| refused(error.to_string()))
}

/// `{{ message | truncate(80) }}`: at most so many characters, with an ellipsis where something was cut.
fn truncate(text: &str, length: Option<usize>) -> String {
    let length = length.unwrap_or(255).max(1);
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length - 1).collect();
    format!("{}…", kept.trim_end())
}

/// `{{ message | nl2br }}`: line breaks as HTML has them, all else escaped.
fn nl2br(text: &str) -> Value {
    let escape = |line: &str| {
        let mut safe = String::with_capacity(line.len());
        for c in line.trim_end_matches('\r').chars() {
            match c {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                '"' => safe.push_str("&quot;"),
                '\'' => safe.push_str("&#x27;"),
                other => safe.push(other),
            }
        }
        safe
    };
    Value::from_safe_string(text.split('\n').map(escape).collect::<Vec<_>>().join("<br />"))
}
