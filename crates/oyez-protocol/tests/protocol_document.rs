//! PROTOCOL.md says what the code says: its tables of codes and reserved keys are compared with the types.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::{fs, path::Path};

use oyez_protocol::{
    CloseCode, ErrorCode,
    code::AfterClose,
    frame::{JOB_KEYS, RESERVED_KEYS, client::ClientFrame},
};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../PROTOCOL.md");
    fs::read_to_string(path).unwrap()
}

/// The text below a heading, up to the next one of the same rank.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let start = document.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no section {heading:?}"));
    let body = &document[start + heading.len() + 2..];
    let rank = heading.split(' ').next().unwrap();
    body.find(&format!("\n{rank} ")).map_or(body, |end| &body[..end])
}

/// The cells of a table's rows, without its head.
fn rows(section: &str) -> Vec<Vec<&str>> {
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(|cell| cell.trim().trim_matches('`')).collect())
        .skip(1)
        .collect()
}

#[test]
fn every_error_code_is_documented_with_its_status() {
    let document = document();
    let documented: Vec<(String, String)> = rows(section(&document, "## Error codes"))
        .iter()
        .map(|cells| (cells[0].to_owned(), cells[1].to_owned()))
        .collect();
    let known: Vec<(String, String)> =
        ErrorCode::ALL.iter().map(|code| (code.as_str().to_owned(), code.status().to_string())).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_list_of_error_codes_is_complete() {
    let source = include_str!("../src/code.rs");
    let names = source
        .lines()
        .filter(|line| line.trim_start().starts_with("Self::") && line.contains("=> \""))
        .count();
    assert_eq!(ErrorCode::ALL.len(), names);
    let values = source.lines().filter(|line| line.contains(" = ") && line.ends_with(',')).count();
    assert_eq!(CloseCode::ALL.len(), values);
}

#[test]
fn every_close_code_is_documented_with_what_to_do() {
    let document = document();
    let documented: Vec<(String, String, String)> = rows(section(&document, "## Close codes"))
        .iter()
        .map(|cells| (cells[0].to_owned(), cells[1].to_owned(), cells[3].to_owned()))
        .collect();
    let then = |code: CloseCode| match code.then() {
        AfterClose::Retry => "retry",
        AfterClose::Refresh => "refresh",
        AfterClose::Stop => "stop",
    };
    let known: Vec<(String, String, String)> = CloseCode::ALL
        .iter()
        .map(|&code| (code.as_u16().to_string(), format!("{code:?}"), then(code).to_owned()))
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn the_reserved_keys_are_documented() {
    let document = document();
    let listed = |start: &str| -> Vec<String> {
        let line = document.lines().find(|line| line.starts_with(start));
        let line = line.expect("PROTOCOL.md lists the reserved keys on one line");
        line.split_whitespace().map(|key| key.trim_matches('`').to_owned()).collect()
    };
    assert_eq!(listed("`type` `notification_type`"), RESERVED_KEYS);
    assert_eq!(listed("`job_id` `attempt`"), JOB_KEYS);
}

#[test]
fn every_command_shown_in_the_document_is_understood() {
    let document = document();
    let section = section(&document, "## From the client");
    let examples: Vec<&str> = section.lines().filter(|line| line.starts_with("{\"type\"")).collect();
    assert!(examples.len() >= 9, "{examples:?}");
    for example in examples {
        let whole = example.replace("0199…", "01995d0c-0b1a-7c31-9d5a-0242ac120002");
        let read = ClientFrame::parse(&whole);
        assert!(read.is_ok(), "{example}: {}", read.unwrap_err().message);
    }
}
