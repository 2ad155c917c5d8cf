//! What a crash between the two databases leaves, and how the next start mends it.

use incidents::{
    app::database_path,
    database::{Database, outbox},
    desk::{Desk, Report, Step},
    people::{Mention, Person, PersonId, Role},
    ticket::{Category, Priority, ProjectId},
};
use oyez::{Oyez, protocol::api::publish::NotificationRequest};
use oyez_core::clock::Clock;

use crate::{live::Live, office::Office};

fn somebody(id: i64, name: &str, roles: &[Role]) -> Person {
    let Mention { id, name } = Mention { id: PersonId(id), name: name.into() };
    Person { id, email: String::new(), name, roles: roles.to_vec() }
}

/// A desk on the application's tables with nobody to publish: as if the process died right after each commit.
async fn doomed_desk(data: &std::path::Path) -> (Database, Desk) {
    let database = Database::open(&database_path(data)).await.unwrap();
    (database.clone(), Desk::new(database, Clock::system()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_a_crash_is_told_after_it() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, _, carla]) = Office::staffed(data.path()).await;
    office.close().await;

    let (database, desk) = doomed_desk(data.path()).await;
    let report = Report {
        project: ProjectId(1),
        title: "T".into(),
        description: "D".into(),
        priority: Priority::Low,
        category: Category::Question,
    };
    let ticket = desk.report(&somebody(3, "Carla", &[Role::Client]), &report, None).await.unwrap();
    desk.step(&somebody(1, "Ada", &[Role::Admin]), ticket.id, &Step::Open, None).await.unwrap();
    assert_eq!(outbox::count_waiting(database.pool()).await.unwrap(), 2);
    database.close().await;

    let office = Office::open(data.path()).await;
    for (who, kind) in [(&ada, "ticket_created"), (&carla, "ticket_opened")] {
        let mut live = Live::open(&office.base, &format!("token={}&since=0", who.token), &[]).await;
        assert_eq!(live.frame().await["type"], kind);
        live.seq += 1;
        office.nobody_heard_more(&mut [(who, &mut live)]).await;
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_but_not_crossed_off_is_not_told_twice() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, ..]) = Office::staffed(data.path()).await;
    office.close().await;

    let (database, desk) = doomed_desk(data.path()).await;
    let report = Report {
        project: ProjectId(1),
        title: "T".into(),
        description: "D".into(),
        priority: Priority::Low,
        category: Category::Question,
    };
    desk.report(&somebody(3, "Carla", &[Role::Client]), &report, None).await.unwrap();
    let waiting = outbox::next(database.pool(), 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    database.close().await;
    // The relay got as far as Oyez's answer, then the process died: the row is still there.
    let oyez = Oyez::builder().data_dir(data.path().join("oyez")).open().await.unwrap();
    let mut request: NotificationRequest = serde_json::from_str(&waiting[0].request).unwrap();
    request.idempotency_key = Some(waiting[0].key.clone());
    assert_eq!(oyez.publish(request).await.unwrap().recipients, 1);
    oyez.shutdown().await;

    let office = Office::open(data.path()).await;
    let database = Database::open(&database_path(data.path())).await.unwrap();
    let mut patience = 600;
    while outbox::count_waiting(database.pool()).await.unwrap() > 0 {
        patience -= 1;
        assert!(patience > 0, "the relay crosses off what it published");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    database.close().await;
    let mut live = Live::open(&office.base, &format!("token={}&since=0", ada.token), &[]).await;
    assert_eq!(live.frame().await["type"], "ticket_created");
    live.seq += 1;
    office.nobody_heard_more(&mut [(&ada, &mut live)]).await;
    drop(live);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let above = tempfile::tempdir().unwrap();
    let data = above.path().join("made");
    let (office, _) = Office::staffed(&data).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut databases = 0;
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.to_string_lossy().contains("incidents.db") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            databases += 1;
        }
    }
    assert!(databases >= 1, "the database, and what SQLite keeps beside it");
    office.close().await;
}
