//! What `oyez job enqueue` asks for.

use serde_json::{Map, Value, json};

use super::{
    super::{
        args::{EnqueueArgs, Global},
        error::Failure,
        notify,
    },
    any_json, seconds,
};
use crate::config::parse_duration;

pub(super) fn body(global: &Global, args: EnqueueArgs) -> Result<Value, Failure> {
    let mut body = json!({"kind": args.kind});
    let texts = [
        ("user", args.user),
        ("queue", args.queue),
        ("run_at", args.run_at),
        ("unique_key", args.unique_key),
        ("idempotency_key", args.idempotency_key),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            body[key] = value.into();
        }
    }
    if let Some(text) = args.args {
        body["args"] = any_json("--args", &text)?;
    }
    if let Some(data) = public_data(global, args.public_data.as_deref())? {
        body["data"] = data;
    }
    if let Some(text) = args.messages {
        body["messages"] = object("--messages", &text)?;
    }
    if let Some(priority) = args.priority {
        body["priority"] = priority.into();
    }
    if let Some(max_attempts) = args.max_attempts {
        body["max_attempts"] = max_attempts.into();
    }
    for (key, flag, text) in
        [("timeout", "--timeout", args.timeout), ("unique_period", "--unique-period", args.unique_period)]
    {
        if let Some(text) = text {
            body[key] = seconds(flag, &text)?.into();
        }
    }
    if !args.unique_states.is_empty() {
        body["unique_states"] = args.unique_states.into();
    }
    if let Some(text) = args.backoff {
        body["backoff"] = backoff(&text)?;
    }
    if !args.notify.is_empty() {
        body["notify"] = args.notify.into_iter().filter(|end| end != "none").collect::<Vec<_>>().into();
    }
    Ok(body)
}

/// `--data` was there before `--public-data`, and says the same where it is no directory.
fn public_data(global: &Global, flag: Option<&str>) -> Result<Option<Value>, Failure> {
    match (flag, notify::data(global)?) {
        (Some(_), Some(_)) => Err(Failure::usage(
            "a JSON object is given with --public-data and with --data: put all keys into one",
        )),
        (Some(text), None) => object("--public-data", text).map(Some),
        (None, data) => Ok(data.map(Value::from)),
    }
}

/// `first=15s,factor=2,max=1h,jitter=0.2`.
fn backoff(text: &str) -> Result<Value, Failure> {
    let refused = |what: &str| {
        let message =
            format!("--backoff takes waits such as first=15s,factor=2,max=1h,jitter=0.2, given {what:?}");
        Failure::usage(message)
    };
    let mut backoff = Map::new();
    for part in text.split(',').map(str::trim) {
        let (key, value) = part.split_once('=').ok_or_else(|| refused(part))?;
        let value = match key {
            "first" | "max" => parse_duration(value).map(|duration| duration.as_secs_f64()),
            "factor" | "jitter" => value.parse::<f64>().ok(),
            _ => None,
        };
        backoff.insert(key.to_owned(), value.ok_or_else(|| refused(part))?.into());
    }
    Ok(backoff.into())
}

fn object(flag: &str, text: &str) -> Result<Value, Failure> {
    match any_json(flag, text)? {
        object @ Value::Object(_) => Ok(object),
        _ => Err(Failure::usage(format!("{flag} takes a JSON object, given {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{
        super::super::args::{Cli, Command, JobCommand},
        *,
    };

    fn parsed(line: &[&str]) -> (Global, EnqueueArgs) {
        let cli = Cli::try_parse_from([&["oyez", "job", "enqueue"], line].concat()).unwrap();
        match cli.command {
            Some(Command::Job(JobCommand::Enqueue(args))) => (cli.global, *args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_body_is_what_the_api_takes() {
        let (global, args) = parsed(&[
            "report",
            "--args",
            "[1]",
            "--user",
            "anna",
            "--data",
            "{\"a\":1}",
            "--timeout",
            "2m",
            "--priority",
            "1",
        ]);
        let expected = json!({"kind": "report", "user": "anna", "args": [1], "data": {"a": 1}, "priority": 1,
            "timeout": 120.0});
        assert_eq!(body(&global, args).unwrap(), expected);
        let (global, args) = parsed(&["report", "--args", "{a}"]);
        assert_eq!(body(&global, args).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn all_that_the_api_takes_can_be_said() {
        let enqueue = |flags: &str| {
            let (global, args) = parsed(&["a"].into_iter().chain(flags.split(' ')).collect::<Vec<_>>());
            body(&global, args)
        };
        let found = enqueue(
            "--public-data {\"n\":1} --data ./d --unique-key k --unique-states running,completed --unique-period 1h \
             --backoff first=5s,factor=1.5,max=10m --notify failed,cancelled --messages {\"url\":\"/a\"} \
             --idempotency-key i",
        );
        let expected = json!({"kind": "a", "data": {"n": 1}, "unique_key": "k", "unique_states": ["running", "completed"],
            "unique_period": 3600.0, "backoff": {"first": 5.0, "factor": 1.5, "max": 600.0},
            "notify": ["failed", "cancelled"], "messages": {"url": "/a"}, "idempotency_key": "i"});
        assert_eq!(found.unwrap(), expected);
        assert_eq!(enqueue("--notify none").unwrap()["notify"], json!([]));
        for wrong in [
            "--public-data [1]",
            "--public-data {} --data {}",
            "--backoff 5s",
            "--backoff first=soon",
            "--backoff last=5s",
            "--messages 7",
            "--unique-key k --unique-period often",
        ] {
            assert_eq!(enqueue(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
