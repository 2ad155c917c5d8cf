use oyez::users::UsersError;
use oyez_protocol::{ErrorCode, RoleName, TopicName};
use oyez_store::{UserFilter, UserProfile};
use serde_json::json;

use crate::world::{World, user};

fn roles(names: &[&str]) -> Vec<RoleName> {
    names.iter().map(|name| RoleName::new(name).unwrap()).collect()
}

#[tokio::test]
async fn roles_of_the_application_and_of_the_token_count_together() {
    let mut world = World::new().await;
    let profile = UserProfile { roles: Some(roles(&["admin"])), ..UserProfile::new(user("ann")) };
    world.users.put(profile).await.unwrap();
    assert_eq!(world.heard(), ["roles ann admin"]);
    world.users.set_token_roles(&user("ann"), roles(&["dev", "admin"])).await.unwrap();
    assert_eq!(world.heard(), ["roles ann admin,dev"]);
    world.users.set_token_roles(&user("ann"), roles(&["admin", "dev"])).await.unwrap();
    assert!(world.heard().is_empty(), "the same roles again");
    assert_eq!(world.publish(json!({"to": "role:dev", "message": "m"})).await.recipients, 1);
    world.heard();

    let renamed = UserProfile { name: Some("Ann".into()), ..UserProfile::new(user("ann")) };
    let stored = world.users.put(renamed).await.unwrap();
    assert_eq!((stored.name.as_deref(), stored.roles), (Some("Ann"), roles(&["admin"])));
    assert!(world.heard().is_empty(), "the profile said nothing about roles");
}

#[tokio::test]
async fn a_profile_that_is_refused_changes_nobody() {
    let world = World::new().await;
    let profiles = vec![
        UserProfile::new(user("ann")),
        UserProfile { email: Some("no address".into()), ..UserProfile::new(user("bob")) },
    ];
    let refused = world.users.put_all(profiles).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Invalid);
    assert!(world.users.list(None, 10, &UserFilter::default()).await.unwrap().is_empty());
    let many = (0..101).map(|n| RoleName::new(&format!("r{n}")).unwrap()).collect();
    let refused = world
        .users
        .put(UserProfile { roles: Some(many), ..UserProfile::new(user("ann")) })
        .await
        .unwrap_err();
    assert_eq!(refused.to_string(), "\"roles\" may name 100 roles at most, not 101");
}

#[tokio::test]
async fn shutting_out_and_erasing_end_connections() {
    let mut world = World::new().await;
    assert!(matches!(world.users.disable(&user("ann")).await, Err(UsersError::NotFound(_))));
    assert!(world.heard().is_empty());
    world.tell("user:ann").await;
    world.heard();
    world.users.disable(&user("ann")).await.unwrap();
    assert_eq!(world.heard(), ["revoked ann false"]);
    assert!(world.users.get(&user("ann")).await.unwrap().disabled);
    world.users.enable(&user("ann")).await.unwrap();
    assert!(world.heard().is_empty());

    assert!(world.users.erase(&user("ann")).await.unwrap());
    assert_eq!(world.heard(), ["revoked ann false"]);
    assert!(matches!(world.users.get(&user("ann")).await, Err(UsersError::NotFound(_))));
    assert!(world.seqs("ann").await.is_empty());
    assert!(!world.users.erase(&user("ann")).await.unwrap());
}

#[tokio::test]
async fn a_membership_is_announced_when_it_changes() {
    let mut world = World::new().await;
    let topic = TopicName::new("business-7").unwrap();
    assert!(world.users.join(&topic, &user("ann")).await.unwrap());
    assert!(!world.users.join(&topic, &user("ann")).await.unwrap());
    assert_eq!(world.heard(), ["member business-7 ann true"]);
    assert_eq!(world.users.members(&topic, None, 10).await.unwrap(), [user("ann")]);
    assert!(world.users.is_member(&topic, &user("ann")).await.unwrap());
    assert!(world.users.leave(&topic, &user("ann")).await.unwrap());
    assert!(!world.users.leave(&topic, &user("ann")).await.unwrap());
    assert_eq!(world.heard(), ["member business-7 ann false"]);
}
