//! The documents say what the program does: PROTOCOL.md lists every call of the API, and whatever setting a document
//! names exists.

#![expect(clippy::unwrap_used, reason = "a document that cannot be read fails the test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `GET /api/v1/inbox` and the like.
type Calls = BTreeSet<(String, String)>;

fn described_calls() -> Calls {
    let printed = Command::new(env!("CARGO_BIN_EXE_oyez")).arg("openapi").output().unwrap().stdout;
    let document: serde_json::Value = serde_json::from_slice(&printed).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let calls = paths.iter().flat_map(|(path, item)| {
        let verbs = item.as_object().unwrap().keys().filter(|key| key.len() <= 6 && *key != "$ref");
        verbs.map(|verb| (verb.to_uppercase(), path.clone()))
    });
    calls.collect()
}

/// Reads `` `PUT`, `GET /api/v1/users/{id}` `` as two calls.
fn listed_calls(table: &str) -> Calls {
    let mut calls = Calls::new();
    let mut waiting = Vec::new();
    for code in table.split('`').skip(1).step_by(2) {
        let (verb, path) = code.split_once(' ').unwrap_or((code, ""));
        if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&verb) {
            continue;
        }
        waiting.push(verb.to_owned());
        if path.starts_with('/') {
            calls.extend(waiting.drain(..).map(|verb| (verb, path.to_owned())));
        } else if !path.is_empty() {
            waiting.clear();
        }
    }
    calls
}

#[test]
fn the_protocol_lists_every_call_of_the_api_and_no_other() {
    let protocol = read("PROTOCOL.md");
    let start = protocol.find("| resource | calls |").expect("PROTOCOL.md has a table of calls");
    let table = &protocol[start..start + protocol[start..].find("\n\n").unwrap()];
    let rows: String = table.lines().skip(2).map(|row| row.replace("(`DELETE` erases)", "")).collect();
    let (listed, described) = (listed_calls(&rows), described_calls());
    let missing: Vec<_> = described.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&described).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not listed: {missing:?}; unknown: {unknown:?}");
}

#[test]
fn every_setting_a_document_names_exists() {
    let reference = read("docs/reference/config.md");
    let known: BTreeSet<&str> =
        reference.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let sections: BTreeSet<&str> = known.iter().filter_map(|name| Some(name.split_once('.')?.0)).collect();
    let mut documents = vec!["README.md".to_owned(), "PROTOCOL.md".to_owned(), "SECURITY.md".to_owned()];
    for folder in ["docs/guides", "docs/decisions"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            documents.push(format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()));
        }
    }
    let mut seen = 0;
    for document in documents {
        for code in read(&document).split('`').skip(1).step_by(2) {
            let name = code.split([' ', '=']).next().unwrap_or_default();
            let is_setting = name.split_once('.').is_some_and(|(section, key)| {
                sections.contains(section)
                    && key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.".contains(&byte))
            });
            // `http.tls` is a section; `…` stands for the rest of a name.
            let is_known = known.iter().any(|known| *known == name || known.starts_with(&format!("{name}.")));
            assert!(!is_setting || is_known, "{document} names the setting {name:?}, which does not exist");
            seen += usize::from(is_setting);
        }
    }
    assert!(seen >= 15, "only {seen} settings were found: is the search right?");
}
