//! Compares the heads of connected users with the store now and then, so that a lost announcement heals.

use std::{sync::Arc, time::Duration};

use rand::RngExt as _;

use super::Shared;

/// Users asked about in one query.
const MOST_AT_ONCE: usize = 1_000;

/// Compares for as long as it is let.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        // Nodes that were started together do not ask together.
        let share = rand::rng().random_range(0.67..1.33);
        tokio::time::sleep(shared.options.head_check_interval.mul_f64(share).max(Duration::from_millis(1)))
            .await;
        let users = shared.hub.users().await;
        for some in users.chunks(MOST_AT_ONCE) {
            let names: Vec<_> = some.iter().map(|(user, _)| user.clone()).collect();
            match shared.store.standings(&names).await {
                Ok(standings) => {
                    let versions = some.iter().map(|(_, version)| *version);
                    shared.hub.standings(standings.into_iter().zip(versions).collect());
                }
                Err(error) => tracing::warn!(%error, "could not compare heads with the store"),
            }
        }
    }
}
