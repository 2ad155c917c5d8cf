//! `oyez schedule list`, `show`, `set`, `run`, `pause`, `resume`, `delete`.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{Global, ScheduleCommand, ScheduleSetArgs},
    client::{Client, segment},
    error::Failure,
    jobs::{any_json, array, plain, seconds, text},
    output::{Output, table},
};

/// How many times are made up for with `--misfire all`, when nothing is said of it.
const MISFIRE_MAX: u32 = 100;

pub(super) async fn run(global: &Global, command: ScheduleCommand, output: &Output) -> Result<(), Failure> {
    let client = Client::connect(global).await?;
    let done = act(&client, command, output).await;
    client.close().await;
    done
}

async fn act(client: &Client, command: ScheduleCommand, output: &Output) -> Result<(), Failure> {
    let path = |name: &str| format!("/api/v1/schedules/{}", segment(name));
    let shown = match command {
        ScheduleCommand::List => {
            let schedules = client.call(Method::GET, "/api/v1/schedules", None).await?;
            output.answer(&schedules, || rows(array(&schedules["data"])));
            return Ok(());
        }
        ScheduleCommand::Run { name } => {
            let job = client.call(Method::POST, &format!("{}/run", path(&name)), None).await?;
            output.answer(&job, || text(&job, "id"));
            return Ok(());
        }
        ScheduleCommand::Delete { name } => {
            client.call(Method::DELETE, &path(&name), None).await?;
            output.answer(&json!({"name": name, "deleted": true}), || format!("schedule {name} is deleted"));
            return Ok(());
        }
        ScheduleCommand::Show { name } => {
            let schedule = client.call(Method::GET, &path(&name), None).await?;
            output.answer(&schedule, || told(&schedule));
            return Ok(());
        }
        ScheduleCommand::Set(args) => set(client, &path(&args.name), &args).await?,
        ScheduleCommand::Pause { name } => pause(client, &path(&name), true).await?,
        ScheduleCommand::Resume { name } => pause(client, &path(&name), false).await?,
    };
    output.answer(&shown, || rows(std::iter::once(&shown)));
    Ok(())
}

async fn pause(client: &Client, path: &str, paused: bool) -> Result<Value, Failure> {
    client.call(Method::POST, &format!("{path}/pause"), Some(&json!({"paused": paused}))).await
}

/// What the flags do not name stays as it is.
async fn set(client: &Client, path: &str, args: &ScheduleSetArgs) -> Result<Value, Failure> {
    let all = client.call(Method::GET, "/api/v1/schedules", None).await?;
    let known = array(&all["data"]).find(|schedule| schedule["name"] == args.name.as_str());
    let body = changed(known, args)?;
    client.call(Method::PUT, path, Some(&body)).await
}

fn changed(known: Option<&Value>, args: &ScheduleSetArgs) -> Result<Value, Failure> {
    let mut body = json!({});
    for key in ["cron", "time_zone", "job", "misfire", "overlap"] {
        if let Some(value) = known.and_then(|known| known.get(key)) {
            body[key] = value.clone();
        }
    }
    let texts = [("cron", &args.cron), ("time_zone", &args.time_zone), ("overlap", &args.overlap)];
    for (key, value) in texts {
        if let Some(value) = value {
            body[key] = value.as_str().into();
        }
    }
    for (key, value) in [("kind", &args.kind), ("user", &args.user), ("queue", &args.queue)] {
        if let Some(value) = value {
            body["job"][key] = value.as_str().into();
        }
    }
    if let Some(misfire) = misfire(&body["misfire"]["all"], args)? {
        body["misfire"] = misfire;
    }
    if let Some(text) = &args.args {
        body["job"]["args"] = any_json("--args", text)?;
    }
    if body["cron"].is_null() || body["job"]["kind"].is_null() {
        let message = format!("the schedule {} is new: say the job's kind and --cron", args.name);
        return Err(Failure::usage(message).hint("oyez schedule set NAME KIND --cron '0 3 * * *'"));
    }
    Ok(body)
}

/// What becomes of missed times, if the flags say anything of it; `before` is what `all` is now.
fn misfire(before: &Value, args: &ScheduleSetArgs) -> Result<Option<Value>, Failure> {
    let says_how_many = args.misfire_window.is_some() || args.misfire_max.is_some();
    match args.misfire.as_deref() {
        Some("all") => {}
        None if says_how_many && before.is_object() => {}
        _ if says_how_many => {
            return Err(Failure::usage("--misfire-window and --misfire-max go with --misfire all"));
        }
        word => return Ok(word.map(Value::from)),
    }
    let window = match &args.misfire_window {
        Some(text) => seconds("--misfire-window", text)?.into(),
        None => before["window"].clone(),
    };
    if window.is_null() {
        let message = "--misfire all needs --misfire-window: how far back missed times are fired";
        return Err(Failure::usage(message).hint("oyez schedule set NAME --misfire all --misfire-window 1h"));
    }
    let known = before["max"].as_u64().map_or(Value::from(MISFIRE_MAX), Value::from);
    let max = args.misfire_max.map_or(known, Value::from);
    Ok(Some(json!({"all": {"window": window, "max": max}})))
}

