//! An [`Oyez`] on a port: starts listening, waits for the end, and ends in an order that loses nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Error, FirstStart, Oyez,
    assemble::Reached,
    data_dir::Runtime,
    listener::{self, Limits, Listener},
    tls::Tls,
};
use crate::{
    config::Config,
    lifecycle::{Shutdown, raise_file_limit},
};

/// Files that are not connections: database, log, keys, and some to spare.
const OTHER_FILES: u64 = 64;
/// What a request may take at least while the server drains, however short the grace period is.
const LEAST_GRACE: Duration = Duration::from_secs(2);

/// A server that listens. It answers from [`Server::start`] on.
pub struct Server {
    oyez: Oyez,
    address: SocketAddr,
    url: String,
    draining: CancellationToken,
    listening: JoinHandle<TaskTracker>,
}

impl Server {
    /// Binds the port, opens everything, and begins to answer.
    pub async fn start(config: Config) -> Result<Self, Error> {
        config.check()?;
        let limit = raise_file_limit();
        // Bound first: clients that come while the database opens wait instead of being refused.
        let bound = listener::bind(&config.listen).await;
        let tcp = bound.map_err(|source| Error::Listen { address: config.listen.clone(), source })?;
        let address = tcp.local_addr()?;
        let tls = match (&config.http.tls.cert, &config.http.tls.key) {
            (Some(cert), Some(key)) => Some(Tls::open(cert, key)?),
            _ => None,
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", reachable(address));
        let files = limit.current.saturating_sub(OTHER_FILES).max(16);
        let limits = Limits {
            header_limit: config.http.header_limit,
            header_timeout: config.http.header_timeout,
            max_connections: match config.http.max_connections {
                0 => usize::try_from(files).unwrap_or(usize::MAX),
                max => max,
            },
        };
        let https = match &config.public_url {
            Some(url) => url.starts_with("https://"),
            None => tls.is_some(),
        };
        let oyez = Oyez::open_for(config, Vec::new(), Reached { url: url.clone(), https }).await?;
        if let Some(tls) = tls.clone() {
            oyez.inner.workers.spawn("tls", tls.watch(oyez.inner.workers.stop_token()));
        }
        let draining = CancellationToken::new();
        let hub = oyez.inner.hub.clone();
        let live = Arc::new(move || usize::try_from(hub.stats().connections).unwrap_or(usize::MAX));
        let listener = Listener { tcp, tls, limits, live };
        let listening = tokio::spawn(listener.run(oyez.whole_router(), draining.clone()));
        oyez.announce(&Runtime {
            url: url.clone(),
            pid: std::process::id(),
            control_key: oyez.control_key().to_owned(),
        })?;
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
        Ok(Self { oyez, address, url, draining, listening })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser on this machine finds it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it serves.
    pub fn oyez(&self) -> &Oyez {
        &self.oyez
    }

    /// At the first start, which is when nobody could sign in or publish yet, makes an administrator and an API key;
    /// `None` later.
    pub async fn first_start(&self) -> Result<Option<FirstStart>, Error> {
        if self.oyez.is_unclaimed().await? { self.oyez.introduce().await.map(Some) } else { Ok(None) }
    }

    /// Serves until `shutdown` begins or background work fails.
    ///
    /// The graceful end: new connections are refused, live ones are told to come back and spread over the grace
    /// period, requests finish, then the store closes. A hard end waits for nothing; what was answered is on disk.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), Error> {
        let failed = tokio::select! {
            () = shutdown.begun() => None,
            failure = self.oyez.inner.workers.failed() => Some(failure),
        };
        tokio::select! {
            () = self.drain() => {}
            () = shutdown.forced() => tracing::warn!("stopped at once"),
        }
        match failed {
            None => Ok(()),
            Some(failure) => Err(Error::WorkerFailed(failure)),
        }
    }

    async fn drain(self) {
        let grace = self.oyez.inner.config.lifecycle.drain_grace;
        self.oyez.begin_drain();
        self.draining.cancel();
        let connections = self.listening.await;
        let requests = async {
            let Ok(connections) = connections else { return };
            if tokio::time::timeout(grace.max(LEAST_GRACE), connections.wait()).await.is_err() {
                tracing::warn!(open = connections.len(), "connections were cut off after the grace period");
            }
        };
        tokio::join!(self.oyez.send_away(grace), requests, self.oyez.stop_work(grace));
        self.oyez.shutdown().await;
        tracing::info!("stopped");
    }
}

/// An address that a client can connect to: `0.0.0.0` is none.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_shown_is_one_that_can_be_opened() {
        assert_eq!(reachable("0.0.0.0:8000".parse().unwrap()).to_string(), "127.0.0.1:8000");
        assert_eq!(reachable("[::]:80".parse().unwrap()).to_string(), "[::1]:80");
        assert_eq!(reachable("192.0.2.1:80".parse().unwrap()).to_string(), "192.0.2.1:80");
    }
}
