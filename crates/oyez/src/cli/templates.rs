//! `oyez template list`, `show`, `put`, `preview`, `delete`.

use std::{fs, path::Path};

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{Global, TemplateCommand, TemplateParts, TemplatePreviewArgs},
    client::{Client, segment},
    error::Failure,
    jobs::{any_json, array, text},
    output::{Output, table},
};

pub(super) async fn run(global: &Global, command: TemplateCommand, output: &Output) -> Result<(), Failure> {
    // Files are read first: a misspelt one should not start a server.
    let call = match command {
        TemplateCommand::List => Call::List,
        TemplateCommand::Show { name, locale } => Call::Show(name, locale),
        TemplateCommand::Put { name, parts } => Call::Put(name, body(&parts)?),
        TemplateCommand::Preview(args) => Call::Preview(args.name.clone(), asked(&args)?, args.part),
        TemplateCommand::Delete { name, locale } => Call::Delete(name, locale),
    };
    let client = Client::connect(global).await?;
    let done = call.make(&client, output).await;
    client.close().await;
    done
}

enum Call {
    List,
    Show(String, Option<String>),
    Put(String, Value),
    Preview(String, Value, Option<String>),
    Delete(String, Option<String>),
}

impl Call {
    async fn make(self, client: &Client, output: &Output) -> Result<(), Failure> {
        let path = |name: &str, locale: Option<String>| {
            let query = locale.map(|locale| format!("?locale={}", segment(&locale))).unwrap_or_default();
            format!("/api/v1/templates/{}/email{query}", segment(name))
        };
        match self {
            Self::List => {
                let templates = client.call(Method::GET, "/api/v1/templates", None).await?;
                output.answer(&templates, || rows(array(&templates["data"])));
            }
            Self::Show(name, locale) => {
                let template = client.call(Method::GET, &path(&name, locale), None).await?;
                output.answer(&template, || parts(&template, None));
            }
            Self::Put(name, body) => {
                let template = client.call(Method::PUT, &path(&name, None), Some(&body)).await?;
                output.answer(&template, || format!("template {} is in use", text(&template, "type")));
            }
            Self::Preview(name, body, part) => {
                let path = format!("{}/preview", path(&name, None));
                let message = client.call(Method::POST, &path, Some(&body)).await?;
                output.answer(&message, || parts(&message, part.as_deref()));
            }
            Self::Delete(name, locale) => {
                client.call(Method::DELETE, &path(&name, locale), None).await?;
                let answer = json!({"type": name, "deleted": true});
                output.answer(&answer, || format!("template {name} is deleted"));
            }
        }
        Ok(())
    }
}

/// A template's parts, from the files that are named.
fn body(parts: &TemplateParts) -> Result<Value, Failure> {
    let mut body = json!({});
    if let Some(locale) = &parts.locale {
        body["locale"] = locale.clone().into();
    }
    if let Some(subject) = &parts.subject {
        body["subject"] = subject.clone().into();
    }
    for (key, file) in [("text", &parts.text), ("html", &parts.html)] {
        if let Some(file) = file {
            body[key] = read(file)?.into();
        }
    }
    Ok(body)
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("could not read {}: {error}", file.display()))
            .hint("oyez template put ticket_created --subject 'Ticket {{ ticket.id }}' --html ticket.mjml")
    })
}

fn asked(args: &TemplatePreviewArgs) -> Result<Value, Failure> {
    let mut template = body(&args.parts)?;
    let locale = template.as_object_mut().and_then(|fields| fields.remove("locale"));
    let mut body = json!({});
    if let Some(locale) = locale {
        body["locale"] = locale;
    }
    if template.as_object().is_some_and(|fields| !fields.is_empty()) {
        body["template"] = template;
    }
    if let Some(given) = &args.notification {
        body["notification"] = any_json("the notification", given)?;
    }
    Ok(body)
}

/// The parts one under the other, or one of them as it is.
fn parts(message: &Value, only: Option<&str>) -> String {
    if let Some(part) = only {
        return text(message, part);
    }
    let part = |name: &&str| Some(format!("--- {name}\n{}", message[*name].as_str()?.trim_end()));
    ["subject", "text", "html"].iter().filter_map(part).collect::<Vec<_>>().join("\n")
}

fn rows<'a>(templates: impl Iterator<Item = &'a Value>) -> String {
    let row = |template: &Value| {
        let parts: Vec<&str> = array(&template["parts"]).filter_map(Value::as_str).collect();
        let cells = ["type", "medium", "locale", "origin"].map(|key| text(template, key));
        [cells.to_vec(), vec![parts.join(", "), text(template, "updated_at")]].concat()
    };
    let rows: Vec<Vec<String>> = templates.map(row).collect();
    table(&["type", "medium", "locale", "from", "parts", "changed"], &rows)
}
