//! Announcements to the hub: the bus knows no connections and the hub no bus.

use std::sync::Arc;

use oyez_core::access::{Person, Rules};

use crate::{
    bus::{Announcement, BoardNews, Bus, JobNews, Stage},
    hub::{BoardMoved, Hub, JobFrame},
};

/// Tells the hub whatever is announced, on the announcer's thread; nothing here waits.
pub(super) fn join(bus: &Bus, hub: &Hub, rules: &Arc<Rules>) {
    let (hub, rules) = (hub.clone(), Arc::clone(rules));
    bus.subscribe(Box::new(move |announcement| match announcement {
        Announcement::Landed(landed) => hub.landed(landed),
        Announcement::Event(event) => hub.event(event),
        Announcement::InboxChanged { user, change } => hub.inbox_changed(user, change),
        Announcement::Board(news) => hub.board_moved(&board_moved(&rules, news)),
        Announcement::Job(news) => job_moved(&hub, news),
        // Workers hear it.
        Announcement::Available { .. } => {}
        Announcement::RolesChanged { user, roles } => {
            hub.roles_changed(user, roles, rules.rights(Person { user, roles }));
        }
        Announcement::Membership { topic, user, member } => hub.membership(topic, user, *member),
        Announcement::Revoked { user, session } => hub.revoked(user, *session),
    }));
}

fn board_moved(rules: &Rules, news: &BoardNews) -> Arc<BoardMoved> {
    let roles = news.roles.clone().unwrap_or_else(|| rules.roles_of_board(None).into());
    let BoardNews { board, version, exists, update, .. } = news;
    Arc::new(BoardMoved {
        board: board.clone(),
        version: *version,
        exists: *exists,
        roles,
        update: update.clone(),
    })
}

fn job_moved(hub: &Hub, news: &JobNews) {
    let Some(user) = &news.user else { return };
    let frame = match news.stage {
        Stage::Underway => JobFrame::Now(Arc::clone(&news.frame)),
        Stage::Ended => JobFrame::End(Some(Arc::clone(&news.frame))),
        Stage::EndedInInbox => JobFrame::End(None),
    };
    hub.job_moved(user, news.job, frame);
}
