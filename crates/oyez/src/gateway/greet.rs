//! The first frame, and where the stream goes on from.
//!
//! The connection is in the hub already when the store is read here: what is committed meanwhile is announced to it
//! and waits, so nothing is missed; what the reading includes is not sent again.

use oyez_core::inbox::Standing;
use oyez_protocol::{
    CloseCode, RoleName,
    frame::server::{self, ConnectionEstablished},
};

use super::{
    Shared,
    door::Guest,
    resume::{self, Start},
};
use crate::hub::{Greeting, Reply, Stream};

/// Greets a connection that the hub has taken over.
pub(super) async fn greet(shared: &Shared, guest: &Guest) {
    let principal = &guest.principal;
    let standing = match shared.store.standing(&principal.id).await {
        Ok(standing) => standing,
        Err(error) => {
            tracing::error!(%error, user = %principal.id, "could not greet a connection");
            return reply(shared, guest, Reply::Close(CloseCode::Internal, "try again".into()));
        }
    };
    if standing.disabled {
        return reply(shared, guest, Reply::Close(CloseCode::Forbidden, "this user is disabled".into()));
    }
    let jobs = match standing.has_jobs && guest.full && guest.stream == Stream::Notifications {
        true => shared.jobs.snapshot(&principal.id).await.unwrap_or_else(|error| {
            // Their next frames tell as much.
            tracing::warn!(%error, user = %principal.id, "could not tell a connection of the user's jobs");
            None
        }),
        false => None,
    };
    let mut greeting = greeting(shared, guest, &standing);
    greeting.frames.extend(jobs);
    reply(shared, guest, Reply::Greeting(greeting));
    if let Some(claimed) = &principal.token_roles
        && sorted(claimed.iter()) != sorted(standing.token_roles.iter())
        && let Err(error) = shared.users.set_token_roles(&principal.id, claimed.clone()).await
    {
        tracing::warn!(%error, user = %principal.id, "could not take over the roles a token claims");
    }
}

fn reply(shared: &Shared, guest: &Guest, reply: Reply) {
    shared.hub.reply(&guest.principal.id, guest.id, reply);
}

fn greeting(shared: &Shared, guest: &Guest, standing: &Standing) -> Greeting {
    let epoch = shared.store.epoch();
    let start = match guest.stream {
        Stream::Notifications => resume::start(&guest.claim, epoch, standing),
        // It has no items to resume.
        Stream::Dashboard => Start::Live,
    };
    let message = match guest.stream {
        Stream::Notifications => "WebSocket connected successfully",
        Stream::Dashboard => "Connected to dashboard updates",
    };
    let mut frames = vec![server::connection_established(&ConnectionEstablished {
        message,
        user_id: &guest.principal.id,
        connection_id: guest.id,
        epoch,
        seq: standing.head,
        resumed: matches!(start, Start::Resumed(_)),
        unread: standing.unread,
        unseen: standing.unseen,
        ping_interval: shared.options.ping_interval.as_secs(),
        server_time: shared.clock.now(),
    })];
    let position = match start {
        Start::Live => standing.head,
        Start::Resumed(position) => position,
        Start::Snapshot { after, reason } => {
            if guest.full {
                frames.push(server::resync(reason));
            }
            after
        }
    };
    let claimed = guest.principal.token_roles.as_ref().unwrap_or(&standing.token_roles);
    Greeting {
        frames,
        position,
        head: standing.head,
        roles: sorted(standing.roles.iter().chain(claimed)),
        topics: standing.topics.clone(),
    }
}

/// Roles, each once, in order.
pub(super) fn sorted<'a>(roles: impl Iterator<Item = &'a RoleName>) -> Vec<RoleName> {
    let mut roles: Vec<RoleName> = roles.cloned().collect();
    roles.sort();
    roles.dedup();
    roles
}
