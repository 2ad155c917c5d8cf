//! The variables that templates see.

use std::collections::BTreeMap;

use minijinja::{Value, value::Serde};
use oyez_core::template::local_time;
use oyez_protocol::{Timestamp, frame::RESERVED_KEYS};
use serde_json::{Map, Value as Json};

use super::letter::{App, Letter, Reader, Tells};

/// The notification's own fields that may be absent: they are there, as none, so that `{% if title %}` is no mistake.
const OPTIONAL: [&str; 8] = ["title", "url", "icon", "severity", "actor", "group_key", "count", "message"];

type Fields = BTreeMap<String, Value>;

/// The variables of a letter: the notification's fields and the publisher's keys, and above them what is ours.
pub(super) fn context(letter: &Letter, app: &App) -> Value {
    let reader = &letter.reader;
    let mut fields = Fields::new();
    match &letter.tells {
        Tells::Notification(notification) => {
            fields = item(notification, reader, app);
            fields.insert("notification".into(), Value::from(fields.clone()));
        }
        Tells::Digest { items, total } => {
            let items: Vec<Value> = items.iter().map(|one| Value::from(item(one, reader, app))).collect();
            fields.insert("items".into(), Value::from(items));
            fields.insert("total".into(), Value::from(*total));
        }
    }
    let text = |text: Option<&str>| text.map_or(Value::from(()), Value::from);
    let user: Fields = [
        ("id", Value::from(reader.id.as_str())),
        ("name", text(reader.name.as_deref())),
        ("email", text(reader.email.as_deref())),
        ("locale", text(reader.locale.as_ref().map(|locale| locale.as_str()))),
        ("time_zone", text(reader.zone.iana_name())),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    fields.insert("user".into(), Value::from(user));
    let app: Fields =
        [("name".to_owned(), Value::from(&*app.name)), ("url".to_owned(), Value::from(&*app.url))].into();
    fields.insert("app".into(), Value::from(app));
    fields.insert("unsubscribe_url".into(), text(letter.unsubscribe_url.as_deref()));
    fields.insert("preferences_url".into(), text(letter.preferences_url.as_deref()));
    Value::from(fields)
}

/// One notification: its fields, the publisher's keys beside them and once more under `data`.
fn item(notification: &Map<String, Json>, reader: &Reader, app: &App) -> Fields {
    let mut fields: Fields = OPTIONAL.map(|key| (key.to_owned(), Value::from(()))).into();
    fields.extend(notification.iter().map(|(key, value)| (key.clone(), Value::from(Serde(value)))));
    let publishers = notification.iter().filter(|(key, _)| !RESERVED_KEYS.contains(&key.as_str()));
    let data: Fields = match notification.get("data") {
        // One of no type has them there already.
        Some(Json::Object(data)) if notification.get("type").is_some_and(|kind| kind == "notification") => {
            data.iter().map(|(key, value)| (key.clone(), Value::from(Serde(value)))).collect()
        }
        _ => publishers.map(|(key, value)| (key.clone(), Value::from(Serde(value)))).collect(),
    };
    fields.insert("data".into(), Value::from(data));
    if let Some(url) = notification.get("url").and_then(Json::as_str) {
        fields.insert("url".into(), absolute(url, app).map_or(Value::from(()), Value::from));
    }
    let at = notification.get("timestamp").and_then(Json::as_str);
    if let Some((text, at)) = at.and_then(|text| Some((text, text.parse::<Timestamp>().ok()?))) {
        fields.insert("timestamp_utc".into(), Value::from(text));
        let wall = local_time(at, &reader.zone, reader.locale.as_ref());
        fields.insert("timestamp".into(), Value::from(wall));
    }
    fields
}

/// Where a click in a mail leads. A path means a place in the application; without knowing where that is, nowhere.
fn absolute(url: &str, app: &App) -> Option<String> {
    let web = ["https://", "http://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if web {
        return Some(url.to_owned());
    }
    (url.starts_with('/') && !app.url.is_empty()).then(|| format!("{}{url}", app.url))
}
