//! Who may do what. Pure: roles, memberships and patterns in, yes or no out.
//!
//! API keys are checked by their scopes, at the edge; this is about people.

use oyez_protocol::{Audience, RoleName, TopicName, UserId};

/// What the configuration says about access.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Roles that may open the dashboard and see every topic.
    pub dashboard_roles: Vec<RoleName>,
    /// Topics anybody who is signed in may subscribe to: names in which `*` stands for any text.
    pub open_topics: Vec<String>,
    /// Roles that may hear what Oyez says of its own work: topics that begin with [`OWN_TOPICS`].
    pub admin_roles: Vec<RoleName>,
}

/// How the names of topics begin that Oyez itself speaks to. They have no members, and nobody else speaks there.
pub const OWN_TOPICS: &str = "oyez.";

/// Whether Oyez itself speaks to a topic.
pub fn is_own(topic: &TopicName) -> bool {
    topic.as_str().starts_with(OWN_TOPICS)
}

/// What is known of a user when a right is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// Who.
    pub user: &'a UserId,
    /// Set by the application or claimed by the token.
    pub roles: &'a [RoleName],
}

/// What a user's roles allow on all their live connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// The dashboard, and every topic of people.
    pub dashboard: bool,
    /// What Oyez says of its own work.
    pub own_topics: bool,
}

impl Rules {
    /// What this user's roles allow.
    pub fn rights(&self, person: Person<'_>) -> Rights {
        Rights { dashboard: self.may_open_dashboard(person), own_topics: self.may_hear_own(person) }
    }

    /// Whether the dashboard's stream is for this user.
    pub fn may_open_dashboard(&self, person: Person<'_>) -> bool {
        person.roles.iter().any(|role| self.dashboard_roles.contains(role))
    }

    /// Whether a board is for this user: one that names no roles is for those who may open the dashboard.
    pub fn may_see_board(&self, person: Person<'_>, roles: Option<&[RoleName]>) -> bool {
        let roles = self.roles_of_board(roles);
        person.roles.iter().any(|role| roles.contains(role))
    }

    /// The roles that may see a board.
    pub fn roles_of_board<'a>(&'a self, roles: Option<&'a [RoleName]>) -> &'a [RoleName] {
        roles.unwrap_or(&self.dashboard_roles)
    }

    /// Whether what Oyez says of its own work is for this user.
    pub fn may_hear_own(&self, person: Person<'_>) -> bool {
        person.roles.iter().any(|role| self.admin_roles.contains(role))
    }

    /// Whether a topic's events may reach this user.
    pub fn may_subscribe(&self, person: Person<'_>, topic: &TopicName, is_member: bool) -> bool {
        if is_own(topic) {
            return self.may_hear_own(person);
        }
        is_member
            || self.may_open_dashboard(person)
            || self.open_topics.iter().any(|pattern| matches(pattern, topic.as_str()))
    }

    /// Whether this user may signal to a topic's members: whoever may listen may speak, but where Oyez does.
    pub fn may_signal(&self, person: Person<'_>, topic: &TopicName, is_member: bool) -> bool {
        !is_own(topic) && self.may_subscribe(person, topic, is_member)
    }

    /// Whether this user, without an API key, may publish to these audiences: anybody to themselves, holders of a
    /// dashboard role to all.
    pub fn may_publish(&self, person: Person<'_>, to: &[Audience]) -> bool {
        let themselves =
            |audience: &Audience| matches!(audience, Audience::User(user) if user == person.user);
        to.iter().all(themselves) || self.may_open_dashboard(person)
    }
}

