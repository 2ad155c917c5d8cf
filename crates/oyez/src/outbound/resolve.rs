//! Looks names up, and gives out only addresses that may be connected to.

use std::{io, net::SocketAddr, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::is_public;

/// Looks a name up.
type Lookup = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

/// The resolver of the client: whatever it gives out is what is connected to.
pub(super) struct Guard {
    allow_private: bool,
    lookup: Arc<Lookup>,
}

/// A name leads nowhere but to private addresses.
#[derive(Debug, thiserror::Error)]
#[error("{0} leads to private addresses only")]
pub(super) struct NotPublic(pub(super) String);

impl Guard {
    /// Asks the system.
    pub(super) fn system(allow_private: bool) -> Self {
        Self::new(allow_private, |name| {
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }.boxed()
        })
    }

    pub(super) fn new(
        allow_private: bool,
        lookup: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static,
    ) -> Self {
        Self { allow_private, lookup: Arc::new(lookup) }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow_private, lookup) = (self.allow_private, Arc::clone(&self.lookup));
        Box::pin(async move {
            let mut found = lookup(name.as_str().to_owned()).await?;
            if found.is_empty() {
                return Err("the name has no address".into());
            }
            found.retain(|address| allow_private || is_public(address.ip()));
            if found.is_empty() {
                return Err(NotPublic(name.as_str().to_owned()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
