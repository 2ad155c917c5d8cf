//! Who is connected to this shard, and who an audience means: by user, by role, by topic, everybody.
//!
//! Roles and memberships belong to the user; topics that one connection subscribed to by itself, or muted, belong to
//! the connection. Plain look-ups over numbers: a connection is its slot in the shard.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

use oyez_core::access::is_own;
use oyez_protocol::{Audience, RoleName, TopicName, UserId};
use slab::Slab;

/// A connection's place in its shard.
pub(super) type Slot = u32;

/// A user with at least one connection here.
#[derive(Debug)]
struct Person {
    name: UserId,
    /// Those that receive what is addressed to the user; oldest first.
    streams: Vec<Slot>,
    /// All, those that receive only what they subscribed to included; oldest first.
    connections: Vec<Slot>,
    roles: Vec<RoleName>,
    topics: Vec<TopicName>,
    /// Counts the changes that were announced, so that an older reading does not undo them.
    version: u32,
    known: bool,
    /// Memberships announced before the first reading arrived.
    early: Vec<(TopicName, bool)>,
    roles_announced: bool,
}

/// Why a connection may hear a topic that it subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Its user is a member, for as long as that lasts.
    Member,
    /// Its user holds a role that may hear every topic, for as long as that lasts.
    Role,
    /// Its user holds an admin role, for as long as that lasts: Oyez speaks there of its own work.
    Admin,
    /// Anybody may.
    Open,
}

/// What one connection chose by itself.
#[derive(Debug, Default)]
struct Choice {
    subscribed: Vec<(TopicName, Grant)>,
    muted: Vec<TopicName>,
}

/// The indexes of one shard.
#[derive(Debug, Default)]
pub(super) struct Index {
    people: Slab<Person>,
    by_name: HashMap<UserId, u32>,
    roles: HashMap<RoleName, BTreeSet<u32>>,
    members: HashMap<TopicName, BTreeSet<u32>>,
    subscribers: HashMap<TopicName, BTreeSet<Slot>>,
    choices: HashMap<Slot, Choice>,
}

impl Index {
    /// Adds a connection. `stream`: it receives what is addressed to its user, not only what it subscribes to.
    pub(super) fn add(&mut self, user: &UserId, slot: Slot, stream: bool) {
        let number = match self.by_name.get(user) {
            Some(&number) => number,
            None => {
                let number = self.people.insert(Person::new(user.clone())) as u32;
                self.by_name.insert(user.clone(), number);
                number
            }
        };
        let person = &mut self.people[number as usize];
        person.connections.push(slot);
        if stream {
            person.streams.push(slot);
        }
    }

    /// Takes a connection out of everything.
    pub(super) fn remove(&mut self, user: &UserId, slot: Slot) {
        if let Some(choice) = self.choices.remove(&slot) {
            for (topic, _) in choice.subscribed {
                take_out(&mut self.subscribers, &topic, slot);
            }
        }
        let Some(&number) = self.by_name.get(user) else { return };
        let person = &mut self.people[number as usize];
        person.connections.retain(|&other| other != slot);
        person.streams.retain(|&other| other != slot);
        if person.connections.is_empty() {
            let person = self.people.remove(number as usize);
            self.by_name.remove(user);
            for role in &person.roles {
                take_out(&mut self.roles, role, number);
            }
            for topic in &person.topics {
                take_out(&mut self.members, topic, number);
            }
        }
    }

    /// All connections of a user, oldest first.
    pub(super) fn connections(&self, user: &UserId) -> &[Slot] {
        self.person(user).map_or(&[], |person| &person.connections)
    }

    /// The user's connections that receive what is addressed to them, and how they are called here.
    pub(super) fn streams(&self, user: &UserId) -> &[Slot] {
        self.person(user).map_or(&[], |person| &person.streams)
    }

    /// The roles that a user holds.
    pub(super) fn roles(&self, user: &UserId) -> &[RoleName] {
        self.person(user).map_or(&[], |person| &person.roles)
    }

    /// Each connected user, and the version of what is known about them.
    pub(super) fn users(&self) -> impl Iterator<Item = (UserId, u32)> {
        self.people.iter().map(|(_, person)| (person.name.clone(), person.version))
    }

    /// The one name all connections of a user share.
    pub(super) fn shared_name(&self, user: &UserId) -> UserId {
        self.by_name.get_key_value(user).map_or_else(|| user.clone(), |(name, _)| name.clone())
    }

    /// The version of what is known about a user; 0 for one who is not here.
    pub(super) fn version(&self, user: &UserId) -> u32 {
        self.person(user).map_or(0, |person| person.version)
    }

    /// The user holds these roles now.
    pub(super) fn announce_roles(&mut self, user: &UserId, roles: &[RoleName]) {
        let Some(&number) = self.by_name.get(user) else { return };
        let person = &mut self.people[number as usize];
        person.version += 1;
        person.roles_announced = true;
        self.set_roles(number, roles);
    }

    /// The user joined or left a topic.
    pub(super) fn announce_member(&mut self, topic: &TopicName, user: &UserId, member: bool) {
        let Some(&number) = self.by_name.get(user) else { return };
        let person = &mut self.people[number as usize];
        person.version += 1;
        if !person.known {
            person.early.push((topic.clone(), member));
        }
        self.set_member(number, topic, member);
        if !member {
            self.revoke(user, Grant::Member, Some(topic));
        }
    }

