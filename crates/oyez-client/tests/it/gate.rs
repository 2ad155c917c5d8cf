//! A line to a server that can be cut, and that loses answers.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// Passes bytes on, unless it is told not to.
#[derive(Clone)]
pub(crate) struct Gate {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Default)]
struct Shared {
    is_closed: AtomicBool,
    cut: Notify,
    /// Answers that will be lost, each with its connection.
    lose: AtomicUsize,
    refused: AtomicUsize,
}

impl Gate {
    /// A gate in front of the server at `http://host:port`.
    pub(crate) async fn before(url: &str) -> Self {
        let target = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self { shared: Arc::default(), address: listener.local_addr().unwrap() };
        let shared = Arc::clone(&gate.shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.is_closed.load(Ordering::SeqCst) {
                    shared.refused.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                let (shared, target) = (Arc::clone(&shared), target.clone());
                tokio::spawn(async move {
                    let server = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        () = shared.cut.notified() => {}
                        () = pass(client, server, &shared) => {}
                    }
                });
            }
        });
        gate
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks every connection, and each new one at once.
    pub(crate) fn close(&self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        self.shared.cut.notify_waiters();
    }

    pub(crate) fn open(&self) {
        self.shared.is_closed.store(false, Ordering::SeqCst);
    }

    /// Loses the next answers: the server has done what was asked, and nobody hears of it.
    pub(crate) fn lose_answers(&self, count: usize) {
        self.shared.lose.store(count, Ordering::SeqCst);
    }

    /// Whether all of them were lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.shared.lose.load(Ordering::SeqCst) == 0
    }

    /// How often somebody knocked while it was closed.
    pub(crate) fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, shared: &Shared) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(count) if count > 0 => {
                    if server.write_all(&up[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(count) if count > 0 => {
                    let lose = |left: usize| left.checked_sub(1);
                    if shared.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok() {
                        return;
                    }
                    if client.write_all(&down[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
