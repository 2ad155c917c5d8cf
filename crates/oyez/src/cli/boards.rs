//! `oyez board list`, `show`, `set`, `patch`, `refresh`, `delete`.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{BoardCommand, BoardSetArgs, Global},
    client::{Client, segment},
    error::Failure,
    jobs::{any_json, array, plain, text},
    output::{Output, table},
};

pub(super) async fn run(global: &Global, command: BoardCommand, output: &Output) -> Result<(), Failure> {
    let client = Client::connect(global).await?;
    let done = act(&client, command, output).await;
    client.close().await;
    done
}

async fn act(client: &Client, command: BoardCommand, output: &Output) -> Result<(), Failure> {
    let path = |name: &str| format!("/api/v1/boards/{}", segment(name));
    match command {
        BoardCommand::List { limit } => {
            let boards = client.call(Method::GET, &format!("/api/v1/boards?limit={limit}"), None).await?;
            output.answer(&boards, || rows(array(&boards["data"])));
        }
        BoardCommand::Show { name } => {
            let board = client.call(Method::GET, &path(&name), None).await?;
            output.answer(&board, || format!("{:#}", board["state"]));
        }
        BoardCommand::Set(args) => {
            let board = client.call(Method::PUT, &path(&args.name), Some(&body(&args)?)).await?;
            output.answer(&board, || told(&board));
        }
        BoardCommand::Patch(args) => {
            let board = client.call(Method::PATCH, &path(&args.name), Some(&body(&args)?)).await?;
            output.answer(&board, || told(&board));
        }
        BoardCommand::Refresh { name } => {
            let job = client.call(Method::POST, &format!("{}/refresh", path(&name)), None).await?;
            output.answer(&job, || text(&job, "id"));
        }
        BoardCommand::Delete { name } => {
            client.call(Method::DELETE, &path(&name), None).await?;
            output.answer(&json!({"name": name, "deleted": true}), || format!("board {name} is deleted"));
        }
    }
    Ok(())
}

fn body(args: &BoardSetArgs) -> Result<Value, Failure> {
    let state = any_json("the document", &args.state)?;
    if !state.is_object() {
        return Err(Failure::usage("the document must be a JSON object")
            .hint("oyez board set suppliers '{\"pending\": 3}'"));
    }
    let mut body = json!({"state": state});
    if !args.role.is_empty() {
        body["roles"] = args.role.clone().into();
    }
    if let Some(kind) = &args.refresh {
        body["refresh"] = json!({"kind": kind});
    }
    Ok(body)
}

fn told(board: &Value) -> String {
    let what = match (board["created"] == true, board["changed"] == true) {
        (true, _) => "is made: version",
        (false, true) => "is at version",
        (false, false) => "stays at version",
    };
    format!("board {} {what} {}", text(board, "name"), board["version"])
}

fn rows<'a>(boards: impl Iterator<Item = &'a Value>) -> String {
    let row = |board: &Value| {
        let roles = match board["roles"].as_array() {
            None => "dashboard".to_owned(),
            Some(roles) => roles.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        };
        let counts = ["version", "bytes"].map(|key| plain(&board[key]));
        let texts = ["refresh", "updated_at"].map(|key| text(board, key));
        [vec![text(board, "name")], counts.to_vec(), vec![roles], texts.to_vec()].concat()
    };
    let rows: Vec<Vec<String>> = boards.map(row).collect();
    table(&["name", "version", "bytes", "for", "refreshed by", "changed"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_an_object_and_the_rest_stays_unless_it_is_said() {
        let args = |state: &str, role: &[&str]| BoardSetArgs {
            name: "b".into(),
            state: state.into(),
            role: role.iter().map(ToString::to_string).collect(),
            refresh: None,
        };
        assert_eq!(body(&args("{\"a\":1}", &[])).unwrap(), json!({"state": {"a": 1}}));
        let body_with_role = body(&args("{}", &["reviewer"])).unwrap();
        assert_eq!(body_with_role, json!({"state": {}, "roles": ["reviewer"]}));
        for wrong in ["[1]", "1", "{"] {
            assert_eq!(body(&args(wrong, &[])).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
