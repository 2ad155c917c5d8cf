//! Compares the heads of connected users, and boards, with the store now and then, so that a lost announcement heals.

use std::{sync::Arc, time::Duration};

use oyez_core::{access::Person, inbox::Standing};
use oyez_protocol::UserId;
use oyez_store::BoardHead;
use rand::RngExt as _;

use super::{Shared, greet::sorted};
use crate::hub::{BoardMoved, Reading};

/// Users asked about in one query.
const MOST_AT_ONCE: usize = 1_000;

/// Compares for as long as it is let.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        // Also at the start: what there is was announced before this process lived.
        boards(&shared).await;
        // Nodes that were started together do not ask together.
        let share = rand::rng().random_range(0.67..1.33);
        tokio::time::sleep(shared.options.head_check_interval.mul_f64(share).max(Duration::from_millis(1)))
            .await;
        let users = shared.hub.users().await;
        for some in users.chunks(MOST_AT_ONCE) {
            let names: Vec<_> = some.iter().map(|(user, _)| user.clone()).collect();
            match shared.store.standings(&names).await {
                Ok(standings) => {
                    let each = standings.into_iter().zip(some);
                    let reading = |(standing, (_, version)): (Standing, &(UserId, u32))| {
                        let roles = sorted(standing.roles.iter().chain(&standing.token_roles));
                        let person = Person { user: &standing.user, roles: &roles };
                        let rights = shared.rules.rights(person);
                        Reading { standing, version: *version, rights }
                    };
                    shared.hub.readings(each.map(reading).collect());
                }
                Err(error) => tracing::warn!(%error, "could not compare heads with the store"),
            }
        }
    }
}

/// Tells the hub where boards are.
async fn boards(shared: &Shared) {
    let heads = match shared.boards.heads().await {
        Ok(heads) => heads,
        Err(error) => return tracing::warn!(%error, "could not compare boards with the store"),
    };
    for BoardHead { name, version, roles, exists } in heads {
        let roles = shared.rules.roles_of_board(roles.as_deref()).into();
        shared.hub.board_moved(&Arc::new(BoardMoved { board: name, version, exists, roles, update: None }));
    }
}
