//! `oyez job enqueue`, `list`, `show`, `watch`, `cancel`, `retry`.

mod enqueue;
mod watch;

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    args::{Global, JobCommand, JobFilterArgs, JobListArgs, JobSelection},
    client::{Client, segment},
    error::Failure,
    output::{Output, table},
};
use crate::config::parse_duration;

pub(super) async fn run(global: &Global, command: JobCommand, output: &Output) -> Result<(), Failure> {
    if let JobCommand::Watch { id } = &command {
        return watch::run(global, id, output).await;
    }
    let call = match command {
        JobCommand::Enqueue(args) => Call::Enqueue(enqueue::body(global, *args)?),
        JobCommand::List(args) => Call::List(args),
        JobCommand::Show { id } | JobCommand::Watch { id } => Call::Show(id),
        JobCommand::Cancel(selection) => Call::Change("cancel", checked(selection)?),
        JobCommand::Retry(selection) => Call::Change("retry", checked(selection)?),
    };
    let client = Client::connect(global).await?;
    let done = call.make(&client, output).await;
    client.close().await;
    done
}

/// What to ask, once it is clear that it was asked rightly.
enum Call {
    Enqueue(Value),
    List(JobListArgs),
    Show(String),
    Change(&'static str, JobSelection),
}

impl Call {
    async fn make(self, client: &Client, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Enqueue(body) => enqueue(client, &body, output).await,
            Self::List(args) => list(client, &args, output).await,
            Self::Show(id) => show(client, &id, output).await,
            Self::Change(what, selection) => change(client, what, &selection, output).await,
        }
    }
}

/// A duration of a flag, in seconds.
pub(super) fn seconds(flag: &str, text: &str) -> Result<f64, Failure> {
    let duration = parse_duration(text).ok_or_else(|| {
        Failure::usage(format!("{flag} takes a duration such as 90s or 10m, given {text:?}"))
    })?;
    Ok(duration.as_secs_f64())
}

/// JSON of a flag.
pub(super) fn any_json(flag: &str, text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::usage(format!("{flag} is not JSON: {error}"))
            .hint(format!("quote it for the shell: {flag} '{{\"id\":7}}'"))
    })
}

async fn enqueue(client: &Client, body: &Value, output: &Output) -> Result<(), Failure> {
    let answer = client.call(Method::POST, "/api/v1/jobs", Some(body)).await?;
    output.answer(&answer, || {
        let id = text(&answer, "id");
        if answer["created"] == true { id } else { format!("{id} (it was there already)") }
    });
    Ok(())
}

async fn list(client: &Client, args: &JobListArgs, output: &Output) -> Result<(), Failure> {
    let filter = filter(&args.filter).into_iter().map(|(key, value)| format!("&{key}={}", segment(&value)));
    let path = format!("/api/v1/jobs?limit={}{}", args.limit, filter.collect::<String>());
    let jobs = client.call(Method::GET, &path, None).await?;
    output.answer(&jobs, || {
        let rows: Vec<Vec<String>> = array(&jobs["data"]).map(row).collect();
        table(&["id", "kind", "queue", "state", "attempt", "progress", "user", "created"], &rows)
    });
    Ok(())
}

fn row(job: &Value) -> Vec<String> {
    let attempt = format!("{}/{}", job["attempt"], job["max_attempts"]);
    let mut row: Vec<String> = ["id", "kind", "queue", "state"].iter().map(|key| text(job, key)).collect();
    row.extend([attempt, progress(job), text(job, "user"), text(job, "created_at")]);
    row
}

/// `40 % Interface Loader`.
fn progress(job: &Value) -> String {
    let progress = &job["progress"];
    let percent = progress["percent"].as_f64().map(|percent| format!("{percent} %"));
    let step = progress["step"].as_str().map(str::to_owned);
    percent.into_iter().chain(step).collect::<Vec<_>>().join(" ")
}

async fn show(client: &Client, id: &str, output: &Output) -> Result<(), Failure> {
    let path = format!("/api/v1/jobs/{}", segment(id));
    let mut job = client.call(Method::GET, &path, None).await?;
    let steps = client.call(Method::GET, &format!("{path}/steps"), None).await?;
    let attempts = client.call(Method::GET, &format!("{path}/attempts"), None).await?;
    job["steps"] = steps["data"].clone();
    job["attempts"] = attempts["data"].clone();
    output.answer(&job, || told(&job));
    Ok(())
}

