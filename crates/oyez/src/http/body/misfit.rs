//! Why JSON does not fit what a call takes: which field, what was given, what would be right. serde's sentences name
//! Rust's types; here they name JSON's.

use std::borrow::Cow;

use oyez_protocol::ErrorCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};

use super::{Refusal, about_ids};

/// A name that nothing has: refused with the names that there are.
const NO_NAME: &str = "\u{0}";

/// Reads a body again that did not fit, to say why. None when it is no JSON.
pub(super) fn refuse<T: DeserializeOwned>(body: &[u8]) -> Option<Refusal> {
    let given: Value = serde_json::from_slice(body).ok()?;
    if !given.is_object() {
        let detail = format!("the body is {}: expected an object", kind_of(&given));
        return Some(Refusal::new(ErrorCode::Invalid, detail));
    }
    let error = attempt::<T>(body).err()?;
    let sentence = error.inner().to_string();
    let (reason, place) = match sentence.rfind(" at line ") {
        Some(at) => sentence.split_at(at),
        None => (sentence.as_str(), ""),
    };
    let path = known_path(error.path(), &given);
    if let Some(name) = named_field(reason) {
        return Some(Refusal::at(&below(&path, name), sentence.clone()));
    }
    let misfit = Misfit { given: &given, path: &path, reason };
    let detail = format!("{}{place}", misfit.in_plain_words::<T>());
    Some(match shown(&path) {
        field if field.is_empty() => Refusal::new(ErrorCode::Invalid, detail),
        field => Refusal::at(&field, detail),
    })
}

fn attempt<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(body))
}

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Key(key) => value.as_object()?.get(key),
            Self::Index(index) => value.as_array()?.get(*index),
        }
    }

    fn of_mut<'a>(&self, value: &'a mut Value) -> Option<&'a mut Value> {
        match self {
            Self::Key(key) => value.as_object_mut()?.get_mut(key),
            Self::Index(index) => value.as_array_mut()?.get_mut(*index),
        }
    }
}

/// The part of the path that the body has: a variant's name is a key only where the body spells it as one.
fn known_path(path: &Path, given: &Value) -> Vec<Step> {
    let mut value = given;
    let mut known = Vec::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => Step::Index(*index),
            Segment::Map { key } | Segment::Enum { variant: key } => Step::Key(key.clone()),
            Segment::Unknown => break,
        };
        let Some(inner) = step.of(value) else { break };
        value = inner;
        known.push(step);
    }
    known
}

/// `notifications[2].actor`.
fn shown(path: &[Step]) -> String {
    path.iter().fold(String::new(), |text, step| match step {
        Step::Key(key) if text.is_empty() => key.clone(),
        Step::Key(key) => format!("{text}.{key}"),
        Step::Index(index) => format!("{text}[{index}]"),
    })
}

fn below(path: &[Step], name: &str) -> String {
    let own = Step::Key(name.to_owned());
    let parents = path.strip_suffix(std::slice::from_ref(&own)).unwrap_or(path);
    shown(&[parents, &[own]].concat())
}

/// The field that serde's sentence is about: ``missing field `to` ``.
fn named_field(reason: &str) -> Option<&str> {
    let about_a_field = ["missing field `", "unknown field `", "duplicate field `"];
    let rest = about_a_field.iter().find_map(|start| reason.strip_prefix(start))?;
    rest.split('`').next()
}

/// A value that does not fit, and what serde says of it.
struct Misfit<'a> {
    given: &'a Value,
    path: &'a [Step],
    reason: &'a str,
}

impl Misfit<'_> {
    fn in_plain_words<T: DeserializeOwned>(&self) -> String {
        let value =
            self.path.iter().try_fold(self.given, |value, step| step.of(value)).unwrap_or(&Value::Null);
        if let Cow::Owned(looks) = about_ids(self.reason) {
            return format!("{value} is no id: {looks}");
        }
        // What serde_json says of anything but a word or an object where it looks for a variant.
        if self.reason == "expected value" {
            let words = self.names_instead_of::<T>(json!(NO_NAME)).unwrap_or_else(|| "a word".into());
            return format!("invalid type: {}, expected {words}", kind_of(value));
        }
        let Some((given, expected)) = self.reason.rsplit_once(", expected ") else {
            return self.reason.to_owned();
        };
        if let (Some(word), "invalid type: unit variant") = (value.as_str(), given) {
            let names = self.names_instead_of::<T>(json!({word: {NO_NAME: 0}}));
            return format!(
                "{value} alone says too little, expected {{{value}: {{…}}}}{}",
                with_fields(names)
            );
        }
        if let Some(word) = given.strip_prefix("unknown variant ") {
            return format!("unknown word {word}, expected {expected}");
        }
        let given = match given.strip_prefix("invalid type: ") {
            Some("map" | "sequence" | "unit" | "null" | "Option value" | "unit value") => {
                format!("invalid type: {}", kind_of(value))
            }
            _ => given.to_owned(),
        };
        let is_object = expected.starts_with("struct ") && expected != "struct variant";
        let names = if is_object { self.names_instead_of::<T>(json!({NO_NAME: 0})) } else { None };
        format!("{given}, expected {}{}", expected_in_json(expected), with_fields(names))
    }

    /// What serde expects when a name that nothing has stands in the value's place: `` `count` or `period` ``.
    fn names_instead_of<T: DeserializeOwned>(&self, instead: Value) -> Option<String> {
        let mut changed = self.given.clone();
        *self.path.iter().try_fold(&mut changed, |value, step| step.of_mut(value))? = instead;
        let error = attempt::<T>(&serde_json::to_vec(&changed).ok()?).err()?;
        let sentence = error.inner().to_string();
        let names = sentence.strip_prefix("unknown ")?.split_once(", expected ")?.1;
        Some(names.split(" at line ").next().unwrap_or(names).to_owned())
    }
}

