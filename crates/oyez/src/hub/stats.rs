//! What the hub counts: for `/metrics`, `/api/v1/stats` and the tests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident: $kind:ident $metric:literal,)*) => {
        /// A reading of the hub's counters.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
        pub struct HubStats { $($(#[$doc])* pub $name: u64,)* }

        /// What one shard counts: nobody else writes here, so that shards do not share a cache line.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub(super) struct Counters { $(pub(super) $name: AtomicU64,)* }

        impl Counters {
            pub(super) fn read(&self) -> HubStats {
                HubStats { $($name: self.$name.load(Relaxed),)* }
            }

        }

        impl HubStats {
            /// The counts of two shards together.
            pub(super) fn plus(self, other: Self) -> Self {
                Self { $($name: self.$name + other.$name,)* }
            }

            /// Hands the values to the `metrics` recorder, if one is installed.
            pub(super) fn report(&self) {
                $(counts!(@report $kind $metric, self.$name);)*
            }
        }
    };
    (@report counter $metric:literal, $value:expr) => { metrics::counter!($metric).absolute($value) };
    (@report gauge $metric:literal, $value:expr) => { metrics::gauge!($metric).set($value as f64) };
}

counts! {
    /// Connections that are open now.
    connections: gauge "oyez_connections",
    /// Connections that were opened.
    opened: counter "oyez_connections_opened_total",
    /// Connections that ended.
    closed: counter "oyez_connections_closed_total",
    /// Connections ended because they did not answer or did not read.
    timed_out: counter "oyez_connections_timed_out_total",
    /// Items handed to sockets, from announcements and from pages.
    items: counter "oyez_items_sent_total",
    /// Events handed to sockets.
    events: counter "oyez_events_sent_total",
    /// Events given up because a client did not read.
    events_dropped: counter "oyez_events_dropped_total",
    /// Inbox changes merged into a later one because a client did not read.
    conflated: counter "oyez_inbox_changes_conflated_total",
    /// Pages read from the store for clients that were away or slow.
    pages: counter "oyez_pages_total",
    /// Times a socket took no more.
    blocked: counter "oyez_sockets_blocked_total",
    /// Bytes written.
    bytes_sent: counter "oyez_bytes_sent_total",
    /// Bytes read.
    bytes_received: counter "oyez_bytes_received_total",
    /// Times a shard drained its queue and wrote its sockets.
    passes: counter "oyez_passes_total",
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Relaxed);
    }
}
