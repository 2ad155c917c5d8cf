//! Webhook endpoints, and the jobs that tell them what happened.

use oyez_core::webhook::Event;
use oyez_protocol::WebhookName;
use oyez_store::{NewWebhook, WEBHOOK_KIND, WebhookPut, WebhookSeed, jobs::JobFilter};
use serde_json::{Value, json};

use crate::support::{Fixture, at};

fn name(text: &str) -> WebhookName {
    WebhookName::new(text).unwrap()
}

fn seed(text: &str) -> WebhookSeed {
    WebhookSeed { seed: text.into(), check: [7; 32] }
}

fn new(text: &str, events: &[&str], types: Option<&[&str]>) -> NewWebhook {
    let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    NewWebhook {
        name: name(text),
        url: format!("https://{text}.example/"),
        events: owned(events),
        types: types.map(owned),
        disabled: false,
        seed: seed("first"),
    }
}

async fn put(fixture: &Fixture, new: NewWebhook, seconds: i64) -> WebhookPut {
    let change =
        fixture.store.write(move |tx| Box::pin(async move { tx.put_webhook(&new, 3, at(seconds)).await }));
    change.await.unwrap()
}

fn event(id: &str, kind: Option<&str>) -> Event {
    Event {
        id: id.into(),
        event: "delivery.failed",
        kind: kind.map(Into::into),
        at: at(0),
        data: json!({"delivery": "d", "text": "héé \"quoted\""}),
    }
}

async fn tell(fixture: &Fixture, events: Vec<Event>) -> usize {
    let change =
        fixture.store.write(move |tx| Box::pin(async move { tx.tell_webhooks(&events, at(1)).await }));
    change.await.unwrap()
}

/// The arguments of the jobs there are, oldest first.
async fn jobs(fixture: &Fixture) -> Vec<Value> {
    let mut jobs = fixture.store.jobs(&JobFilter::default(), None, 100).await.unwrap();
    jobs.reverse();
    assert!(jobs.iter().all(|job| job.kind.as_str() == WEBHOOK_KIND));
    let mut args: Vec<Value> = jobs.iter().map(|job| serde_json::from_str(&job.args).unwrap()).collect();
    args.sort_by_key(|args| (args["id"].to_string(), args["webhook"].to_string()));
    args
}

