//! `oyez webhook list`, `put`, `test`, `rotate`, `enable`, `disable`, `delete`.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{Global, WebhookCommand, WebhookPutArgs},
    client::{Client, segment},
    error::Failure,
    jobs::{array, text},
    output::{Output, table},
};

pub(super) async fn run(global: &Global, command: WebhookCommand, output: &Output) -> Result<(), Failure> {
    let client = Client::connect(global).await?;
    let done = act(&client, command, output).await;
    client.close().await;
    done
}

async fn act(client: &Client, command: WebhookCommand, output: &Output) -> Result<(), Failure> {
    match command {
        WebhookCommand::List => {
            let webhooks = client.call(Method::GET, "/api/v1/webhooks", None).await?;
            output.answer(&webhooks, || rows(array(&webhooks["data"])));
        }
        WebhookCommand::Put(args) => {
            let made = client.call(Method::PUT, &path(&args.name), Some(&body(&args))).await?;
            output.answer(&made, || match made["secret"].as_str() {
                Some(secret) => format!("webhook {} is made; its secret, shown once: {secret}", args.name),
                None => format!("webhook {} is changed, and keeps its secret", args.name),
            });
        }
        WebhookCommand::Test { name } => {
            let tested = client.call(Method::POST, &format!("{}/test", path(&name)), None).await?;
            if tested["delivered"] != true {
                return Err(Failure::new(text(&tested, "error")).details(tested));
            }
            output.answer(&tested, || format!("webhook {name} answered HTTP {}", tested["status"]));
        }
        WebhookCommand::Rotate { name, overlap } => {
            let body = overlap.map_or_else(|| json!({}), |overlap| json!({"overlap": overlap}));
            let rotated = client.call(Method::POST, &format!("{}/rotate", path(&name)), Some(&body)).await?;
            output.answer(&rotated, || {
                let (secret, until) = (text(&rotated, "secret"), text(&rotated, "old_secret_until"));
                format!("the new secret, shown once: {secret}\nthe old one signs too until {until}")
            });
        }
        WebhookCommand::Enable { name } => set_disabled(client, &name, false, output).await?,
        WebhookCommand::Disable { name } => set_disabled(client, &name, true, output).await?,
        WebhookCommand::Delete { name } => {
            client.call(Method::DELETE, &path(&name), None).await?;
            output.answer(&json!({"name": name, "deleted": true}), || format!("webhook {name} is deleted"));
        }
    }
    Ok(())
}

fn path(name: &str) -> String {
    format!("/api/v1/webhooks/{}", segment(name))
}

fn body(args: &WebhookPutArgs) -> Value {
    let mut body = json!({"url": args.url, "events": args.events, "disabled": args.disabled});
    if !args.types.is_empty() {
        body["types"] = args.types.clone().into();
    }
    body
}

/// Puts an endpoint as it is, but in service or out of it.
async fn set_disabled(client: &Client, name: &str, disabled: bool, output: &Output) -> Result<(), Failure> {
    let webhook = client.call(Method::GET, &path(name), None).await?;
    let mut body = json!({"url": webhook["url"], "events": webhook["events"], "disabled": disabled});
    if !webhook["types"].is_null() {
        body["types"] = webhook["types"].clone();
    }
    let changed = client.call(Method::PUT, &path(name), Some(&body)).await?;
    output.answer(&changed, || {
        format!("webhook {name} is {}", if disabled { "out of service" } else { "in service" })
    });
    Ok(())
}

fn rows<'a>(webhooks: impl Iterator<Item = &'a Value>) -> String {
    let list = |value: &Value| match value.as_array() {
        None => "all".to_owned(),
        Some(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
    };
    let row = |webhook: &Value| {
        let state = match (webhook["disabled"] == true, webhook["failing_since"].as_str()) {
            (true, _) => "disabled".to_owned(),
            (false, Some(since)) => format!("failing since {since}"),
            (false, None) => "in service".to_owned(),
        };
        let (events, types) = (list(&webhook["events"]), list(&webhook["types"]));
        vec![text(webhook, "name"), state, events, types, text(webhook, "url")]
    };
    let rows: Vec<Vec<String>> = webhooks.map(row).collect();
    table(&["name", "state", "told", "types", "url"], &rows)
}
