//! Users, roles, topics, keys and answers that are remembered.

use oyez_protocol::RoleName;
use oyez_protocol::SessionId;
use oyez_store::{ApiKey, NewKey, NewSession, StoreError, User, UserFilter, UserProfile};
use uuid::Uuid;

use crate::support::{Fixture, at, draft, topic, user};

fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

async fn put(fixture: &Fixture, profile: UserProfile) -> User {
    let change = fixture.store.write(move |tx| Box::pin(async move { tx.put_user(&profile, at(0)).await }));
    change.await.unwrap()
}

async fn set_password(fixture: &Fixture, name: &str, hash: Option<&'static str>) -> Result<(), StoreError> {
    let user = user(name);
    fixture.store.write(move |tx| Box::pin(async move { tx.set_password(&user, hash).await })).await
}

#[tokio::test]
async fn what_a_profile_does_not_say_stays_as_it_was() {
    let fixture = Fixture::new().await;
    let full = UserProfile {
        name: Some("Ada".into()),
        email: Some("Ada@Example.org".into()),
        locale: Some("en".into()),
        time_zone: Some("Europe/London".into()),
        roles: Some(vec![role("admin"), role("dev")]),
        ..UserProfile::new(user("ada"))
    };
    put(&fixture, full).await;
    let renamed = UserProfile {
        name: Some("A. L.".into()),
        locale: Some(String::new()),
        ..UserProfile::new(user("ada"))
    };
    let got = put(&fixture, renamed).await;
    assert_eq!((got.name.as_deref(), got.email.as_deref()), (Some("A. L."), Some("Ada@Example.org")));
    assert_eq!((got.locale, got.roles.clone()), (None, vec![role("admin"), role("dev")]));
    let fewer = UserProfile { roles: Some(vec![role("dev")]), ..UserProfile::new(user("ada")) };
    assert_eq!(put(&fixture, fewer).await.roles, [role("dev")]);
    assert_eq!(fixture.store.user(&user("ada")).await.unwrap().unwrap().roles, [role("dev")]);
    assert!(fixture.store.user(&user("nobody")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_login_name_is_an_id_or_an_unshared_e_mail_address() {
    let fixture = Fixture::new().await;
    for (name, email) in [("a", "One@x.org"), ("b", "two@x.org"), ("c", "two@x.org"), ("d", "none@x.org")] {
        put(&fixture, UserProfile { email: Some(email.into()), ..UserProfile::new(user(name)) }).await;
    }
    for name in ["a", "b", "c"] {
        set_password(&fixture, name, Some("$argon2id$")).await.unwrap();
    }
    let found = |login: &'static str| {
        let store = &fixture.store;
        async move { store.credentials(login).await.unwrap().map(|one| one.user.to_string()) }
    };
    assert_eq!(found("a").await.as_deref(), Some("a"));
    assert_eq!(found("ONE@X.ORG").await.as_deref(), Some("a"));
    assert_eq!(found("two@x.org").await, None);
    assert_eq!(found("d").await, None);
    assert!(matches!(set_password(&fixture, "nobody", None).await, Err(StoreError::NotFound(_))));
    set_password(&fixture, "a", None).await.unwrap();
    assert_eq!(found("a").await, None);
}

#[tokio::test]
async fn lists_go_page_by_page_and_filter() {
    let fixture = Fixture::new().await;
    for name in ["a", "b", "c"] {
        put(&fixture, UserProfile { name: Some(format!("Name {name}")), ..UserProfile::new(user(name)) })
            .await;
    }
    put(&fixture, UserProfile { roles: Some(vec![role("admin")]), ..UserProfile::new(user("d")) }).await;
    let list = |after: Option<&'static str>, filter: UserFilter| {
        let store = &fixture.store;
        async move {
            let after = after.map(user);
            let users = store.users(after.as_ref(), 2, &filter).await.unwrap();
            users.iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(None, UserFilter::default()).await, ["a", "b"]);
    assert_eq!(list(Some("b"), UserFilter::default()).await, ["c", "d"]);
    assert_eq!(list(None, UserFilter { role: Some(role("admin")), ..UserFilter::default() }).await, ["d"]);
    assert_eq!(
        list(None, UserFilter { search: Some("NAME C".into()), ..UserFilter::default() }).await,
        ["c"]
    );
    assert!(list(None, UserFilter { disabled: Some(true), ..UserFilter::default() }).await.is_empty());
}

#[tokio::test]
async fn members_come_and_go() {
    let fixture = Fixture::new().await;
    assert!(fixture.member("t", "b", true).await);
    assert!(!fixture.member("t", "b", true).await);
    assert!(fixture.member("t", "a", true).await);
    assert!(fixture.member("u", "a", true).await);
    let members = fixture.store.members(&topic("t"), None, 1).await.unwrap();
    assert_eq!(members, [user("a")]);
    assert_eq!(fixture.store.members(&topic("t"), Some(&members[0]), 9).await.unwrap(), [user("b")]);
    assert_eq!(fixture.store.topics_of(&user("a")).await.unwrap(), [topic("t"), topic("u")]);
    assert!(fixture.member("t", "a", false).await);
    assert!(!fixture.member("t", "a", false).await);
    assert!(!fixture.store.is_member(&topic("t"), &user("a")).await.unwrap());
}

#[tokio::test]
async fn nothing_is_left_of_a_user_who_was_erased() {
    let mut fixture = Fixture::new().await;
    put(
        &fixture,
        UserProfile {
            roles: Some(vec![role("admin")]),
            name: Some("A".into()),
            ..UserProfile::new(user("a"))
        },
    )
    .await;
    fixture.member("t", "a", true).await;
    let session = NewSession {
        id: SessionId(Uuid::now_v7()),
        user: user("a"),
        refresh_hash: [1; 32],
        expires_at: at(99),
    };
    let id = session.id;
    fixture
        .store
        .write(move |tx| Box::pin(async move { tx.create_session(&session, at(0)).await }))
        .await
        .unwrap();
    for _ in 0..3 {
        let drafts = (0..900).map(|_| draft("user:a")).collect();
        fixture.store.publish_batch(drafts, fixture.landed.hook()).await.unwrap();
    }
    let shared = draft("user:a user:b");
    let mut later = draft("user:a user:c");
    later.send_at = Some(at(60));
    let (shared_id, later_id) = (shared.id, later.id);
    fixture.publish(shared).await;
    fixture.publish(later).await;

    assert!(fixture.store.erase_user(&user("a")).await.unwrap());
    assert!(!fixture.store.erase_user(&user("a")).await.unwrap());
    assert!(fixture.store.user(&user("a")).await.unwrap().is_none());
    assert!(fixture.store.session(id).await.unwrap().is_none());
    assert!(fixture.store.members(&topic("t"), None, 9).await.unwrap().is_empty());
    let left = fixture.store.receipts(shared_id, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|one| one.user.clone()).collect::<Vec<_>>(), [user("b")]);
    for id in [shared_id, later_id] {
        let audience = fixture.store.notification(id).await.unwrap().unwrap().audience;
        assert_eq!(audience.len(), 1);
        assert_ne!(audience[0].to_string(), "user:a");
    }
    let stats = fixture.store.stats().await.unwrap();
    assert_eq!((stats.users, stats.items, stats.notifications), (1, 1, 2));
    fixture.store.publish_due(at(60), 9, fixture.landed.hook()).await.unwrap();
    assert!(fixture.store.user(&user("a")).await.unwrap().is_none());
    // A new user of that name begins anew.
    fixture.publish(draft("user:a")).await;
    assert_eq!(fixture.items("a").await[0].0, 1);
    fixture.reopen().await;
    assert_eq!(fixture.items("a").await.len(), 1);
}

#[tokio::test]
async fn a_key_is_found_by_its_secret_until_it_is_revoked() {
    let fixture = Fixture::new().await;
    let key = NewKey {
        id: "k1".into(),
        name: "app".into(),
        secret_hash: [7; 32],
        scopes: vec!["publish".into(), "admin".into()],
    };
    let made: ApiKey = fixture
        .store
        .write(move |tx| Box::pin(async move { tx.create_key(&key, at(1)).await }))
        .await
        .unwrap();
    assert_eq!(fixture.store.key_by_hash(&[7; 32]).await.unwrap(), Some(made));
    assert!(fixture.store.key_by_hash(&[8; 32]).await.unwrap().is_none());
    let revoke = || fixture.store.write(|tx| Box::pin(async move { tx.revoke_key("k1", at(2)).await }));
    assert!(revoke().await.unwrap());
    assert!(!revoke().await.unwrap());
    assert!(fixture.store.key_by_hash(&[7; 32]).await.unwrap().is_none());
    assert_eq!(fixture.store.keys().await.unwrap()[0].revoked_at, Some(at(2)));
}

#[tokio::test]
async fn an_answer_is_remembered_for_a_day() {
    let fixture = Fixture::new().await;
    let remember = |seconds| {
        fixture.store.write(move |tx| {
            Box::pin(async move { tx.remember("key:a", "k", &[1; 32], "{\"id\":1}", at(seconds)).await })
        })
    };
    remember(0).await.unwrap();
    assert!(matches!(remember(1).await, Err(StoreError::Conflict(_))));
    let recall = |seconds| fixture.store.recall("key:a", "k", at(seconds));
    assert_eq!(recall(86_399).await.unwrap().unwrap().response, "{\"id\":1}");
    assert!(recall(86_400).await.unwrap().is_none());
    remember(86_400).await.unwrap();
    let purge = fixture.store.write(|tx| Box::pin(async move { tx.purge(at(200_000), 10).await }));
    assert_eq!(purge.await.unwrap(), 1);
}