    /// What the store said about a user when `version` was the present one. It is taken unless something was
    /// announced since; the first reading is taken in any case, and what was announced before it stays true.
    pub(super) fn read(&mut self, user: &UserId, version: u32, roles: &[RoleName], topics: &[TopicName]) {
        let Some(&number) = self.by_name.get(user) else { return };
        let person = &mut self.people[number as usize];
        let first = !std::mem::replace(&mut person.known, true);
        if !first && person.version != version {
            return;
        }
        let early = std::mem::take(&mut person.early);
        if !(first && person.roles_announced) {
            self.set_roles(number, roles);
        }
        let left: Vec<TopicName> = self.people[number as usize]
            .topics
            .iter()
            .filter(|topic| !topics.contains(topic))
            .cloned()
            .collect();
        for topic in &left {
            self.set_member(number, topic, false);
        }
        for topic in topics {
            self.set_member(number, topic, true);
        }
        for (topic, member) in &early {
            self.set_member(number, topic, *member);
        }
    }

    /// One connection receives a topic's events from now on.
    pub(super) fn subscribe(&mut self, slot: Slot, topic: &TopicName, grant: Grant) {
        let choice = self.choices.entry(slot).or_default();
        choice.muted.retain(|other| other != topic);
        choice.subscribed.retain(|(other, _)| other != topic);
        choice.subscribed.push((topic.clone(), grant));
        put_in(&mut self.subscribers, topic, slot);
    }

    /// The user lost the role, or the membership of `topic`, by which their connections may hear what they
    /// subscribed to.
    pub(super) fn revoke(&mut self, user: &UserId, lost: Grant, topic: Option<&TopicName>) {
        for slot in self.connections(user).to_vec() {
            let Some(choice) = self.choices.get_mut(&slot) else { continue };
            let goes = |(name, grant): &mut (TopicName, Grant)| {
                *grant == lost && topic.is_none_or(|topic| topic == name)
            };
            for (name, _) in choice.subscribed.extract_if(.., goes) {
                take_out(&mut self.subscribers, &name, slot);
            }
        }
    }

    /// One connection receives a topic's events no longer, also when its user is a member.
    pub(super) fn unsubscribe(&mut self, slot: Slot, topic: &TopicName) {
        let choice = self.choices.entry(slot).or_default();
        choice.subscribed.retain(|(other, _)| other != topic);
        if !choice.muted.contains(topic) {
            choice.muted.push(topic.clone());
        }
        take_out(&mut self.subscribers, topic, slot);
    }

    /// How many topics a connection chose to hear or not to hear.
    pub(super) fn choices(&self, slot: Slot) -> usize {
        self.choices.get(&slot).map_or(0, |choice| choice.subscribed.len() + choice.muted.len())
    }

    /// The connections an audience means, each once, in the order of their slots.
    pub(super) fn audience(&self, audience: &[Audience], except: Option<&UserId>, found: &mut Vec<Slot>) {
        found.clear();
        for group in audience {
            match group {
                Audience::User(user) => found.extend(self.streams(user)),
                Audience::Role(role) => {
                    for person in self.roles.get(role).into_iter().flatten() {
                        found.extend(&self.people[*person as usize].streams);
                    }
                }
                Audience::Topic(topic) => self.topic(topic, found),
                Audience::Everyone => {
                    for (_, person) in &self.people {
                        found.extend(&person.streams);
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        if let Some(except) = except {
            let left_out = self.connections(except);
            found.retain(|slot| !left_out.contains(slot));
        }
    }

    fn topic(&self, topic: &TopicName, found: &mut Vec<Slot>) {
        found.extend(self.subscribers.get(topic).into_iter().flatten());
        if is_own(topic) {
            // It has no members, whatever an older release let in.
            return;
        }
        let muted = |slot: &Slot| self.choices.get(slot).is_some_and(|choice| choice.muted.contains(topic));
        for person in self.members.get(topic).into_iter().flatten() {
            let streams = &self.people[*person as usize].streams;
            if self.choices.is_empty() {
                found.extend(streams);
            } else {
                found.extend(streams.iter().filter(|slot| !muted(slot)));
            }
        }
    }

    fn person(&self, user: &UserId) -> Option<&Person> {
        self.by_name.get(user).map(|&number| &self.people[number as usize])
    }

    fn set_roles(&mut self, number: u32, roles: &[RoleName]) {
        for role in std::mem::take(&mut self.people[number as usize].roles) {
            take_out(&mut self.roles, &role, number);
        }
        let shared = roles.iter().map(|role| put_in(&mut self.roles, role, number)).collect();
        self.people[number as usize].roles = shared;
    }

    fn set_member(&mut self, number: u32, topic: &TopicName, member: bool) {
        let person = &mut self.people[number as usize];
        let was = person.topics.contains(topic);
        if member && !was {
            let shared = put_in(&mut self.members, topic, number);
            person.topics.push(shared);
        } else if !member && was {
            person.topics.retain(|other| other != topic);
            take_out(&mut self.members, topic, number);
        }
    }
}

impl Person {
    fn new(name: UserId) -> Self {
        Self {
            name,
            streams: Vec::new(),
            connections: Vec::new(),
            roles: Vec::new(),
            topics: Vec::new(),
            version: 0,
            known: false,
            early: Vec::new(),
            roles_announced: false,
        }
    }
}

/// Adds to a set; returns the name as the index keeps it, so that ten thousand admins share one `admin`.
fn put_in<K: Eq + Hash + Clone>(sets: &mut HashMap<K, BTreeSet<u32>>, name: &K, number: u32) -> K {
    if let Some((shared, _)) = sets.get_key_value(name) {
        let shared = shared.clone();
        sets.entry(shared.clone()).or_default().insert(number);
        return shared;
    }
    sets.insert(name.clone(), BTreeSet::from([number]));
    name.clone()
}

fn take_out<K: Eq + Hash>(sets: &mut HashMap<K, BTreeSet<u32>>, name: &K, number: u32) {
    if let Some(set) = sets.get_mut(name) {
        set.remove(&number);
        if set.is_empty() {
            sets.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
