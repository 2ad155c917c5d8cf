//! Announcements to the hub: the bus knows no connections and the hub no bus.

use std::sync::Arc;

use oyez_core::access::{Person, Rules};

use crate::{
    bus::{Announcement, Bus},
    hub::Hub,
};

/// Tells the hub whatever is announced, on the announcer's thread; nothing here waits.
pub(super) fn join(bus: &Bus, hub: &Hub, rules: &Arc<Rules>) {
    let (hub, rules) = (hub.clone(), Arc::clone(rules));
    bus.subscribe(Box::new(move |announcement| match announcement {
        Announcement::Landed(landed) => hub.landed(landed),
        Announcement::Event(event) => hub.event(event),
        Announcement::InboxChanged { user, change } => hub.inbox_changed(user, change),
        Announcement::RolesChanged { user, roles } => {
            let dashboard = rules.may_open_dashboard(Person { user, roles });
            hub.roles_changed(user, roles, dashboard);
        }
        Announcement::Membership { topic, user, member } => hub.membership(topic, user, *member),
        Announcement::Revoked { user, session } => hub.revoked(user, *session),
    }));
}
