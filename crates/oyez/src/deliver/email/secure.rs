//! How connections to the mail server are encrypted: whom to trust, and what name its certificate has to have.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// What is needed to encrypt.
pub(super) struct Secure {
    config: Arc<rustls::ClientConfig>,
    name: ServerName<'static>,
}

impl Secure {
    /// Trusts the machine's certificates, and those of `ca`, PEM. The error names the setting that cannot be used.
    pub(super) fn new(host: &str, ca: Option<&[u8]>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let machine = rustls_native_certs::load_native_certs();
        let _unreadable = roots.add_parsable_certificates(machine.certs);
        if let Some(pem) = ca {
            let refused = |why: String| format!("email.ca_file is no PEM file of certificates: {why}");
            let mut named = CertificateDer::pem_slice_iter(pem).peekable();
            if named.peek().is_none() {
                return Err(refused("there is none in it".into()));
            }
            for certificate in named {
                let certificate = certificate.map_err(|error| refused(error.to_string()))?;
                roots.add(certificate).map_err(|error| refused(error.to_string()))?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS to the mail server cannot be prepared: {error}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| format!("email.host: {host:?} is no name that a certificate has"))?;
        Ok(Self { config: Arc::new(config), name })
    }

    /// Goes on encrypted; the error is also that the certificate is none to trust.
    pub(super) async fn encrypt(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream).await
    }
}
