//! The use cases on a real database file, without Oyez: what is written, promised and refused.

use oyez::protocol::Timestamp;

use super::*;
use crate::{database::outbox::Waiting, ticket::Project};

struct Office {
    _directory: tempfile::TempDir,
    desk: Desk,
    admin: Person,
    developer: Person,
    client: Person,
    project: Project,
}

async fn office() -> Office {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("incidents.db")).await.unwrap();
    let (clock, _hand) = Clock::manual(Timestamp::from_millis(1_790_000_000_000));
    let desk = Desk::new(database, clock);
    let admin = add(&desk, "Ada", &[Role::Admin]).await;
    let developer = add(&desk, "Dev", &[Role::Developer]).await;
    let client = add(&desk, "Carla", &[Role::Client]).await;
    let project = desk.add_project(&admin, "Shop").await.unwrap();
    desk.add_member(&admin, project.id, client.id).await.unwrap();
    Office { _directory: directory, desk, admin, developer, client, project }
}

async fn add(desk: &Desk, name: &str, roles: &[Role]) -> Person {
    let mut tx = desk.database.write().await.unwrap();
    let email = format!("{name}@x.example");
    let id = people::insert(&mut tx, &email, name, "no password", desk.now()).await.unwrap().unwrap();
    for role in roles {
        people::add_role(&mut tx, id, *role).await.unwrap();
    }
    tx.commit().await.unwrap();
    Person { id, email, name: name.into(), roles: roles.to_vec() }
}

impl Office {
    fn report(&self) -> Report {
        Report {
            project: self.project.id,
            title: "Cart is empty".into(),
            description: "After login".into(),
            priority: Priority::High,
            category: Category::Bug,
        }
    }

    async fn promised(&self) -> Vec<Waiting> {
        outbox::next(self.desk.database.pool(), 100).await.unwrap()
    }

    async fn promised_kinds(&self) -> Vec<String> {
        let kind = |row: &Waiting| -> NotificationRequest { serde_json::from_str(&row.request).unwrap() };
        self.promised().await.iter().filter_map(|row| kind(row).kind).collect()
    }
}

#[tokio::test]
async fn each_step_is_written_with_its_notification_in_order() {
    let office = office().await;
    let Office { desk, admin, developer, client, .. } = &office;
    let ticket = desk.report(client, &office.report(), None).await.unwrap();
    assert_eq!(ticket.resolution_due_at.millis_since(ticket.created_at), 24 * 3_600_000);
    let steps = [
        (admin, Step::Open),
        (admin, Step::Assign(vec![developer.id])),
        (developer, Step::Start),
        (developer, Step::Finish),
        (client, Step::Reject("No".into())),
        (developer, Step::Finish),
        (client, Step::Approve),
    ];
    for (who, step) in &steps {
        desk.step(who, ticket.id, step, None).await.unwrap();
    }
    assert_eq!(
        office.promised_kinds().await,
        [
            "ticket_created",
            "ticket_opened",
            "ticket_assigned",
            "work_started",
            "work_finished",
            "ticket_rejected",
            "work_finished",
            "ticket_approved"
        ]
    );
    let (ticket, timeline) = desk.ticket(admin, ticket.id).await.unwrap();
    assert_eq!(ticket.status, Status::Closed);
    assert_eq!(ticket.rejection_comment.as_deref(), Some("No"));
    let kinds: Vec<_> = timeline.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["created", "opened", "assigned", "started", "finished", "rejected", "finished", "approved"]
    );
}

#[tokio::test]
async fn a_refused_move_writes_and_promises_nothing() {
    let office = office().await;
    let Office { desk, admin, client, .. } = &office;
    let ticket = desk.report(client, &office.report(), None).await.unwrap();
    let refused = desk.step(admin, ticket.id, &Step::Assign(vec![]), None).await.unwrap_err();
    assert_eq!(refused.status(), 409);
    assert_eq!(
        refused.to_string(),
        "a ticket that is NEW cannot be moved by \"assign\"; possible now: \"open\""
    );
    let refused = desk.step(client, ticket.id, &Step::Open, None).await.unwrap_err();
    assert_eq!(refused.status(), 403);
    desk.step(admin, ticket.id, &Step::Open, None).await.unwrap();
    let refused = desk.step(admin, ticket.id, &Step::Assign(vec![client.id]), None).await.unwrap_err();
    assert_eq!(refused.to_string(), "developer_ids: 3 is not a developer");
    assert_eq!(office.promised_kinds().await, ["ticket_created", "ticket_opened"]);
    let (ticket, timeline) = desk.ticket(admin, ticket.id).await.unwrap();
    assert!(ticket.assigned_to.is_empty());
    assert_eq!(timeline.len(), 2);
}

