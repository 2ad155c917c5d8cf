//! `oyez key create`, `list`, `revoke`.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{Global, KeyCommand},
    client::{Client, segment},
    error::Failure,
    output::{Output, table},
};
use crate::auth::Scope;

pub(super) async fn run(global: &Global, command: KeyCommand, output: &Output) -> Result<(), Failure> {
    let scopes = match &command {
        KeyCommand::Create { scopes, .. } => checked(scopes)?,
        KeyCommand::List | KeyCommand::Revoke { .. } => Vec::new(),
    };
    let client = Client::connect(global).await?;
    let done = act(&client, command, &scopes, output).await;
    client.close().await;
    done
}

async fn act(
    client: &Client,
    command: KeyCommand,
    scopes: &[String],
    output: &Output,
) -> Result<(), Failure> {
    match command {
        KeyCommand::Create { name, .. } => {
            let body = json!({"name": name, "scopes": scopes});
            let created = client.call(Method::POST, "/api/v1/keys", Some(&body)).await?;
            output.answer(&created, || text(&created, "key"));
            output.note("This is the only time the key is shown.");
        }
        KeyCommand::List => {
            let keys = client.call(Method::GET, "/api/v1/keys", None).await?;
            output.answer(&keys, || {
                let rows: Vec<Vec<String>> = keys["data"].as_array().into_iter().flatten().map(row).collect();
                table(&["id", "name", "scopes", "created", "revoked"], &rows)
            });
        }
        KeyCommand::Revoke { id } => {
            let path = format!("/api/v1/keys/{}", segment(&id));
            client.call(Method::DELETE, &path, None).await?;
            output.answer(&json!({"id": id, "revoked": true}), || format!("key {id} is revoked"));
        }
    }
    Ok(())
}

fn row(key: &Value) -> Vec<String> {
    let scopes = key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let scopes = scopes.collect::<Vec<_>>().join(" ");
    vec![text(key, "id"), text(key, "name"), scopes, text(key, "created_at"), text(key, "revoked_at")]
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Scopes may be written one per flag or with commas.
fn checked(given: &[String]) -> Result<Vec<String>, Failure> {
    let mut scopes = Vec::new();
    for scope in given.iter().flat_map(|list| list.split(',')) {
        let scope: Scope = scope.trim().parse().map_err(|error| Failure::usage(format!("{error}")))?;
        scopes.push(scope.as_str().to_owned());
    }
    if scopes.is_empty() {
        scopes = vec![Scope::Publish.as_str().to_owned(), Scope::Users.as_str().to_owned()];
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_checked_before_anything_is_asked() {
        assert_eq!(checked(&["publish,users".into()]).unwrap(), ["publish", "users"]);
        assert_eq!(checked(&[]).unwrap(), ["publish", "users"]);
        assert_eq!(checked(&["root".into()]).unwrap_err().exit_code(), 2);
    }
}