fn with_fields(names: Option<String>) -> String {
    let fields = names.map(|names| names.trim_start_matches("one of ").replace(" or ", ", "));
    fields.map(|fields| format!(" with the fields {fields}")).unwrap_or_default()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What serde calls a type, as JSON knows it.
fn expected_in_json(kind: &str) -> &str {
    match kind {
        "a map" | "map" | "struct variant" => "an object",
        "a sequence" | "sequence" | "an array" => "a list",
        "unit" => "null",
        "string or map" => "a word or an object",
        "a boolean" => "true or false",
        "f32" | "f64" => "a number",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        kind if kind.starts_with("struct ") => "an object",
        kind if kind.starts_with("tuple ") || kind.starts_with("a tuple ") => "a list",
        kind if kind.starts_with("enum ") || kind == "variant identifier" => "a word",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use oyez_protocol::api::{
        deliveries::ResendRequest, queues::QueuePatch, schedules::ScheduleRequest, workers::StepReport,
    };

    use super::*;

    /// Field and sentence, without the place.
    fn refused<T: DeserializeOwned>(body: &str) -> (String, String) {
        let problem = *refuse::<T>(body.as_bytes()).unwrap().problem;
        let detail = problem.detail.split(" at line ").next().unwrap().to_owned();
        (problem.field.unwrap_or_default().to_string(), detail)
    }

    fn is<T: DeserializeOwned>(body: &str, field: &str, detail: &str) {
        assert_eq!(refused::<T>(body), (field.to_owned(), detail.to_owned()), "{body}");
    }

    #[test]
    fn a_wrong_type_is_told_with_its_field_in_the_words_of_json() {
        is::<QueuePatch>(
            r#"{"rate":"10/1m"}"#,
            "rate",
            "invalid type: string \"10/1m\", expected an object with the fields `count`, `period`",
        );
        is::<QueuePatch>(
            r#"{"rate":{"count":1.5,"period":1}}"#,
            "rate.count",
            "invalid type: floating point `1.5`, expected a whole number that is not negative",
        );
        is::<QueuePatch>(r#"{"paused":[]}"#, "paused", "invalid type: a list, expected true or false");
        is::<QueuePatch>("[true]", "", "the body is a list: expected an object");
        is::<StepReport>(
            r#"{"attempt":1,"name":"a","status":"nonsense"}"#,
            "status",
            "unknown word `nonsense`, expected one of `processing`, `completed`, `failed`",
        );
        is::<StepReport>(
            r#"{"attempt":1,"name":"a","status":7}"#,
            "status",
            "invalid type: a number, expected one of `processing`, `completed`, `failed`",
        );
        is::<ResendRequest>(
            r#"{"ids":["nope"]}"#,
            "ids[0]",
            "\"nope\" is no id: an id looks like 01930d2e-7c5a-7bbb-8000-000000000001",
        );
    }

    #[test]
    fn a_word_that_takes_an_object_says_so() {
        let body = |misfire: &str| format!(r#"{{"cron":"@daily","job":{{"kind":"a"}},"misfire":{misfire}}}"#);
        is::<ScheduleRequest>(
            &body("\"all\""),
            "misfire",
            "\"all\" alone says too little, expected {\"all\": {…}} with the fields `window`, `max`",
        );
        is::<ScheduleRequest>(
            &body(r#"{"all":{"window":"1h","max":1}}"#),
            "misfire.all.window",
            "invalid type: string \"1h\", expected a number",
        );
        is::<ScheduleRequest>(
            &body("[1]"),
            "misfire",
            "invalid type: a list, expected one of `skip`, `once`, `all`",
        );
    }

    #[test]
    fn a_field_that_is_missing_or_unknown_is_named_from_the_top() {
        assert_eq!(refused::<QueuePatch>(r#"{"rate":{"count":1}}"#).0, "rate.period");
        assert_eq!(refused::<QueuePatch>(r#"{"rate":{"count":1,"per":1}}"#).0, "rate.per");
        assert_eq!(refused::<QueuePatch>(r#"{"pause":true}"#).0, "pause");
    }
}