/// One schedule with all that is known of it; its next three times too.
fn told(schedule: &Value) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (key, value) in schedule.as_object().into_iter().flatten() {
        let value = match key.as_str() {
            "next" => array(value).map(plain).collect::<Vec<_>>().join(", "),
            "last" => text(value, "planned_at"),
            _ => plain(value),
        };
        if !value.is_empty() {
            lines.push(format!("{:<20} {value}", key.replace('_', " ")));
        }
    }
    lines.join("\n")
}

fn rows<'a>(schedules: impl Iterator<Item = &'a Value>) -> String {
    let row = |schedule: &Value| {
        let next = match schedule["paused"] == true {
            true => "paused".to_owned(),
            false => schedule["next"][0].as_str().unwrap_or_default().to_owned(),
        };
        let last = schedule["last"]["planned_at"].as_str().unwrap_or_default().to_owned();
        let mut row: Vec<String> =
            ["name", "cron", "time_zone"].iter().map(|key| text(schedule, key)).collect();
        row.extend([text(&schedule["job"], "kind"), next, last]);
        row
    };
    let rows: Vec<Vec<String>> = schedules.map(row).collect();
    table(&["name", "cron", "time zone", "kind", "next", "last"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> ScheduleSetArgs {
        ScheduleSetArgs {
            name: "nightly".into(),
            kind: None,
            cron: None,
            time_zone: None,
            args: None,
            user: None,
            queue: None,
            misfire: None,
            misfire_window: None,
            misfire_max: None,
            overlap: None,
        }
    }

    #[test]
    fn what_the_flags_do_not_name_stays_as_it_is() {
        let known = json!({"name": "nightly", "cron": "0 3 * * *", "time_zone": "UTC", "paused": true, "built_in": true,
            "job": {"kind": "report", "args": {"a": 1}}, "misfire": {"all": {"window": 60.0, "max": 2}}});
        let body = changed(Some(&known), &ScheduleSetArgs { cron: Some("@daily".into()), ..args() }).unwrap();
        let expected = json!({"cron": "@daily", "time_zone": "UTC", "job": {"kind": "report", "args": {"a": 1}},
            "misfire": {"all": {"window": 60.0, "max": 2}}});
        assert_eq!(body, expected);
        let new = ScheduleSetArgs { kind: Some("report".into()), cron: Some("@daily".into()), ..args() };
        assert_eq!(changed(None, &new).unwrap(), json!({"cron": "@daily", "job": {"kind": "report"}}));
        assert_eq!(changed(None, &args()).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn missed_times_are_all_fired_as_far_back_as_is_said() {
        let set = |before: Value, flags: [Option<&str>; 3]| {
            let [word, window, max] = flags;
            let args = ScheduleSetArgs {
                misfire: word.map(str::to_owned),
                misfire_window: window.map(str::to_owned),
                misfire_max: max.map(|max| max.parse().unwrap()),
                ..args()
            };
            misfire(&before, &args)
        };
        let all = |window: f64, max: u32| json!({"all": {"window": window, "max": max}});
        let none = || Value::Null;
        assert_eq!(set(none(), [Some("all"), Some("1h"), None]).unwrap(), Some(all(3600.0, 100)));
        assert_eq!(set(none(), [Some("skip"), None, None]).unwrap(), Some(json!("skip")));
        assert_eq!(set(none(), [None, None, None]).unwrap(), None);
        let before = || json!({"window": 60.0, "max": 2});
        assert_eq!(set(before(), [None, Some("2m"), None]).unwrap(), Some(all(120.0, 2)));
        assert_eq!(set(before(), [Some("all"), None, Some("5")]).unwrap(), Some(all(60.0, 5)));
        for wrong in [[Some("all"), None, None], [None, Some("1h"), None], [Some("once"), None, Some("3")]] {
            assert_eq!(set(none(), wrong).unwrap_err().exit_code(), 2);
        }
    }

    #[test]
    fn one_schedule_is_shown_with_its_next_three_times() {
        let shown = told(
            &json!({"name": "n", "misfire": {"all": {"max": 2}}, "next": ["a", "b", "c"], "last": null}),
        );
        assert_eq!(
            shown,
            "name                 n\nmisfire              {\"all\":{\"max\":2}}\nnext                 a, b, c"
        );
    }
}
