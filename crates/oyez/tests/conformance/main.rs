//! Plays the wire scenarios of `conformance/scenarios` against the real program, over real sockets.
//!
//! The scenarios are data, so that clients in other languages can play the same ones; their format is described in
//! `conformance/README.md`. This runner knows nothing of the server but its command line and its port.

#![expect(clippy::unwrap_used, reason = "whatever cannot be set up fails the test")]

mod live;
mod matching;
mod player;
mod scenario;
mod server;

use std::{fs, path::Path};

use scenario::Scenario;
use server::Server;

fn scenarios() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/scenarios");
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let scenario =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (name, scenario)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_of_the_wire_holds() {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 40, "only {} scenarios were found", scenarios.len());
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let server = Server::start().await;
    let mut failures = Vec::new();
    for (name, scenario) in scenarios.iter().filter(|(name, _)| name.contains(&wanted)) {
        if let Err(failure) = player::play(&server, name, scenario).await {
            failures.push(format!("{name} ({}): {failure}", scenario.says));
        }
    }
    server.stop().await;
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n\n{}",
        failures.len(),
        scenarios.len(),
        failures.join("\n\n")
    );
}
