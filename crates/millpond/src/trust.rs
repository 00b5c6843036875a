//! Which certificates client commands accept: those of the system, of `AWS_CA_BUNDLE`, and those that services of this user
//! have made themselves.
//!
//! What always holds: a service is never talked to over TLS without its certificate being verified.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::note;

/// The certificate of the service that this process is.
static OWN: OnceLock<PathBuf> = OnceLock::new();
/// Where systems keep the certificates that they trust.
const OF_SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A connection, over TLS or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// This process calls itself, too: before its note is there.
pub(crate) fn own(bundle: Option<PathBuf>) {
    if let Some(bundle) = bundle {
        // There is one service in a process.
        let _ = OWN.set(bundle);
    }
}

/// What a person or a service of this user trusts, beside what the system does.
fn bundles() -> Vec<PathBuf> {
    let named = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let of_notes = note::living().into_iter().filter_map(|note| note.ca_bundle);
    named.into_iter().chain(OWN.get().cloned()).chain(of_notes).collect()
}

/// What SDK clients need; nothing when what the system trusts is all there is.
pub(crate) fn context() -> Option<TlsContext> {
    let given: Vec<Vec<u8>> = bundles().iter().filter_map(|path| fs::read(path).ok()).collect();
    // A file without a certificate would make the client panic.
    let given = given.into_iter().filter(|pem| !certificates(pem).is_empty());
    let store = |store: Option<TrustStore>, pem| Some(store.unwrap_or_default().with_pem_certificate(pem));
    let store = given.fold(None, store)?;
    TlsContext::builder().with_trust_store(store).build().ok()
}

/// Connects to scheme, host and port.
pub(crate) async fn connect(endpoint: &str) -> io::Result<Box<dyn Stream>> {
    let malformed = || io::Error::other(format!("{endpoint} is no http://HOST:PORT or https://HOST:PORT"));
    let (scheme, authority) = endpoint.trim_end_matches('/').split_once("://").ok_or_else(malformed)?;
    let (host, port) = match authority.rsplit_once(':').filter(|_| !authority.ends_with(']')) {
        Some((host, port)) => (host, port.parse().map_err(|_| malformed())?),
        None => (authority, if scheme == "https" { 443 } else { 80 }),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, port)).await?;
    if scheme != "https" {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|_| malformed())?;
    Ok(Box::new(connector()?.connect(name, stream).await?))
}

fn connector() -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    let system = OF_SYSTEM.iter().map(PathBuf::from).find(|path| path.exists());
    for path in bundles().into_iter().chain(system) {
        if let Ok(pem) = fs::read(path) {
            roots.add_parsable_certificates(certificates(&pem));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).flatten().collect()
}
