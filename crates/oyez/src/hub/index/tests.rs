use super::*;

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

fn reached(index: &Index, audience: &[&str], except: Option<&str>) -> Vec<Slot> {
    let audience: Vec<Audience> = audience.iter().map(|text| text.parse().unwrap()).collect();
    let mut found = Vec::new();
    index.audience(&audience, except.map(user).as_ref(), &mut found);
    found
}

/// alice (admin, in `red`) on 1 and 2, bob (in `red`) on 3, carol on 4; 5 is alice's dashboard.
fn index() -> Index {
    let mut index = Index::default();
    for (name, slot, stream) in
        [("alice", 1, true), ("alice", 2, true), ("bob", 3, true), ("carol", 4, true), ("alice", 5, false)]
    {
        index.add(&user(name), slot, stream);
    }
    index.subscribe(5, &topic("dashboard"), Grant::Role);
    index.read(&user("alice"), 0, &[role("admin")], &[topic("red")]);
    index.read(&user("bob"), 0, &[], &[topic("red")]);
    index.read(&user("carol"), 0, &[], &[]);
    index
}

#[test]
fn each_audience_means_its_connections_once() {
    let index = index();
    assert_eq!(reached(&index, &["user:alice"], None), [1, 2]);
    assert_eq!(reached(&index, &["role:admin", "topic:red", "user:alice"], None), [1, 2, 3]);
    assert_eq!(reached(&index, &["everyone"], None), [1, 2, 3, 4]);
    assert_eq!(reached(&index, &["topic:dashboard"], None), [5], "a dashboard hears what it subscribed to");
    assert_eq!(reached(&index, &["topic:red"], Some("alice")), [3], "a signal is not echoed to its sender");
    assert!(reached(&index, &["user:nobody", "role:none", "topic:none"], None).is_empty());
}

#[test]
fn roles_and_memberships_change_while_people_are_connected() {
    let mut index = index();
    index.announce_roles(&user("bob"), &[role("admin")]);
    index.announce_roles(&user("alice"), &[]);
    assert_eq!(reached(&index, &["role:admin"], None), [3]);
    index.announce_member(&topic("red"), &user("carol"), true);
    index.announce_member(&topic("red"), &user("bob"), false);
    assert_eq!(reached(&index, &["topic:red"], None), [1, 2, 4]);
}

#[test]
fn an_older_reading_does_not_undo_what_was_announced() {
    let mut index = index();
    let version = index.version(&user("bob"));
    index.announce_roles(&user("bob"), &[role("admin")]);
    index.announce_member(&topic("blue"), &user("bob"), true);
    index.read(&user("bob"), version, &[], &[topic("red")]);
    assert_eq!(reached(&index, &["role:admin"], None), [1, 2, 3]);
    assert_eq!(reached(&index, &["topic:blue"], None), [3]);
    let version = index.version(&user("bob"));
    index.read(&user("bob"), version, &[], &[topic("green")]);
    assert!(reached(&index, &["topic:blue"], None).is_empty(), "a fresh reading heals what was lost");
    assert_eq!(reached(&index, &["topic:green"], None), [3]);
}

#[test]
fn what_is_announced_before_the_first_reading_stays_true() {
    let mut index = Index::default();
    index.add(&user("dan"), 9, true);
    index.announce_member(&topic("red"), &user("dan"), false);
    index.announce_member(&topic("new"), &user("dan"), true);
    index.announce_roles(&user("dan"), &[role("late")]);
    index.read(&user("dan"), 0, &[role("early")], &[topic("red"), topic("old")]);
    assert!(reached(&index, &["topic:red", "role:early"], None).is_empty());
    for audience in ["topic:new", "topic:old", "role:late"] {
        assert_eq!(reached(&index, &[audience], None), [9], "{audience}");
    }
}

#[test]
fn a_connection_may_mute_a_topic_and_hear_it_again() {
    let mut index = index();
    index.unsubscribe(1, &topic("red"));
    assert_eq!(reached(&index, &["topic:red"], None), [2, 3]);
    index.subscribe(1, &topic("red"), Grant::Member);
    index.subscribe(4, &topic("red"), Grant::Open);
    assert_eq!(reached(&index, &["topic:red"], None), [1, 2, 3, 4]);
    assert_eq!(index.choices(4), 1);
}

#[test]
fn nothing_is_left_when_everybody_has_gone() {
    let mut index = index();
    for (name, slot) in [("alice", 1), ("alice", 2), ("bob", 3), ("carol", 4), ("alice", 5)] {
        index.remove(&user(name), slot);
    }
    assert!(index.people.is_empty() && index.by_name.is_empty() && index.roles.is_empty());
    assert!(index.members.is_empty() && index.subscribers.is_empty() && index.choices.is_empty());
}

#[test]
fn a_subscription_ends_with_what_allowed_it() {
    let mut index = index();
    index.subscribe(3, &topic("red"), Grant::Member);
    index.subscribe(3, &topic("blue"), Grant::Role);
    index.subscribe(3, &topic("open"), Grant::Open);
    index.announce_member(&topic("red"), &user("bob"), false);
    assert_eq!(reached(&index, &["topic:red"], None), [1, 2]);
    index.revoke(&user("bob"), Grant::Role, None);
    assert!(reached(&index, &["topic:blue"], None).is_empty());
    assert_eq!(reached(&index, &["topic:open"], None), [3]);
}
