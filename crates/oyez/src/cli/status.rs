//! `oyez status`: what an operator asks first.

use http::Method;
use serde_json::{Value, json};

use super::{args::Global, client::Client, error::Failure, output::Output};

pub(super) async fn run(global: &Global, output: &Output) -> Result<(), Failure> {
    let client = Client::connect(global).await?;
    let answer = client.call(Method::GET, "/api/v1/stats", None).await;
    let (running, address) = (client.is_live(), client.address().to_owned());
    client.close().await;
    let stats = answer?;
    output.answer(&json!({"running": running, "url": running.then_some(&address), "stats": stats}), || {
        let mut lines = vec![format!("server       {}", if running { &address } else { "does not run" })];
        lines.extend(rows("", &stats));
        lines.join("\n")
    });
    Ok(())
}

/// Every number and text of the answer on a line of its own.
fn rows(prefix: &str, value: &Value) -> Vec<String> {
    let Value::Object(fields) = value else { return Vec::new() };
    let mut lines = Vec::new();
    for (name, value) in fields {
        let label = format!("{prefix}{}", name.replace('_', " "));
        match value {
            Value::Object(_) => lines.extend(rows(&format!("{label} "), value)),
            Value::Array(_) | Value::Null => {}
            Value::String(text) => lines.push(format!("{label:<24} {text}")),
            other => lines.push(format!("{label:<24} {other}")),
        }
    }
    lines
}
