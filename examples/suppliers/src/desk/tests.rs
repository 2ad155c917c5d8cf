use futures_util::future::join_all;

use super::*;
use crate::{application::tests::typed, files::Files};

async fn desk() -> (tempfile::TempDir, Desk) {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("suppliers.db")).await.unwrap();
    let files = Files::open(directory.path().join("documents")).unwrap();
    // 2026-12-31T23:59:00Z.
    let (clock, _) = Clock::manual(Timestamp::from_millis(1_798_761_540_000));
    (directory, Desk::new(database, clock, files, "http://o.example/"))
}

#[tokio::test(flavor = "multi_thread")]
async fn tracking_codes_are_unique_and_without_gaps_also_when_many_apply_at_once() {
    let (_directory, desk) = desk().await;
    let form = typed().check().unwrap();
    let applied = join_all((0..40).map(|number| {
        let (desk, form) = (desk.clone(), form.clone());
        async move {
            if number % 4 == 3 {
                // One whose transaction does not get to its end.
                let mut tx = desk.database.write().await.unwrap();
                applications::insert(&mut tx, &form, desk.now()).await.unwrap();
                tx.rollback().await.unwrap();
                return None;
            }
            Some(desk.apply(&form, None).await.unwrap().tracking_code.to_string())
        }
    }))
    .await;
    let mut codes: Vec<String> = applied.into_iter().flatten().collect();
    codes.sort_unstable();
    let expected: Vec<String> = (1..=30).map(|number| format!("GCX-2026-{number:06}")).collect();
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn each_year_counts_from_one() {
    let (_directory, desk) = desk().await;
    let form = typed().check().unwrap();
    desk.apply(&form, None).await.unwrap();
    let mut tx = desk.database.write().await.unwrap();
    let next_year = desk.now().plus_seconds(60);
    let (_, code) = applications::insert(&mut tx, &form, next_year).await.unwrap();
    assert_eq!(code.as_str(), "GCX-2027-000001");
}

#[tokio::test]
async fn what_a_form_promises_is_written_with_it() {
    let (_directory, desk) = desk().await;
    desk.apply(&typed().check().unwrap(), None).await.unwrap();
    let waiting = outbox::next(desk.database.pool(), 100).await.unwrap();
    let kinds: Vec<String> = waiting
        .iter()
        .map(|row| match serde_json::from_str(&row.errand).unwrap() {
            Errand::Introduce { user, .. } => format!("introduce {user}"),
            Errand::Notify(request) => format!("notify {}", request.kind.unwrap()),
            Errand::Event(request) => format!("event {}", request.kind),
            Errand::Enqueue(request) => format!("enqueue {}", request.kind),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "introduce supplier-1",
            "event new_application",
            "notify new_application",
            "notify application_received",
            "event application_changed",
        ]
    );
}
