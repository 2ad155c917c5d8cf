//! Accepts connections and serves HTTP/1 and HTTP/2 on them, until it is told to stop. It knows no routes.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, rt, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;

use super::tls::Tls;

/// How many connections the kernel keeps until they are accepted: enough for a storm of reconnects.
const BACKLOG: u32 = 4096;
/// How long an HTTP/1 connection may be silent between two requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long to wait when no file descriptor is left: connections that end meanwhile make room.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the listener holds clients to.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Bytes of a request's head.
    pub(crate) header_limit: usize,
    /// Time for the TLS handshake, and for the first request's head.
    pub(crate) header_timeout: Duration,
    /// Connections at once, those included that became live.
    pub(crate) max_connections: usize,
}

/// Counts connections that left HTTP and became live.
pub(crate) type LiveCount = Arc<dyn Fn() -> usize + Send + Sync>;

/// A listener that is bound.
pub(crate) struct Listener {
    pub(crate) tcp: TcpListener,
    pub(crate) tls: Option<Tls>,
    pub(crate) limits: Limits,
    pub(crate) live: LiveCount,
}

struct Shared {
    router: Router,
    http: auto::Builder<TokioExecutor>,
    header_timeout: Duration,
    draining: CancellationToken,
    open: AtomicUsize,
}

/// Binds an address such as `127.0.0.1:8000` or `localhost:0`.
pub(crate) async fn bind(address: &str) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(address).await? {
        match bind_one(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart need not wait for connections of the last run to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Listener {
    /// Accepts until `draining` is cancelled; then new connections are refused, and those that are open finish the
    /// request they are in. The tracker it returns is empty when all are gone.
    pub(crate) async fn run(self, router: Router, draining: CancellationToken) -> TaskTracker {
        let connections = TaskTracker::new();
        let shared = Arc::new(Shared {
            router,
            http: protocol(&self.limits),
            header_timeout: self.limits.header_timeout,
            draining: draining.clone(),
            open: AtomicUsize::new(0),
        });
        let mut refusing = false;
        loop {
            let accepted = tokio::select! {
                () = draining.cancelled() => break,
                accepted = self.tcp.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    survive(&error).await;
                    continue;
                }
            };
            if shared.open.load(Ordering::Relaxed) + (self.live)() >= self.limits.max_connections {
                // Said once per wave, not once per client.
                if !std::mem::replace(&mut refusing, true) {
                    tracing::warn!(
                        max = self.limits.max_connections,
                        "connections refused: too many are open"
                    );
                }
                drop(stream);
                continue;
            }
            refusing = false;
            let open = Open::count(&shared);
            let tls = self.tls.as_ref().map(Tls::acceptor);
            connections.spawn(async move {
                let shared = Arc::clone(&open.0);
                serve(stream, peer, tls, &shared).await;
                drop(open);
            });
        }
        connections.close();
        connections
    }
}

/// One open connection, counted until it is dropped.
struct Open(Arc<Shared>);

impl Open {
    fn count(shared: &Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE.max(limits.header_timeout))
        .max_buf_size(limits.header_limit.max(8 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        // RFC 8441: WebSockets over HTTP/2.
        .enable_connect_protocol()
        .max_concurrent_streams(256)
        .max_header_list_size(u32::try_from(limits.header_limit).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

async fn survive(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        return;
    }
    tracing::error!(%error, "could not accept a connection; raise the file limit if this goes on");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<tokio_rustls::TlsAcceptor>,
    shared: &Arc<Shared>,
) {
    // Frames are small and written whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = tls else {
        return Box::pin(converse(TokioIo::new(stream), peer, shared)).await;
    };
    match tokio::time::timeout(shared.header_timeout, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Box::pin(converse(TokioIo::new(stream), peer, shared)).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}

/// Speaks HTTP until the client leaves, is too slow with its first request, or the drain has let it finish.
async fn converse<I>(io: I, peer: SocketAddr, shared: &Arc<Shared>)
where
    I: rt::Read + rt::Write + Unpin + Send + 'static,
{
    let asked = Arc::new(AtomicBool::new(false));
    let service = service_fn(|mut request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut router = shared.router.clone();
        async move { router.call(request.map(Body::new)).await }
    });
    let mut connection = std::pin::pin!(shared.http.serve_connection_with_upgrades(io, service));
    let mut first_request = std::pin::pin!(tokio::time::sleep(shared.header_timeout));
    let (mut waiting, mut draining) = (true, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                return;
            }
            () = first_request.as_mut(), if waiting => {
                waiting = false;
                if !asked.load(Ordering::Relaxed) {
                    return;
                }
            }
            () = shared.draining.cancelled(), if !draining => {
                draining = true;
                if !asked.load(Ordering::Relaxed) {
                    return;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

#[cfg(test)]
mod tests;
