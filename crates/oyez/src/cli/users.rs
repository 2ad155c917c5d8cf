//! `oyez user add`, `list`, `disable`, `enable`, `password`.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{Global, UserAddArgs, UserCommand},
    client::{Client, segment},
    error::Failure,
    output::{Output, table},
};
use crate::server::random_password;

pub(super) async fn run(global: &Global, command: UserCommand, output: &Output) -> Result<(), Failure> {
    let client = Client::connect(global).await?;
    let done = act(&client, command, output).await;
    client.close().await;
    done
}

async fn act(client: &Client, command: UserCommand, output: &Output) -> Result<(), Failure> {
    match command {
        UserCommand::Add(args) => add(client, args, output).await,
        UserCommand::List { role, limit } => list(client, role, limit, output).await,
        UserCommand::Disable { id } => set_disabled(client, &id, Access::Shut, output).await,
        UserCommand::Enable { id } => set_disabled(client, &id, Access::Open, output).await,
        UserCommand::Password { id, password } => set_password(client, &id, password, output).await,
    }
}

async fn add(client: &Client, args: UserAddArgs, output: &Output) -> Result<(), Failure> {
    let mut body = json!({});
    for (key, value) in [("email", args.email), ("name", args.name), ("password", args.password)] {
        if let Some(value) = value {
            body[key] = value.into();
        }
    }
    if !args.roles.is_empty() {
        let roles: Vec<&str> = args.roles.iter().flat_map(|list| list.split(',')).map(str::trim).collect();
        body["roles"] = roles.into();
    }
    let user = client.call(Method::PUT, &path(&args.id), Some(&body)).await?;
    output.answer(&user, || format!("user {} is known", args.id));
    Ok(())
}

async fn list(client: &Client, role: Option<String>, limit: u32, output: &Output) -> Result<(), Failure> {
    let mut users: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let wanted = (limit as usize).saturating_sub(users.len()).min(200);
        if wanted == 0 {
            break;
        }
        let mut address = format!("/api/v1/users?limit={wanted}");
        if let Some(role) = &role {
            address.push_str(&format!("&role={}", segment(role)));
        }
        if let Some(cursor) = &cursor {
            address.push_str(&format!("&cursor={}", segment(cursor)));
        }
        let page = client.call(Method::GET, &address, None).await?;
        users.extend(page["data"].as_array().into_iter().flatten().cloned());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let rows: Vec<Vec<String>> = users.iter().map(row).collect();
    output.answer(&json!({"data": users, "next_cursor": cursor}), || {
        table(&["id", "name", "e-mail", "roles", "state"], &rows)
    });
    if cursor.is_some() {
        output.note(&format!("There are more than {limit}: use --limit."));
    }
    Ok(())
}

fn row(user: &Value) -> Vec<String> {
    let text = |key: &str| user[key].as_str().unwrap_or_default().to_owned();
    let roles = user["roles"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let state = if user["disabled"] == true { "disabled" } else { "active" };
    vec![text("id"), text("name"), text("email"), roles.collect::<Vec<_>>().join(" "), state.to_owned()]
}

/// Whether a user may come in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Shut,
    Open,
}

async fn set_disabled(client: &Client, id: &str, access: Access, output: &Output) -> Result<(), Failure> {
    let (verb, disabled) = match access {
        Access::Shut => ("disable", true),
        Access::Open => ("enable", false),
    };
    client.call(Method::POST, &format!("{}/{verb}", path(id)), None).await?;
    output.answer(&json!({"id": id, "disabled": disabled}), || {
        if disabled { format!("user {id} is shut out") } else { format!("user {id} may come in again") }
    });
    Ok(())
}

async fn set_password(
    client: &Client,
    id: &str,
    password: Option<String>,
    output: &Output,
) -> Result<(), Failure> {
    // `PUT` would make a user who is not there: a misspelt id must not succeed.
    client.call(Method::GET, &path(id), None).await?;
    let made_up = password.is_none();
    let password = password.unwrap_or_else(|| random_password().reveal().to_owned());
    client.call(Method::PUT, &path(id), Some(&json!({"password": password}))).await?;
    let mut answer = json!({"id": id, "changed": true});
    if made_up {
        answer["password"] = password.as_str().into();
    }
    output.answer(&answer, || {
        if made_up {
            format!("new password of {id}: {password}")
        } else {
            format!("password of {id} is changed")
        }
    });
    Ok(())
}

fn path(id: &str) -> String {
    format!("/api/v1/users/{}", segment(id))
}
