//! TLS on the port: the certificate, its replacement while the service runs, and the handshake.
//!
//! What always holds: a port with TLS speaks nothing else; a certificate that is replaced by one that can't be used stays in
//! force, and the log says why; no handshake holds up another connection.
//!
//! What it refuses to do: listen with a certificate that does not fit its key, speak anything before TLS 1.2.
//!
//! Suggested reading order: this file, `pair`, `self_signed`, `handshake`.

mod handshake;
mod pair;
mod self_signed;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

pub(crate) use handshake::shake_hands;
pub use pair::PairError;
use pair::{Look, PairFiles};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsConfig {
    /// From files of the operator, read again whenever they change.
    Files {
        /// PEM: the certificate and what leads to its root, the server's own first.
        certificate: PathBuf,
        /// PEM: its key as PKCS#8, PKCS#1 or SEC1, not encrypted.
        key: PathBuf,
    },
    /// From the service itself; made once, kept and used again.
    SelfSigned {
        /// Where it is kept, readable by the user alone.
        directory: PathBuf,
        /// Names it is good for, beside those of loopback and the address that is listened on.
        names: Vec<String>,
    },
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The files can't be used.
    #[error("{0}")]
    Pair(#[from] PairError),
    /// No certificate could be made.
    #[error("no certificate could be made in {directory}: {reason}")]
    SelfSigned {
        /// Where it was to be kept.
        directory: PathBuf,
        /// What happened.
        reason: String,
    },
    /// The library refused its settings.
    #[error("TLS can't be set up: {0}")]
    Settings(#[from] rustls::Error),
}

/// TLS of a port.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    provider: Arc<CryptoProvider>,
    files: PairFiles,
    /// How the files looked before they were read.
    seen: Option<Look>,
    ca_bundle: Option<PathBuf>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads or makes the certificate for a port at `address`.
    pub(crate) fn prepare(config: &TlsConfig, address: SocketAddr) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let (files, ca_bundle) = match config {
            TlsConfig::Files { certificate, key } => {
                (PairFiles { certificate: certificate.clone(), key: key.clone() }, None)
            }
            TlsConfig::SelfSigned { directory, names } => {
                let kept = self_signed::kept(directory, address.ip(), names, &provider)
                    .map_err(|reason| TlsError::SelfSigned { directory: directory.clone(), reason })?;
                (kept.pair, Some(kept.ca_bundle))
            }
        };
        let seen = files.look();
        let current = Arc::new(Current(RwLock::new(files.read(&provider)?)));
        let mut settings = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Clients that come back need no second key exchange, and the service remembers none of them.
        settings.ticketer = ring::Ticketer::new()?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(settings)),
            current,
            provider,
            files,
            seen,
            ca_bundle,
        })
    }

    /// The certificate that clients have to trust, when the service has made it itself.
    pub(crate) fn ca_bundle(&self) -> Option<&Path> {
        self.ca_bundle.as_deref()
    }

    /// Looks at the files until `stop` turns true, and takes what has changed. While they can't be used, as in the moment
    /// between the replacement of the one and the other, they are tried again and again; each mistake is told once.
    pub(crate) async fn keep_up(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut seen = self.seen.clone();
        let mut told: Option<String> = None;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let look = self.look().await;
            if look == seen && told.is_none() {
                continue;
            }
            match self.take().await {
                Ok(()) => {
                    tracing::info!(certificate = %self.files.certificate.display(), "the certificate was replaced");
                    (seen, told) = (look, None);
                }
                Err(error) if told.as_ref() == Some(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "a new certificate can't be used; the one before stays in force");
                    told = Some(error);
                }
            }
        }
    }

    /// The disk may be slow, and nobody else waits for it.
    async fn look(self: &Arc<Self>) -> Option<Look> {
        let tls = self.clone();
        tokio::task::spawn_blocking(move || tls.files.look()).await.unwrap_or_default()
    }

    async fn take(self: &Arc<Self>) -> Result<(), String> {
        let tls = self.clone();
        let read = tokio::task::spawn_blocking(move || tls.files.read(&tls.provider)).await;
        let key = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }
}

/// The certificate of new connections.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[cfg(test)]
mod tests;