#[tokio::test]
async fn assigning_again_tells_only_who_is_new() {
    let office = office().await;
    let Office { desk, admin, developer, client, .. } = &office;
    let eve = add(desk, "Eve", &[Role::Admin, Role::Developer]).await;
    let ticket = desk.report(client, &office.report(), None).await.unwrap();
    desk.step(admin, ticket.id, &Step::Open, None).await.unwrap();
    for developers in [vec![developer.id], vec![developer.id, eve.id], vec![eve.id]] {
        desk.step(admin, ticket.id, &Step::Assign(developers), None).await.unwrap();
    }
    let told: Vec<NotificationRequest> =
        office.promised().await.iter().map(|row| serde_json::from_str(&row.request).unwrap()).collect();
    let to: Vec<String> = told[2..]
        .iter()
        .map(|request| request.to.as_slice().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        .collect();
    // The third assignment takes Dev away and brings nobody new: nobody is told.
    assert_eq!(to, ["user:2", "user:4"]);
    let (ticket, _) = desk.ticket(admin, ticket.id).await.unwrap();
    assert_eq!(ticket.assigned_to.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Eve"]);
    assert_eq!(desk.ticket(developer, ticket.id).await.unwrap_err().status(), 403);
}

#[tokio::test]
async fn a_submission_sent_twice_is_carried_out_once() {
    let office = office().await;
    let Office { desk, admin, client, .. } = &office;
    let key = SubmissionKey::new("form-1").unwrap();
    let first = desk.report(client, &office.report(), Some(&key)).await.unwrap();
    let second = desk.report(client, &office.report(), Some(&key)).await.unwrap();
    assert_eq!(first.id, second.id);
    let other = Report { title: "Something else".into(), ..office.report() };
    assert_eq!(desk.report(client, &other, Some(&key)).await.unwrap_err().code(), "idempotency_mismatch");

    // Keys are each person's own.
    desk.step(admin, first.id, &Step::Open, Some(&key)).await.unwrap();
    desk.step(admin, first.id, &Step::Open, Some(&key)).await.unwrap();
    let unnamed = desk.step(admin, first.id, &Step::Open, None).await.unwrap_err();
    assert_eq!(unnamed.status(), 409);

    let said = SubmissionKey::new("form-2").unwrap();
    desk.comment(client, first.id, "Hello?", Some(&said)).await.unwrap();
    desk.comment(client, first.id, "Hello?", Some(&said)).await.unwrap();
    assert_eq!(desk.ticket(client, first.id).await.unwrap().1.len(), 3);
    assert_eq!(office.promised_kinds().await, ["ticket_created", "ticket_opened"]);
}

#[tokio::test]
async fn two_people_cannot_make_the_same_move() {
    let office = office().await;
    let Office { desk, admin, client, .. } = &office;
    let ticket = desk.report(client, &office.report(), None).await.unwrap();
    let outcomes = tokio::join!(
        desk.step(admin, ticket.id, &Step::Open, None),
        desk.step(admin, ticket.id, &Step::Open, None),
        desk.step(admin, ticket.id, &Step::Open, None),
    );
    let done = [outcomes.0.is_ok(), outcomes.1.is_ok(), outcomes.2.is_ok()];
    assert_eq!(done.iter().filter(|ok| **ok).count(), 1);
    assert_eq!(office.promised_kinds().await, ["ticket_created", "ticket_opened"]);
}

#[tokio::test]
async fn everybody_sees_their_own_tickets() {
    let office = office().await;
    let Office { desk, admin, developer, client, .. } = &office;
    let stranger = add(desk, "Sam", &[Role::Client]).await;
    let first = desk.report(client, &office.report(), None).await.unwrap();
    desk.report(client, &office.report(), None).await.unwrap();
    desk.step(admin, first.id, &Step::Open, None).await.unwrap();
    desk.step(admin, first.id, &Step::Assign(vec![developer.id]), None).await.unwrap();
    for (person, expected) in [(admin, 2), (client, 2), (developer, 1), (&stranger, 0)] {
        let seen = desk.tickets(Desk::visible_to(person)).await.unwrap();
        assert_eq!(seen.len(), expected, "{}", person.name);
        let counted: i64 = desk.counts(person).await.unwrap().iter().map(|(_, count)| count).sum();
        assert_eq!(usize::try_from(counted).unwrap(), expected, "{}", person.name);
    }
    assert_eq!(desk.ticket(&stranger, first.id).await.unwrap_err().status(), 403);
    assert_eq!(desk.comment(&stranger, first.id, "Hi", None).await.unwrap_err().status(), 403);
    let outside = desk.report(&stranger, &office.report(), None).await.unwrap_err();
    assert_eq!(outside.to_string(), "you do not belong to this project");
    assert_eq!(desk.ticket(admin, TicketId(99)).await.unwrap_err().status(), 404);
}
