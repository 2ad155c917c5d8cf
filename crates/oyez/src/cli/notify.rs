//! `oyez notify`.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    args::{Global, NotifyArgs},
    client::Client,
    error::Failure,
    is_json,
    output::Output,
};

pub(super) async fn run(global: &Global, args: NotifyArgs, output: &Output) -> Result<(), Failure> {
    let body = body(global, args)?;
    let client = Client::connect(global).await?;
    let answer = client.call(Method::POST, "/api/v1/notifications", Some(&body)).await;
    client.close().await;
    let answer = answer?;
    output.answer(&answer, || {
        let recipients = answer["recipients"].as_u64().unwrap_or(0);
        let people = if recipients == 1 { "inbox" } else { "inboxes" };
        format!("{} landed in {recipients} {people}", answer["id"].as_str().unwrap_or_default())
    });
    Ok(())
}

fn body(global: &Global, args: NotifyArgs) -> Result<Value, Failure> {
    let to: Vec<&str> = args.to.split(',').map(str::trim).collect();
    for audience in &to {
        if let Err(error) = audience.parse::<oyez_protocol::Audience>() {
            return Err(Failure::usage(error.to_string()));
        }
    }
    let mut body = json!({"to": to, "message": args.message});
    for (key, value) in [("type", args.kind), ("title", args.title), ("url", args.url)] {
        if let Some(value) = value {
            body[key] = value.into();
        }
    }
    if let Some(data) = data(global)? {
        body["data"] = data.into();
    }
    Ok(body)
}

/// `--data` is a JSON object when it begins like one, else the data directory.
pub(super) fn data(global: &Global) -> Result<Option<Map<String, Value>>, Failure> {
    let mut objects = global.data.iter().filter(|value| is_json(value));
    let Some(text) = objects.next() else { return Ok(None) };
    if objects.next().is_some() {
        return Err(Failure::usage("two JSON objects are given with --data").hint("put all keys into one"));
    }
    serde_json::from_str(text).map(Some).map_err(|error| {
        Failure::usage(format!("--data is not a JSON object: {error}"))
            .hint("quote it for the shell: --data '{\"ticket\":{\"id\":7}}'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(to: &str) -> NotifyArgs {
        NotifyArgs { to: to.into(), message: "m".into(), kind: Some("x".into()), title: None, url: None }
    }

    #[test]
    fn the_body_is_what_the_api_takes() {
        let global = Global { data: vec!["./d".into(), r#"{"a":1}"#.into()], ..Global::default() };
        let body = body(&global, args("user:7, role:admin")).unwrap();
        let expected = json!({"to": ["user:7", "role:admin"], "message": "m", "type": "x", "data": {"a": 1}});
        assert_eq!(body, expected);
    }

    #[test]
    fn a_wrong_audience_or_wrong_json_is_wrong_use() {
        let refused = body(&Global::default(), args("anna")).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        let global = Global { data: vec!["{a:1}".into()], ..Global::default() };
        assert!(body(&global, args("everyone")).unwrap_err().to_string().contains("not a JSON object"));
    }
}
