//! `oyez delivery list`, `show`, `resend`.

use http::Method;
use serde_json::{Value, json};

use super::{
    args::{DeliveryCommand, DeliveryListArgs, Global, ResendArgs},
    client::{Client, segment},
    error::Failure,
    jobs::{array, plain, text},
    output::{Output, table},
};

pub(super) async fn run(global: &Global, command: DeliveryCommand, output: &Output) -> Result<(), Failure> {
    if let DeliveryCommand::Resend(args) = &command {
        check(args)?;
    }
    let client = Client::connect(global).await?;
    let done = match command {
        DeliveryCommand::List(args) => list(&client, &args, output).await,
        DeliveryCommand::Show { id } => show(&client, &id, output).await,
        DeliveryCommand::Resend(args) => resend(&client, &args, output).await,
    };
    client.close().await;
    done
}

async fn list(client: &Client, args: &DeliveryListArgs, output: &Output) -> Result<(), Failure> {
    let filters = [
        ("status", &args.status),
        ("medium", &args.medium),
        ("user", &args.user),
        ("notification", &args.notification),
        ("type", &args.kind),
    ];
    let mut path = format!("/api/v1/deliveries?limit={}", args.limit);
    for (key, value) in filters {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", segment(value)));
        }
    }
    let deliveries = client.call(Method::GET, &path, None).await?;
    output.answer(&deliveries, || {
        let rows: Vec<Vec<String>> = array(&deliveries["data"]).map(row).collect();
        table(&["id", "user", "medium", "type", "state", "attempt", "why", "created"], &rows)
    });
    Ok(())
}

fn row(delivery: &Value) -> Vec<String> {
    let kind = if delivery["type"].is_null() { "(digest)".to_owned() } else { text(delivery, "type") };
    let attempt = format!("{}/{}", delivery["attempt"], delivery["max_attempts"]);
    let mut row: Vec<String> = ["id", "user", "medium"].iter().map(|key| text(delivery, key)).collect();
    row.extend([kind, text(delivery, "state"), attempt, why(delivery), text(delivery, "created_at")]);
    row
}

/// The reason it was skipped, or how its last attempt failed, as far as a table has room.
fn why(delivery: &Value) -> String {
    let reason = text(delivery, "reason");
    let why = if reason.is_empty() { text(delivery, "error") } else { reason };
    let line = why.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

async fn show(client: &Client, id: &str, output: &Output) -> Result<(), Failure> {
    let path = format!("/api/v1/deliveries/{}", segment(id));
    let mut delivery = client.call(Method::GET, &path, None).await?;
    let attempts = client.call(Method::GET, &format!("{path}/attempts"), None).await?;
    delivery["attempts"] = attempts["data"].clone();
    output.answer(&delivery, || told(&delivery));
    Ok(())
}

fn told(delivery: &Value) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (key, value) in delivery.as_object().into_iter().flatten() {
        if !value.is_null() && key != "attempts" {
            lines.push(format!("{:<20} {}", key.replace('_', " "), plain(value)));
        }
    }
    let keys = ["attempt", "started_at", "outcome", "answer", "error"];
    let rows: Vec<Vec<String>> = array(&delivery["attempts"])
        .map(|attempt| keys.iter().map(|key| plain(&attempt[*key])).collect())
        .collect();
    if !rows.is_empty() {
        let head = keys.map(|key| key.trim_end_matches("_at"));
        lines.extend([String::new(), "attempts".to_owned(), table(&head, &rows)]);
    }
    lines.join("\n")
}

fn check(args: &ResendArgs) -> Result<(), Failure> {
    let filtered = args.status.is_some() || args.medium.is_some();
    match (args.ids.is_empty(), filtered) {
        (true, false) => Err(Failure::usage("say which deliveries")
            .hint("name ids, or use --status failed, with --medium for those of one medium")),
        (false, true) => {
            Err(Failure::usage("say which deliveries by their ids or by --status and --medium, not both"))
        }
        _ => match args.status.as_deref() {
            Some(status @ ("sent" | "delivered")) if !args.again => {
                let message =
                    format!("all that was {status} would be sent a second time, to people who have it");
                Err(Failure::usage(message).hint("add --again if they shall get it once more, or name ids"))
            }
            _ => Ok(()),
        },
    }
}

async fn resend(client: &Client, args: &ResendArgs, output: &Output) -> Result<(), Failure> {
    if let [id] = args.ids.as_slice() {
        let path = format!("/api/v1/deliveries/{}/resend", segment(id));
        let delivery = client.call(Method::POST, &path, None).await?;
        output.answer(&delivery, || format!("{id} is {}", text(&delivery, "state")));
        return Ok(());
    }
    let mut body = json!({});
    if !args.ids.is_empty() {
        body["ids"] = args.ids.clone().into();
    }
    for (key, value) in [("status", &args.status), ("medium", &args.medium)] {
        if let Some(value) = value {
            body[key] = value.as_str().into();
        }
    }
    if args.again {
        body["again"] = true.into();
    }
    let resent = client.call(Method::POST, "/api/v1/deliveries/resend", Some(&body)).await?;
    output.answer(&resent, || match resent["left"].as_u64() {
        Some(0) | None => format!("{} are queued again", resent["queued"]),
        Some(left) => format!("{} are queued again; {left} are not, unknown or unfinished", resent["queued"]),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_resend_is_named_or_filtered_and_not_both() {
        let args = |ids: &[&str], status: Option<&str>| ResendArgs {
            ids: ids.iter().map(ToString::to_string).collect(),
            status: status.map(str::to_owned),
            medium: None,
            again: false,
        };
        assert!(check(&args(&["a"], None)).is_ok() && check(&args(&[], Some("failed"))).is_ok());
        assert!(check(&ResendArgs { again: true, ..args(&[], Some("sent")) }).is_ok());
        let sent = [args(&[], Some("sent")), args(&[], Some("delivered"))];
        for wrong in [args(&[], None), args(&["a"], Some("failed"))].into_iter().chain(sent) {
            assert_eq!(check(&wrong).unwrap_err().exit_code(), 2);
        }
    }

    #[test]
    fn a_row_says_why_it_is_not_sent() {
        let skipped = json!({"id": "d", "user": "u", "medium": "email", "type": null, "state": "skipped",
            "attempt": 0, "max_attempts": 3, "reason": "seen", "error": null, "created_at": "now"});
        assert_eq!(row(&skipped), ["d", "u", "email", "(digest)", "skipped", "0/3", "seen", "now"]);
        let failed = json!({"reason": null, "error": format!("{}\nmore", "x".repeat(90))});
        assert_eq!(why(&failed), format!("{}…", "x".repeat(60)));
    }
}
