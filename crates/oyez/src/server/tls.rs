//! TLS from two PEM files, read again when they change or at SIGHUP; a file that cannot be used leaves the old one.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// The certificate in use. Clones share it.
#[derive(Clone)]
pub(crate) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of the kind.
    #[error("{key} = {path:?} cannot be used: {reason}")]
    File {
        /// `http.tls.cert` or `http.tls.key`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The two do not belong together, or are of an unknown kind.
    #[error("http.tls: the certificate {cert:?} and the key {key:?} cannot be used together: {reason}")]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        reason: rustls::Error,
    },
}

impl Tls {
    /// Reads the files.
    pub(crate) fn open(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = Arc::new(RwLock::new(read(cert, key)?));
        Ok(Self { cert: cert.into(), key: key.into(), current })
    }

    /// What the next connection is accepted with.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let config = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&config))
    }

    /// Reads the files again when they change or at SIGHUP, until it is told to stop.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else {
            tracing::warn!("SIGHUP cannot be received; TLS files are still read again when they change");
            return stop.cancelled().await;
        };
        let mut last = self.modified();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => {}
                () = tokio::time::sleep(CHECK_INTERVAL) => {
                    if self.modified() == last {
                        continue;
                    }
                }
            }
            last = self.modified();
            self.reload();
        }
    }

    fn reload(&self) {
        match read(&self.cert, &self.key) {
            Ok(config) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!("TLS certificate read again");
            }
            Err(error) => tracing::error!(%error, "TLS certificate not changed: the files cannot be used"),
        }
    }

    fn modified(&self) -> [Option<SystemTime>; 2] {
        [&self.cert, &self.key].map(|path| fs::metadata(path).and_then(|file| file.modified()).ok())
    }
}

fn read(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let refused = |name, path: &Path, reason: String| TlsError::File { key: name, path: path.into(), reason };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| refused("http.tls.cert", cert, describe(&error)))?;
    if chain.is_empty() {
        return Err(refused("http.tls.cert", cert, "it holds no PEM certificate".into()));
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| refused("http.tls.key", key, describe(&error)))?;
    let pair = |reason| TlsError::Pair { cert: cert.into(), key: key.into(), reason };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn describe(error: &rustls_pki_types::pem::Error) -> String {
    match error {
        rustls_pki_types::pem::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            "there is no such file".into()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        fs::write(&cert, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (cert, key)
    }

    #[test]
    fn a_certificate_that_cannot_be_used_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = pair(dir.path(), "one.example");
        let tls = Tls::open(&cert, &key).unwrap();
        let before = Arc::as_ptr(&*tls.current.read().unwrap());
        fs::write(&cert, "nonsense").unwrap();
        tls.reload();
        assert_eq!(Arc::as_ptr(&*tls.current.read().unwrap()), before);
        pair(dir.path(), "two.example");
        tls.reload();
        assert_ne!(Arc::as_ptr(&*tls.current.read().unwrap()), before);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = pair(dir.path(), "one.example");
        let missing = dir.path().join("absent.pem");
        let refused = |cert: &Path, key: &Path| Tls::open(cert, key).err().unwrap().to_string();
        assert!(refused(&missing, &key).contains("there is no such file"));
        assert!(refused(&key, &key).contains("holds no PEM certificate"));
        let other = tempfile::tempdir().unwrap();
        let (_, foreign) = pair(other.path(), "two.example");
        assert!(refused(&cert, &foreign).contains("cannot be used together"));
    }
}
