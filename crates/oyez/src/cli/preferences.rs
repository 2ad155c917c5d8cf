//! `oyez preferences show`, `set`.

use http::Method;
use serde_json::Value;

use super::{
    args::{Global, PreferencesCommand},
    client::{Client, segment},
    error::Failure,
    jobs::any_json,
    output::Output,
};

pub(super) async fn run(
    global: &Global,
    command: PreferencesCommand,
    output: &Output,
) -> Result<(), Failure> {
    let (user, body) = match command {
        PreferencesCommand::Show { user } => (user, None),
        PreferencesCommand::Set { user, preferences } => (user, Some(body(&preferences)?)),
    };
    let client = Client::connect(global).await?;
    let path = format!("/api/v1/users/{}/preferences", segment(&user));
    let method = if body.is_some() { Method::PUT } else { Method::GET };
    let answer = client.call(method, &path, body.as_ref()).await;
    client.close().await;
    let preferences = answer?;
    output.answer(&preferences, || format!("{preferences:#}"));
    Ok(())
}

fn body(text: &str) -> Result<Value, Failure> {
    let body = any_json("the preferences", text)?;
    if body.is_object() {
        return Ok(body);
    }
    let hint = "oyez preferences set anna '{\"default\":{\"email\":\"digest\"}}'";
    Err(Failure::usage("the preferences must be a JSON object").hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_an_object() {
        assert_eq!(body("{}").unwrap(), serde_json::json!({}));
        for wrong in ["[]", "off", "{"] {
            assert_eq!(body(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
