//! A mail server that takes everything and remembers only the names of mails: a real one would be the limit.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

const END: &[u8] = b"\r\n.\r\n";

/// What arrived.
#[derive(Default)]
pub(crate) struct Mailbox {
    names: Mutex<HashSet<Vec<u8>>>,
    arrived: Mutex<(usize, u64)>,
    wanted: Notify,
}

impl Mailbox {
    /// Listens from now on; must be called within a runtime.
    pub(crate) async fn listen() -> anyhow::Result<(Arc<Self>, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mailbox = Arc::new(Self::default());
        let taking = Arc::clone(&mailbox);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mailbox = Arc::clone(&taking);
                tokio::spawn(async move { mailbox.talk(stream).await });
            }
        });
        Ok((mailbox, address))
    }

    /// Waits until so many mails arrived.
    pub(crate) async fn until(&self, count: usize) {
        loop {
            let next = self.wanted.notified();
            if self.arrived().0 >= count {
                return;
            }
            next.await;
        }
    }

    /// Mails and their bytes.
    pub(crate) fn arrived(&self) -> (usize, u64) {
        *self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Different mails.
    pub(crate) fn different(&self) -> usize {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    async fn talk(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.write_all(b"220 bench\r\n").await?;
        let mut buffer = Vec::with_capacity(64 * 1024);
        let mut in_mail = false;
        while stream.read_buf(&mut buffer).await? > 0 {
            let end: &[u8] = if in_mail { END } else { b"\r\n" };
            let Some(at) = memchr::memmem::find(&buffer, end) else { continue };
            let part: Vec<u8> = buffer.drain(..at + end.len()).collect();
            let answer: &[u8] = if in_mail {
                self.take(&part);
                b"250 taken\r\n"
            } else {
                match part.get(..4) {
                    Some(b"EHLO") => b"250-bench\r\n250 8BITMIME\r\n",
                    Some(b"DATA") => b"354 go on\r\n",
                    Some(b"QUIT") => b"221 bye\r\n",
                    _ => b"250 fine\r\n",
                }
            };
            in_mail = answer.starts_with(b"354");
            stream.write_all(answer).await?;
        }
        Ok(())
    }

    fn take(&self, mail: &[u8]) {
        const NAME: &[u8] = b"Message-ID: ";
        if let Some(start) = memchr::memmem::find(mail, NAME) {
            let name = mail[start + NAME.len()..].split(|byte| *byte == b'\r').next().unwrap_or_default();
            self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_vec());
        }
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        *arrived = (arrived.0 + 1, arrived.1 + mail.len() as u64);
        self.wanted.notify_one();
    }
}
