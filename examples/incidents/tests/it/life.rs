//! A ticket's whole life, heard by three live clients: exactly the frames each should get.

use incidents::people::Role;
use serde_json::json;

use crate::{live::Live, office::Office};

#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_what_concerns_them_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, dev, carla]) = Office::staffed(data.path()).await;
    let (mut admin, mut developer, mut client) =
        (office.live(&ada).await, office.live(&dev).await, office.live(&carla).await);

    let ticket = office.report(&carla, "Cart is empty").await;
    assert_eq!(ticket["status"], "NEW");
    let id = &ticket["id"];
    admin
        .expect(
            "ticket_created",
            "New High priority ticket created: Cart is empty",
            json!({"id": id, "title": "Cart is empty", "priority": "HIGH", "priority_display": "High",
                   "category": "BUG", "status": "NEW", "created_by": "Carla", "project_name": "Shop",
                   "created_at": ticket["created_at"]}),
        )
        .await;

    let ticket = office.step(&ada, &ticket, "open", json!(null)).await;
    client
        .expect(
            "ticket_opened",
            "Your ticket 'Cart is empty' has been opened and acknowledged by admin",
            json!({"id": id, "title": "Cart is empty", "status": "OPENED", "status_display": "Opened",
                   "opened_at": ticket["opened_at"]}),
        )
        .await;

    let ticket = office.step(&ada, &ticket, "assign", json!({"developer_ids": [2]})).await;
    developer
        .expect(
            "ticket_assigned",
            "You have been assigned to ticket: Cart is empty",
            json!({"id": id, "title": "Cart is empty", "description": "After login", "priority": "HIGH",
                   "priority_display": "High", "category": "BUG", "status": "OPENED",
                   "assigned_to_names": ["Dev"], "created_by": "Carla", "project_name": "Shop",
                   "resolution_due_at": ticket["resolution_due_at"]}),
        )
        .await;

    let ticket = office.step(&dev, &ticket, "start", json!(null)).await;
    client
        .expect(
            "work_started",
            "Work has started on your ticket: Cart is empty",
            json!({"id": id, "title": "Cart is empty", "status": "IN_PROGRESS",
                   "status_display": "In Progress", "started_at": ticket["started_at"]}),
        )
        .await;

    let finished = "Work completed on your ticket 'Cart is empty'. Please review and approve.";
    let ticket = office.step(&dev, &ticket, "finish", json!(null)).await;
    let resolved = |ticket: &serde_json::Value| {
        json!({"id": id, "title": "Cart is empty", "status": "RESOLVED", "status_display": "Resolved",
               "resolved_at": ticket["resolved_at"]})
    };
    client.expect("work_finished", finished, resolved(&ticket)).await;

    // Sent back once.
    let ticket = office.step(&carla, &ticket, "reject", json!({"reason": "Still empty"})).await;
    assert_eq!(ticket["status"], "IN_PROGRESS");
    for live in [&mut admin, &mut developer] {
        live.expect(
            "ticket_rejected",
            "Ticket 'Cart is empty' has been rejected by client. Reason: Still empty",
            json!({"id": id, "title": "Cart is empty", "status": "IN_PROGRESS",
                   "status_display": "In Progress", "created_by": "Carla",
                   "rejection_comment": "Still empty"}),
        )
        .await;
    }

    let ticket = office.step(&dev, &ticket, "finish", json!(null)).await;
    client.expect("work_finished", finished, resolved(&ticket)).await;
    let ticket = office.step(&carla, &ticket, "approve", json!(null)).await;
    assert_eq!(ticket["moves"], json!([]));
    for live in [&mut admin, &mut developer] {
        live.expect(
            "ticket_approved",
            "Ticket 'Cart is empty' has been approved and closed by client",
            json!({"id": id, "title": "Cart is empty", "status": "CLOSED", "status_display": "Closed",
                   "closed_at": ticket["closed_at"], "created_by": "Carla"}),
        )
        .await;
    }

    office.nobody_heard_more(&mut [(&ada, &mut admin), (&dev, &mut developer), (&carla, &mut client)]).await;
    drop((admin, developer, client));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_who_is_also_the_developer_hears_a_verdict_once() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, _, carla]) = Office::staffed(data.path()).await;
    let mira = office.person("Mira", &[Role::Admin, Role::Developer]).await;
    let both = office.login("Mira").await;
    let ticket = office.report(&carla, "T").await;
    office.step(&ada, &ticket, "open", json!(null)).await;
    office.step(&ada, &ticket, "assign", json!({"developer_ids": [mira.id.0]})).await;
    office.step(&both, &ticket, "start", json!(null)).await;
    office.step(&both, &ticket, "finish", json!(null)).await;
    office.step(&carla, &ticket, "approve", json!(null)).await;

    let mut live = Live::open(&office.base, &format!("token={}&since=0", both.token), &[]).await;
    let mut heard = vec![];
    for _ in 0..3 {
        heard.push(live.frame().await["notification_type"].clone());
        live.seq += 1;
    }
    assert_eq!(heard, ["ticket_created", "ticket_assigned", "ticket_approved"]);
    office.nobody_heard_more(&mut [(&both, &mut live)]).await;
    drop(live);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_away_gets_exactly_what_it_missed() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, dev, carla]) = Office::staffed(data.path()).await;
    let mut client = office.live(&carla).await;
    let epoch = client.greeting["epoch"].as_str().unwrap().to_owned();
    let ticket = office.report(&carla, "T").await;
    office.step(&ada, &ticket, "open", json!(null)).await;
    assert_eq!(client.frame().await["type"], "ticket_opened");
    client.seq += 1;
    let since = client.close().await;

    office.step(&ada, &ticket, "assign", json!({"developer_ids": [2]})).await;
    let started = office.step(&dev, &ticket, "start", json!(null)).await;
    let finished = office.step(&dev, &ticket, "finish", json!(null)).await;

    let query = format!("token={}&since={since}&epoch={epoch}", carla.token);
    let mut client = Live::open(&office.base, &query, &[]).await;
    assert_eq!(client.greeting["resumed"], true);
    client
        .expect(
            "work_started",
            "Work has started on your ticket: T",
            json!({"id": ticket["id"], "title": "T", "status": "IN_PROGRESS",
                   "status_display": "In Progress", "started_at": started["started_at"]}),
        )
        .await;
    client
        .expect(
            "work_finished",
            "Work completed on your ticket 'T'. Please review and approve.",
            json!({"id": ticket["id"], "title": "T", "status": "RESOLVED", "status_display": "Resolved",
                   "resolved_at": finished["resolved_at"]}),
        )
        .await;
    office.nobody_heard_more(&mut [(&carla, &mut client)]).await;
    drop(client);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_in_one_tab_clears_the_bell_in_the_other() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, _, carla]) = Office::staffed(data.path()).await;
    let query = format!("token={}&frames=full", ada.token);
    let (mut one, mut other) =
        (Live::open(&office.base, &query, &[]).await, Live::open(&office.base, &query, &[]).await);
    office.report(&carla, "T").await;
    let heard = one.frame().await;
    assert_eq!(other.frame().await["id"], heard["id"]);
    one.send(&json!({"type": "mark_read", "id": heard["id"]})).await;
    loop {
        let frame = other.frame().await;
        if frame["type"] == "inbox" && frame["unread"] == 0 {
            assert_eq!(frame["changed"][0]["id"], heard["id"]);
            break;
        }
    }
    drop((one, other));
    office.close().await;
}
