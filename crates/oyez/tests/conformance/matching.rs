//! Variables and matchers: an expected object may be a part of what came, everything else is compared whole.

use std::collections::BTreeMap;

use serde_json::Value;

/// What `${name}` stands for.
pub(crate) type Variables = BTreeMap<String, Value>;

/// Replaces `${name}` everywhere. A text that is nothing but one variable becomes its value, of whatever type.
pub(crate) fn fill(value: &Value, variables: &Variables) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match whole(text) {
            Some(name) => lookup(name, variables)?.clone(),
            None => Value::String(fill_text(text, variables)?),
        },
        Value::Array(list) => list.iter().map(|one| fill(one, variables)).collect::<Result<_, _>>()?,
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, one)| Ok((fill_text(key, variables)?, fill(one, variables)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

/// The same within a text, where a variable that is not a text is written as JSON.
pub(crate) fn fill_text(text: &str, variables: &Variables) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, after) = rest.split_at(start);
        let end = after.find('}').ok_or_else(|| format!("no closing brace in {text:?}"))?;
        filled.push_str(before);
        match lookup(&after[2..end], variables)? {
            Value::String(value) => filled.push_str(value),
            value => filled.push_str(&value.to_string()),
        }
        rest = &after[end + 1..];
    }
    Ok(filled + rest)
}

fn whole(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains("${")).then_some(name)
}

fn lookup<'a>(name: &str, variables: &'a Variables) -> Result<&'a Value, String> {
    variables.get(name).ok_or_else(|| format!("nothing was saved as {name:?}"))
}

/// Whether `actual` is as expected; if not, where and how they differ.
///
/// Objects match when every expected key does; `"$only": true` allows no others, and `"$absent"` wants a key not to
/// be there. `"$any"`, `"$text"`, `"$number"`, `"$time"`, `"$uuid"`, `"$true"` and `"$contains:…"` stand for values.
pub(crate) fn matches(expected: &Value, actual: &Value) -> Result<(), String> {
    compare(expected, Some(actual), "")
}

fn compare(expected: &Value, actual: Option<&Value>, at: &str) -> Result<(), String> {
    if expected == "$absent" {
        return actual.map_or(Ok(()), |actual| Err(format!("{at} should not be there, and is {actual}")));
    }
    let actual = actual.ok_or_else(|| format!("{at} is missing; expected {expected}"))?;
    let differs =
        || Err(format!("{}: expected {expected}, got {actual}", if at.is_empty() { "/" } else { at }));
    match (expected, actual) {
        (Value::String(pattern), actual) if pattern.starts_with('$') => {
            if is_like(pattern, actual) {
                Ok(())
            } else {
                differs()
            }
        }
        (Value::Object(expected), Value::Object(actual)) => {
            let keys = expected.iter().filter(|(key, _)| *key != "$only");
            for (key, expected) in keys {
                compare(expected, actual.get(key), &format!("{at}/{key}"))?;
            }
            if expected.get("$only") == Some(&Value::Bool(true))
                && let Some(extra) = actual.keys().find(|key| !expected.contains_key(*key))
            {
                return Err(format!("{at}/{extra} should not be there, and is {}", actual[extra]));
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                return differs();
            }
            expected.iter().zip(actual).enumerate().try_for_each(|(index, (expected, actual))| {
                compare(expected, Some(actual), &format!("{at}/{index}"))
            })
        }
        _ if expected == actual => Ok(()),
        _ => differs(),
    }
}

fn is_like(pattern: &str, actual: &Value) -> bool {
    let text = actual.as_str();
    match pattern {
        "$any" => true,
        "$text" => text.is_some_and(|text| !text.is_empty()),
        "$number" => actual.is_number(),
        "$time" => {
            text.is_some_and(|text| text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T')
        }
        "$uuid" => text.is_some_and(|text| text.len() == 36 && text.split('-').count() == 5),
        _ => match pattern.strip_prefix("$contains:") {
            Some(part) => text.is_some_and(|text| text.contains(part)),
            None => text == Some(pattern),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_expected_object_may_be_a_part() {
        let actual = json!({"a": 1, "b": {"c": [1, 2]}, "t": "2026-11-20T13:00:00.000Z"});
        for good in
            [json!({}), json!({"b": {}}), json!({"b": {"c": [1, "$any"]}, "x": "$absent", "t": "$time"})]
        {
            assert_eq!(matches(&good, &actual), Ok(()));
        }
        for bad in [
            json!({"b": {"c": [1]}}),
            json!({"$only": true, "a": 1}),
            json!({"a": "$absent"}),
            json!({"x": "$any"}),
        ] {
            assert!(matches(&bad, &actual).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_variable_keeps_its_type_when_it_stands_alone() {
        let variables = Variables::from([("n".into(), json!(7)), ("s".into(), json!("x"))]);
        let filled = fill(&json!({"a": "${n}", "b": "user:${s}-${n}"}), &variables).unwrap();
        assert_eq!(filled, json!({"a": 7, "b": "user:x-7"}));
        assert!(fill(&json!("${unknown}"), &variables).is_err());
    }
}
