//! Made-up letters, for previews and for the trial of a template before it is stored.

use jiff::tz::TimeZone;
use oyez_protocol::{Locale, Timestamp, UserId, api::templates::PreviewRequest};
use serde_json::{Map, Value, json};

use super::{
    DIGEST,
    letter::{App, Letter, Reader, Tells},
};

/// A letter of this type, with what the caller says of it and the rest made up.
pub(super) fn letter(
    kind: &str,
    locale: Option<&Locale>,
    request: &PreviewRequest,
    app: &App,
    now: Timestamp,
) -> Letter {
    let said = |key: &str| request.user.get(key).and_then(Value::as_str).map(str::to_owned);
    let reader = Reader {
        id: UserId::new("anna").expect("a user id"),
        name: said("name").or_else(|| Some("Anna Example".into())),
        email: said("email").or_else(|| Some("anna@example.com".into())),
        locale: locale.cloned(),
        zone: said("time_zone").and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC),
    };
    let tells = if kind == DIGEST {
        Tells::Digest { items: digest(&request.notification, now), total: 12 }
    } else {
        Tells::Notification(notification(kind, &request.notification, now))
    };
    let link = |path: &str| format!("{}/{path}", app.url);
    Letter {
        reader,
        tells,
        unsubscribe_url: Some(link("unsubscribe/sample")),
        preferences_url: Some(link("unsubscribe/sample")),
    }
}

fn notification(kind: &str, said: &Map<String, Value>, now: Timestamp) -> Map<String, Value> {
    let mut fields = fields(json!({
        "type": kind,
        "notification_type": kind,
        "id": "01930d2e-7c5a-7bbb-8000-000000000001",
        "seq": 7,
        "timestamp": now,
        "title": "Your report is ready",
        "message": "The quarterly report you asked for has been put together. It covers July to September.",
        "url": "/reports/7",
        "severity": "info",
    }));
    fields.extend(said.clone());
    fields
}

fn digest(said: &Map<String, Value>, now: Timestamp) -> Vec<Map<String, Value>> {
    let texts = [
        ("Your report is ready", "The quarterly report covers July to September.", "success", 5),
        ("Ticket 42 was assigned to you", "No hot water on the third floor.", "warning", 50),
        ("Anna commented on your transfer", "Please check the cost centre before Friday.", "info", 190),
    ];
    let one = |(title, message, severity, minutes): (&str, &str, &str, i64)| {
        let mut fields = fields(json!({
            "type": "notification",
            "timestamp": now.plus_seconds(-60 * minutes),
            "title": title,
            "message": message,
            "url": "/reports/7",
            "severity": severity,
        }));
        fields.extend(said.clone());
        fields
    };
    texts.into_iter().map(one).collect()
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