/// Whether `name` is described by `pattern`, in which each `*` stands for any text, also none.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return left.ends_with(piece);
        }
        // The earliest match leaves the most to the pieces that follow.
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> Rules {
        Rules {
            dashboard_roles: vec![RoleName::new("admin").unwrap(), RoleName::new("super_admin").unwrap()],
            open_topics: vec!["public-*".into(), "news".into()],
            admin_roles: vec![RoleName::new("operator").unwrap()],
        }
    }

    #[test]
    fn what_oyez_says_of_its_own_work_is_for_admins_and_only_oyez_says_it() {
        let rules = Rules { open_topics: vec!["*".into()], ..rules() };
        let user = UserId::new("u").unwrap();
        let own = TopicName::new("oyez.deliveries").unwrap();
        for (role, is_member, expected) in
            [("admin", true, false), ("x", true, false), ("operator", false, true)]
        {
            let roles = [RoleName::new(role).unwrap()];
            let person = Person { user: &user, roles: &roles };
            assert_eq!(rules.may_subscribe(person, &own, is_member), expected, "{role}");
            assert!(!rules.may_signal(person, &own, is_member), "{role}");
        }
        let similar = TopicName::new("oyez-news").unwrap();
        assert!(rules.may_subscribe(Person { user: &user, roles: &[] }, &similar, false));
    }

    #[test]
    fn members_dashboard_roles_and_open_topics_may_be_heard() {
        let table = [
            // roles, topic, member, may subscribe
            (&["client"][..], "business-7", false, false),
            (&["client"], "business-7", true, true),
            (&["client", "admin"], "business-7", false, true),
            (&["Admin"], "business-7", false, false),
            (&[], "public-square", false, true),
            (&[], "public-", false, true),
            (&[], "republic-1", false, false),
            (&[], "news", false, true),
            (&[], "news-2", false, false),
        ];
        let user = UserId::new("u").unwrap();
        for (roles, topic, is_member, expected) in table {
            let roles: Vec<_> = roles.iter().map(|role| RoleName::new(role).unwrap()).collect();
            let person = Person { user: &user, roles: &roles };
            let topic_name = TopicName::new(topic).unwrap();
            assert_eq!(rules().may_subscribe(person, &topic_name, is_member), expected, "{topic} {roles:?}");
            assert_eq!(rules().may_signal(person, &topic_name, is_member), expected, "{topic} {roles:?}");
        }
    }

    #[test]
    fn a_person_publishes_to_themselves_and_admins_to_all() {
        let (user, admin) = (UserId::new("u").unwrap(), [RoleName::new("admin").unwrap()]);
        let to = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<Audience>>();
        let plain = Person { user: &user, roles: &[] };
        assert!(rules().may_publish(plain, &to(&["user:u"])));
        assert!(!rules().may_publish(plain, &to(&["user:u", "user:v"])));
        assert!(!rules().may_publish(plain, &to(&["everyone"])));
        assert!(rules().may_publish(Person { user: &user, roles: &admin }, &to(&["everyone", "role:x"])));
        assert!(!rules().may_open_dashboard(plain));
    }

    #[test]
    fn a_board_is_for_the_roles_it_names_and_for_no_others() {
        let user = UserId::new("u").unwrap();
        let roles =
            |names: &[&str]| names.iter().map(|name| RoleName::new(name).unwrap()).collect::<Vec<_>>();
        let table = [
            (&["admin"][..], None, true),
            (&["reviewer"], None, false),
            (&["reviewer"], Some(&["reviewer", "boss"][..]), true),
            (&["admin"], Some(&["reviewer"]), false),
            (&["admin"], Some(&[]), false),
            (&[], None, false),
        ];
        for (held, named, expected) in table {
            let (held, named) = (roles(held), named.map(roles));
            let person = Person { user: &user, roles: &held };
            assert_eq!(rules().may_see_board(person, named.as_deref()), expected, "{held:?} {named:?}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        let yes = [
            ("*", ""),
            ("*", "a"),
            ("a*", "a"),
            ("a*c", "abc"),
            ("a*c*e", "abcde"),
            ("*b*", "abc"),
            ("", ""),
        ];
        let no = [("a*", "ba"), ("a*c", "ab"), ("a*a", "a"), ("ab*ba", "aba"), ("", "x"), ("a**b", "a")];
        for (pattern, name) in yes {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in no {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn cutting_any_part_out_for_a_star_still_matches(name in "[a-c]{0,12}", a in 0..13_usize, b in 0..13_usize) {
            let (a, b) = (a.min(name.len()), b.min(name.len()));
            let pattern = format!("{}*{}", &name[..a.min(b)], &name[a.max(b)..]);
            prop_assert!(matches(&pattern, &name));
            let longer = format!("x{pattern}");
            prop_assert!(!matches(&longer, &name));
        }
    }
}