#[tokio::test]
async fn an_endpoint_keeps_its_secret_when_it_changes_and_there_are_so_many_at_most() {
    let fixture = Fixture::new().await;
    assert_eq!(put(&fixture, new("a", &["*"], None), 0).await, WebhookPut::Created);
    let changed = NewWebhook { seed: seed("other"), disabled: true, ..new("a", &["job.*"], Some(&["x*"])) };
    assert_eq!(put(&fixture, changed, 5).await, WebhookPut::Changed);
    let row = fixture.store.webhook(&name("a")).await.unwrap().unwrap();
    assert_eq!((row.seed, row.created_at, row.updated_at), (seed("first"), at(0), at(5)));
    assert_eq!((row.events, row.types, row.disabled), (vec!["job.*".into()], Some(vec!["x*".into()]), true));
    put(&fixture, new("b", &["*"], None), 0).await;
    put(&fixture, new("c", &["*"], None), 0).await;
    assert_eq!(put(&fixture, new("d", &["*"], None), 0).await, WebhookPut::TooMany);
    assert_eq!(put(&fixture, new("c", &["*"], None), 0).await, WebhookPut::Changed);
    let names: Vec<_> =
        fixture.store.webhooks().await.unwrap().into_iter().map(|row| row.name.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_new_secret_leaves_the_old_one_for_a_while() {
    let fixture = Fixture::new().await;
    put(&fixture, new("a", &["*"], None), 0).await;
    let rotate = async |endpoint: &str| {
        let endpoint = name(endpoint);
        let change = fixture.store.write(move |tx| {
            Box::pin(async move { tx.rotate_webhook(&endpoint, &seed("second"), at(60), at(1)).await })
        });
        change.await.unwrap()
    };
    assert!(!rotate("b").await);
    assert!(rotate("a").await);
    let row = fixture.store.webhook(&name("a")).await.unwrap().unwrap();
    assert_eq!((row.seed, row.old_seed), (seed("second"), Some(("first".into(), at(60)))));
}

#[tokio::test]
async fn failures_count_from_the_first_and_one_success_ends_them() {
    let fixture = Fixture::new().await;
    put(&fixture, new("a", &["*"], None), 0).await;
    let failed = async |seconds: i64| {
        let change = fixture.store.write(move |tx| {
            Box::pin(async move { tx.webhook_failed(&name("a"), "HTTP 500", at(seconds)).await })
        });
        change.await.unwrap()
    };
    assert_eq!(failed(10).await, Some(at(10)));
    assert_eq!(failed(20).await, Some(at(10)));
    let change = fixture
        .store
        .write(move |tx| Box::pin(async move { tx.webhook_succeeded(&name("a"), at(30)).await }));
    change.await.unwrap();
    let row = fixture.store.webhook(&name("a")).await.unwrap().unwrap();
    assert_eq!((row.failing_since, row.last_error, row.delivered_at), (None, None, Some(at(30))));
    assert_eq!(failed(40).await, Some(at(40)));
    let disable = async || {
        let change = fixture.store.write(move |tx| {
            Box::pin(async move { tx.disable_webhook(&name("a"), "it failed", at(50)).await })
        });
        change.await.unwrap()
    };
    assert!(disable().await);
    assert!(!disable().await);
    assert_eq!(failed(60).await, None);
    put(&fixture, new("a", &["*"], None), 70).await;
    let row = fixture.store.webhook(&name("a")).await.unwrap().unwrap();
    assert_eq!((row.disabled, row.disabled_reason, row.failing_since), (false, None, None));
}

#[tokio::test]
async fn what_happened_becomes_one_job_for_each_endpoint_that_wants_it() {
    let fixture = Fixture::new().await;
    assert_eq!(tell(&fixture, vec![event("e0", None)]).await, 0, "nobody to tell");
    put(&fixture, new("all", &["*"], None), 0).await;
    put(&fixture, new("some", &["delivery.*"], Some(&["ticket_*"])), 0).await;
    put(&fixture, NewWebhook { disabled: true, ..new("none", &["*"], None) }, 0).await;
    let bell = fixture.store.webhook_jobs();
    let told = tell(&fixture, vec![event("e1", Some("ticket_created")), event("e2", Some("invoice"))]).await;
    assert_eq!(told, 3);
    // Rung by the commit.
    bell.notified().await;
    let args = jobs(&fixture).await;
    let who: Vec<_> = args.iter().map(|args| (args["id"].clone(), args["webhook"].clone())).collect();
    assert_eq!(who, [("e1", "all"), ("e1", "some"), ("e2", "all")].map(|(id, to)| (json!(id), json!(to))));
    let body = json!({"type": "delivery.failed", "timestamp": at(0), "data": event("e1", None).data});
    assert_eq!((&args[0]["body"], &args[0]["event"]), (&body, &json!("delivery.failed")));
}

#[tokio::test]
async fn the_same_told_twice_is_one_job() {
    let fixture = Fixture::new().await;
    put(&fixture, new("all", &["*"], None), 0).await;
    tell(&fixture, vec![event("e1", None), event("e1", None)]).await;
    tell(&fixture, vec![event("e1", None)]).await;
    assert_eq!(jobs(&fixture).await.len(), 1);
}

#[tokio::test]
async fn a_change_that_is_taken_back_tells_nobody() {
    let fixture = Fixture::new().await;
    put(&fixture, new("all", &["*"], None), 0).await;
    let change = fixture.store.write(move |tx| {
        Box::pin(async move {
            tx.tell_webhooks(&[event("e1", None)], at(1)).await?;
            Err::<(), _>(oyez_store::StoreError::NotFound("thing"))
        })
    });
    change.await.unwrap_err();
    assert!(jobs(&fixture).await.is_empty());
}
