//! Where streams stand, for one and for many.

use oyez_protocol::RoleName;
use oyez_store::UserProfile;

use crate::support::{Fixture, at, draft, topic, user};

#[tokio::test]
async fn a_standing_has_counts_roles_and_topics() {
    let fixture = Fixture::new().await;
    let role = |name| RoleName::new(name).unwrap();
    let profile = UserProfile { roles: Some(vec![role("b"), role("a")]), ..UserProfile::new(user("x")) };
    let change = fixture.store.write(move |tx| {
        Box::pin(async move {
            tx.put_user(&profile, at(0)).await?;
            tx.set_token_roles(&user("x"), &[role("a"), role("t")], at(0)).await
        })
    });
    assert!(change.await.unwrap());
    fixture.member("two", "x", true).await;
    fixture.member("one", "x", true).await;
    fixture.publish(draft("role:t role:a")).await;
    let standing = fixture.store.standing(&user("x")).await.unwrap();
    assert_eq!((standing.head.0, standing.unread, standing.unseen, standing.kept_after.0), (1, 1, 1, 0));
    assert_eq!(standing.roles, [role("a"), role("b")]);
    assert_eq!(standing.token_roles, [role("a"), role("t")]);
    assert_eq!(standing.topics, [topic("one"), topic("two")]);
    assert!(!standing.disabled);
}

#[tokio::test]
async fn many_are_answered_in_their_order_unknown_ones_with_zeros() {
    let fixture = Fixture::new().await;
    fixture.publish(draft("user:a user:b")).await;
    let asked = [user("b"), user("nobody"), user("a"), user("b")];
    let standings = fixture.store.standings(&asked).await.unwrap();
    let got: Vec<_> = standings.iter().map(|one| (one.user.clone(), one.head.0)).collect();
    assert_eq!(got, [(user("b"), 1), (user("nobody"), 0), (user("a"), 1), (user("b"), 1)]);
}

#[tokio::test]
async fn thousands_of_callers_at_once_are_each_answered() {
    let fixture = Fixture::new().await;
    fixture.publish(draft("user:u7")).await;
    let callers: Vec<_> = (0..3_000)
        .map(|number| {
            let store = fixture.store.clone();
            tokio::spawn(async move { store.standing(&user(&format!("u{number}"))).await.unwrap() })
        })
        .collect();
    for (number, caller) in callers.into_iter().enumerate() {
        let standing = caller.await.unwrap();
        assert_eq!(standing.user, user(&format!("u{number}")));
        assert_eq!(standing.head.0, u64::from(number == 7));
    }
}
