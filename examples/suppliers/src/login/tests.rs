use oyez_core::clock::ManualClock;

use super::*;
use crate::application::tests::typed;

async fn login() -> (tempfile::TempDir, Login, ManualClock) {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("suppliers.db")).await.unwrap();
    let (clock, hand) = Clock::manual(Timestamp::from_millis(1_790_000_000_000));
    (directory, Login::new(database, clock), hand)
}

/// A supplier with a temporary password.
async fn supplier(login: &Login) -> (PersonId, String) {
    let now = login.clock.now();
    let mut tx = login.database.write().await.unwrap();
    let form = typed().check().unwrap();
    let (application, _) = applications::insert(&mut tx, &form, now).await.unwrap();
    let new = NewPerson {
        email: &form.email,
        name: "Wile",
        role: Role::Supplier,
        password_hash: None,
        application: Some(application),
    };
    let person = people::insert(&mut tx, &new, now).await.unwrap().unwrap();
    let password = temporary_password();
    credentials::put(&mut tx, person, &hash(&password), temporary_until(now)).await.unwrap();
    tx.commit().await.unwrap();
    (person, password)
}

#[tokio::test]
async fn the_right_password_opens_and_a_session_ends_by_itself() {
    let (_directory, login, hand) = login().await;
    let added = login.add_staff("Ada@X.example", "Ada", "correct horse", Role::Admin).await.unwrap();
    let person = login.check(" ada@x.EXAMPLE ", "correct horse").await.unwrap();
    assert_eq!(person, added);
    let session = login.start(&person).await.unwrap();
    assert_eq!(login.resume(&session.secret).await.unwrap(), (person, session.csrf.clone()));
    assert_eq!(login.resume("guess").await.unwrap_err().status(), 401);
    hand.advance(SESSION_SECONDS);
    assert_eq!(login.resume(&session.secret).await.unwrap_err().status(), 401);
}

#[tokio::test]
async fn guessing_is_slowed_down_for_known_and_unknown_addresses_alike() {
    let (_directory, login, hand) = login().await;
    login.add_staff("ada@x.example", "Ada", "correct horse", Role::Admin).await.unwrap();
    for address in ["ada@x.example", "nobody@x.example"] {
        for _ in 0..MOST_FAILURES {
            let wrong = login.check(address, "wrong").await.unwrap_err();
            assert_eq!(wrong.to_string(), "wrong e-mail address or password");
        }
        assert_eq!(login.check(address, "correct horse").await.unwrap_err().status(), 429);
    }
    hand.advance(WINDOW_SECONDS);
    assert!(login.check("ada@x.example", "correct horse").await.is_ok());
}

#[tokio::test]
async fn a_temporary_password_opens_one_login_which_can_only_set_a_real_one() {
    let (_directory, login, _hand) = login().await;
    let (id, temporary) = supplier(&login).await;
    assert_eq!(login.check("wile@acme.example", "wrong").await.unwrap_err().status(), 401);
    let person = login.check("wile@acme.example", &format!(" {temporary}\n")).await.unwrap();
    assert!(person.must_set_password);
    assert_eq!(login.check("wile@acme.example", &temporary).await.unwrap_err().status(), 401);
    let (mine, other) = (login.start(&person).await.unwrap(), login.start(&person).await.unwrap());
    assert_eq!(login.set_password(id, &mine.secret, "short").await.unwrap_err().status(), 422);
    login.set_password(id, &mine.secret, "a long password").await.unwrap();
    let (person, _) = login.resume(&mine.secret).await.unwrap();
    assert!(!person.must_set_password);
    assert_eq!(login.resume(&other.secret).await.unwrap_err().status(), 401);
    assert_eq!(login.check("wile@acme.example", &temporary).await.unwrap_err().status(), 401);
    assert!(login.check("wile@acme.example", "a long password").await.is_ok());
}

#[tokio::test]
async fn a_temporary_password_runs_out_and_only_its_hash_is_kept() {
    let (_directory, login, hand) = login().await;
    let (_, temporary) = supplier(&login).await;
    let kept: Vec<u8> =
        sqlx::query_scalar("SELECT hash FROM credentials").fetch_one(login.database.pool()).await.unwrap();
    assert_eq!(kept, hash(&temporary));
    hand.advance(TEMPORARY_SECONDS);
    assert_eq!(login.check("wile@acme.example", &temporary).await.unwrap_err().status(), 401);
}

#[tokio::test]
async fn of_two_logins_at_once_with_a_temporary_password_one_succeeds() {
    let (_directory, login, _hand) = login().await;
    let (_, temporary) = supplier(&login).await;
    let tries = (0..4).map(|_| login.check("wile@acme.example", &temporary));
    let ended = futures_util::future::join_all(tries).await;
    assert_eq!(ended.iter().filter(|one| one.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_status_page_opens_with_code_and_address_and_is_silent_about_what_was_wrong() {
    let (_directory, login, _hand) = login().await;
    supplier(&login).await;
    assert!(login.visit("1.2.3.4", "gcx-2026-000001", " WILE@acme.example ").await.is_ok());
    let wrong = [("GCX-2026-000001", "eve@x.example"), ("GCX-2026-000002", "wile@acme.example"), ("x", "y")];
    for (code, address) in wrong {
        let refused = login.visit("1.2.3.4", code, address).await.unwrap_err();
        assert_eq!(refused.to_string(), "no application has this tracking code and address");
    }
    // From one place: no more tries, right or wrong.
    for _ in 0..MOST_FAILURES {
        drop(login.visit("1.2.3.4", "GCX-2026-000009", "a@b.example").await);
    }
    let refused = login.visit("1.2.3.4", "GCX-2026-000001", "wile@acme.example").await.unwrap_err();
    assert_eq!(refused.status(), 429);
    // From many places: no more tries for one code.
    for place in 0..MOST_FAILURES {
        drop(login.visit(&place.to_string(), "GCX-2026-000001", "a@b.example").await);
    }
    let refused = login.visit("5.6.7.8", "GCX-2026-000001", "wile@acme.example").await.unwrap_err();
    assert_eq!(refused.status(), 429);
}

#[test]
fn temporary_passwords_are_easy_to_type_and_never_the_same() {
    let password = temporary_password();
    assert_eq!(password.len(), 23);
    assert!(
        password
            .split('-')
            .all(|part| part.len() == 5 && !part.contains(['0', 'O', '1', 'l', 'I', 'o', 'i']))
    );
    assert_ne!(password, temporary_password());
}