fn told(job: &Value) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (key, value) in job.as_object().into_iter().flatten() {
        let value = match value {
            Value::Null => continue,
            _ if ["steps", "attempts", "progress"].contains(&key.as_str()) => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        lines.push(format!("{:<20} {value}", key.replace('_', " ")));
    }
    if !progress(job).is_empty() {
        lines.push(format!("{:<20} {}", "progress", progress(job)));
    }
    let cells = |value: &Value, keys: &[&str]| -> Vec<String> {
        keys.iter().map(|key| plain(&value[*key])).collect()
    };
    for (title, keys) in [
        ("steps", ["number", "name", "status", "attempt", "finished_at"]),
        ("attempts", ["attempt", "worker", "outcome", "ended_at", "error"]),
    ] {
        let rows: Vec<Vec<String>> = array(&job[title]).map(|one| cells(one, &keys)).collect();
        if !rows.is_empty() {
            lines.extend([
                String::new(),
                title.to_owned(),
                table(&keys.map(|key| key.trim_end_matches("_at")), &rows),
            ]);
        }
    }
    lines.join("\n")
}

fn checked(selection: JobSelection) -> Result<JobSelection, Failure> {
    let filters = filter(&selection.filter).len();
    if selection.ids.is_empty() && filters == 0 {
        return Err(
            Failure::usage("say which jobs").hint("name ids, or use --state, --kind, --queue, --user")
        );
    }
    if !selection.ids.is_empty() && filters > 0 {
        return Err(Failure::usage(
            "say which jobs by their ids or by --state, --kind, --queue and --user, not both",
        ));
    }
    Ok(selection)
}

async fn change(
    client: &Client,
    what: &str,
    selection: &JobSelection,
    output: &Output,
) -> Result<(), Failure> {
    if let [id] = selection.ids.as_slice() {
        let path = format!("/api/v1/jobs/{}/{what}", segment(id));
        let answer = client.call(Method::POST, &path, None).await?;
        output.answer(&answer, || match (what, answer["state"].as_str()) {
            ("cancel", Some("running")) => format!("{id} was asked to stop"),
            (_, state) => format!("{id} is {}", state.unwrap_or_default()),
        });
        return Ok(());
    }
    let mut body = Map::new();
    if !selection.ids.is_empty() {
        body.insert("ids".into(), json!(selection.ids));
    }
    body.extend(filter(&selection.filter).into_iter().map(|(key, value)| (key.to_owned(), value.into())));
    let answer = client.call(Method::POST, &format!("/api/v1/jobs/{what}"), Some(&body.into())).await?;
    output.answer(&answer, || {
        let done = if what == "cancel" { "cancelled or asked to stop" } else { "available again" };
        format!("{} jobs {done}", answer["changed"])
    });
    Ok(())
}

fn filter(args: &JobFilterArgs) -> Vec<(&'static str, String)> {
    let fields = [("state", &args.state), ("kind", &args.kind), ("queue", &args.queue), ("user", &args.user)];
    fields.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
}

pub(super) fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// A value as a cell shows it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{
        super::args::{Cli, Command},
        *,
    };

    fn parsed(line: &[&str]) -> (Global, JobCommand) {
        let cli = Cli::try_parse_from([&["oyez", "job"], line].concat()).unwrap();
        match cli.command {
            Some(Command::Job(command)) => (cli.global, command),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_bulk_call_says_which_jobs_in_one_way() {
        let selected = |line: &[&str]| match parsed(line).1 {
            JobCommand::Cancel(selection) => checked(selection),
            other => panic!("{other:?}"),
        };
        assert!(selected(&["cancel", "a", "b"]).is_ok());
        assert!(selected(&["cancel", "--queue", "q"]).is_ok());
        assert_eq!(selected(&["cancel"]).unwrap_err().exit_code(), 2);
        assert_eq!(selected(&["cancel", "a", "--queue", "q"]).unwrap_err().exit_code(), 2);
    }
}
