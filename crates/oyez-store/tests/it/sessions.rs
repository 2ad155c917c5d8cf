//! Logins, refresh tokens and tickets.

use oyez_protocol::{RoleName, SessionId};
use oyez_store::{NewSession, NewTicket, RefreshOutcome, TicketGrant};
use uuid::Uuid;

use crate::support::{Fixture, at, user};

async fn login(fixture: &Fixture) -> SessionId {
    let session = NewSession {
        id: SessionId(Uuid::now_v7()),
        user: user("a"),
        refresh_hash: [1; 32],
        expires_at: at(100),
    };
    let id = session.id;
    fixture
        .store
        .write(move |tx| Box::pin(async move { tx.create_session(&session, at(0)).await }))
        .await
        .unwrap();
    id
}

async fn rotate(fixture: &Fixture, old: u8, new: u8, second: i64) -> RefreshOutcome {
    let change = fixture.store.write(move |tx| {
        Box::pin(async move { tx.rotate_refresh(&[old; 32], &[new; 32], at(second), at(second + 100)).await })
    });
    change.await.unwrap()
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_second_use_ends_the_login() {
    let fixture = Fixture::new().await;
    let session = login(&fixture).await;
    let user = user("a");
    let rotated = RefreshOutcome::Rotated { session, user: user.clone() };
    assert_eq!(rotate(&fixture, 1, 2, 50).await, rotated);
    assert_eq!(rotate(&fixture, 2, 3, 120).await, rotated);
    assert_eq!(fixture.store.session(session).await.unwrap().unwrap().expires_at, at(220));
    assert_eq!(rotate(&fixture, 1, 4, 130).await, RefreshOutcome::Reused { session, user });
    assert_eq!(rotate(&fixture, 3, 5, 131).await, RefreshOutcome::Unknown);
    assert_eq!(fixture.store.session(session).await.unwrap().unwrap().revoked_at, Some(at(130)));
    assert_eq!(rotate(&fixture, 99, 5, 131).await, RefreshOutcome::Unknown);
}

#[tokio::test]
async fn an_old_refresh_token_has_expired() {
    let fixture = Fixture::new().await;
    login(&fixture).await;
    assert_eq!(rotate(&fixture, 1, 2, 100).await, RefreshOutcome::Expired);
}

#[tokio::test]
async fn a_logout_ends_the_login_once() {
    let fixture = Fixture::new().await;
    let session = login(&fixture).await;
    assert_eq!(fixture.store.session_of_refresh(&[1; 32]).await.unwrap().unwrap().id, session);
    let revoke =
        || fixture.store.write(move |tx| Box::pin(async move { tx.revoke_session(session, at(5)).await }));
    assert_eq!(revoke().await.unwrap(), Some(user("a")));
    assert_eq!(revoke().await.unwrap(), None);
    assert_eq!(rotate(&fixture, 1, 2, 6).await, RefreshOutcome::Unknown);
}

#[tokio::test]
async fn all_logins_of_a_user_end_at_once_and_only_theirs() {
    let fixture = Fixture::new().await;
    let session = login(&fixture).await;
    let revoke = |name: &'static str| {
        fixture.store.write(move |tx| Box::pin(async move { tx.revoke_sessions(&user(name), at(5)).await }))
    };
    assert_eq!(revoke("b").await.unwrap(), []);
    assert_eq!(revoke("a").await.unwrap(), [session]);
    assert_eq!(revoke("a").await.unwrap(), []);
    assert_eq!(rotate(&fixture, 1, 2, 6).await, RefreshOutcome::Unknown);
}

#[tokio::test]
async fn shutting_a_user_out_ends_their_logins() {
    let fixture = Fixture::new().await;
    let session = login(&fixture).await;
    let disable = |disabled| {
        fixture
            .store
            .write(move |tx| Box::pin(async move { tx.set_disabled(&user("a"), disabled, at(7)).await }))
    };
    assert!(disable(true).await.unwrap());
    assert!(!disable(true).await.unwrap());
    assert_eq!(fixture.store.session(session).await.unwrap().unwrap().revoked_at, Some(at(7)));
    assert!(fixture.store.standing(&user("a")).await.unwrap().disabled);
    assert!(disable(false).await.unwrap());
}

#[tokio::test]
async fn a_ticket_is_taken_once_and_in_time() {
    let fixture = Fixture::new().await;
    let grant = |roles| TicketGrant { user: user("a"), session: None, roles };
    let roles = Some(vec![RoleName::new("admin").unwrap()]);
    for (hash, roles) in [(1, roles.clone()), (2, None)] {
        let ticket = NewTicket { hash: [hash; 32], expires_at: at(60), grant: grant(roles) };
        let make =
            fixture.store.write(move |tx| Box::pin(async move { tx.create_ticket(&ticket, at(0)).await }));
        make.await.unwrap();
    }
    let take = |hash, second| {
        fixture.store.write(move |tx| Box::pin(async move { tx.take_ticket(&[hash; 32], at(second)).await }))
    };
    assert_eq!(take(1, 59).await.unwrap(), Some(grant(roles)));
    assert_eq!(take(1, 59).await.unwrap(), None);
    assert_eq!(take(2, 60).await.unwrap(), None);
}
