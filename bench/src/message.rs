//! The requests that the scenarios publish.

use crate::generator::{http_post, http_request, stamp};

/// A sentence to fill a message up with.
const FILLER: &str =
    "Your order has left the warehouse and will reach you on Tuesday morning; reply to change it. ";

fn filler(length: usize) -> String {
    FILLER.chars().cycle().take(length).collect()
}

/// A live-only event to everyone, of about 200 bytes as a frame.
pub(crate) fn event(key: &str, stamp: u64) -> Vec<u8> {
    event_of(key, stamp, 80)
}

/// A live-only event whose text has so many characters.
pub(crate) fn event_of(key: &str, stamp: u64, length: usize) -> Vec<u8> {
    event_to("everyone", key, stamp, length)
}

/// The same length as [`event`], for whoever has the dashboard open: an event to everyone is not for dashboards.
pub(crate) fn dashboard_event(key: &str, stamp: u64) -> Vec<u8> {
    event_to("topic:dashboard", key, stamp, 80)
}

fn event_to(to: &str, key: &str, stamp: u64, length: usize) -> Vec<u8> {
    let member = stamp::member(stamp);
    let text = filler(length);
    let body = format!(r#"{{"to":"{to}","type":"bench","data":{{{member},"text":"{text}"}}}}"#);
    http_post("/api/v1/events", key, &body)
}

/// A notification for an audience, of about 300 bytes as a frame.
pub(crate) fn notification(key: &str, to: &str, stamp: u64) -> Vec<u8> {
    http_post("/api/v1/notifications", key, &notification_body(to, stamp))
}

/// Many notifications in one request, each for its own user.
pub(crate) fn batch(key: &str, users: impl Iterator<Item = String>, stamp: u64) -> Vec<u8> {
    let all: Vec<String> = users.map(|user| notification_body(&format!("user:{user}"), stamp)).collect();
    let body = format!(r#"{{"notifications":[{}]}}"#, all.join(","));
    http_post("/api/v1/notifications/batch", key, &body)
}

/// A notification for users named one by one; those who are unknown become known.
pub(crate) fn notification_for_each(key: &str, users: impl Iterator<Item = String>, stamp: u64) -> Vec<u8> {
    let names: Vec<String> = users.map(|user| format!(r#""user:{user}""#)).collect();
    let member = stamp::member(stamp);
    let body =
        format!(r#"{{"to":[{}],"type":"bench","message":"Hello","data":{{{member}}}}}"#, names.join(","));
    http_post("/api/v1/notifications", key, &body)
}

fn notification_body(to: &str, stamp: u64) -> String {
    let member = stamp::member(stamp);
    let message = filler(90);
    format!(r#"{{"to":"{to}","type":"bench","message":"{message}","data":{{{member}}}}}"#)
}

/// Makes the board that viewers with a role watch; it has the numbers of a dashboard, some of which never change.
pub(crate) fn new_board(key: &str, role: &str, stamp: u64) -> Vec<u8> {
    let member = stamp::member(stamp);
    let rows: Vec<String> = (0..20).map(|at| format!(r#"{{"id":{at},"name":"{}"}}"#, filler(40))).collect();
    let state = format!(r#"{{{member},"total":0,"recent":[{}]}}"#, rows.join(","));
    let body = format!(r#"{{"roles":["{role}"],"state":{state}}}"#);
    http_request("PUT", "/api/v1/boards/bench", key, &body)
}

/// Changes two numbers of the board, and a text of the length that [`event`] has.
pub(crate) fn board_change(key: &str, stamp: u64) -> Vec<u8> {
    let member = stamp::member(stamp);
    let body = format!(r#"{{"state":{{{member},"total":{},"text":"{}"}}}}"#, stamp % 1_000, filler(80));
    http_request("PATCH", "/api/v1/boards/bench", key, &body)
}

/// The text of a frame of so many bytes, for the bare loops, which send it as it is.
pub(crate) fn bare(stamp: u64, bytes: f64) -> Vec<u8> {
    let member = stamp::member(stamp);
    // The frame's head has four bytes.
    let length = (bytes as usize).saturating_sub(member.len() + 4 + r#"{,"x":""}"#.len());
    http_post("/", "", &format!(r#"{{{member},"x":"{}"}}"#, filler(length)))
}
