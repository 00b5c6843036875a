//! A certificate and its key, in two files of PEM.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

/// Why a certificate and its key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file can't be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system answered.
        error: io::Error,
    },
    /// There is no certificate in the file.
    #[error("{0} holds no certificate; it is PEM with -----BEGIN CERTIFICATE-----")]
    NoCertificate(PathBuf),
    /// There is no key in the file.
    #[error(
        "{0} holds no key that can be read; it is PEM with -----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or EC PRIVATE KEY, \
         and not encrypted"
    )]
    NoKey(PathBuf),
    /// The two do not belong together, or one is damaged.
    #[error("the certificate of {certificate} can't be used with the key of {key}: {reason}")]
    Unfit {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PairFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// What tells a file from the one that was there before: device, inode, size, times of contents and of the inode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look([(u64, u64, u64, [i64; 4]); 2]);

impl PairFiles {
    /// How the files look; none when one is not there.
    pub(super) fn look(&self) -> Option<Look> {
        Some(Look([look_at(&self.certificate)?, look_at(&self.key)?]))
    }

    /// Reads both.
    pub(super) fn read(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, PairError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&contents(&self.key)?)
            .map_err(|_| PairError::NoKey(self.key.clone()))?;
        let fitting = CertifiedKey::from_der(chain, key, provider).map_err(|error| PairError::Unfit {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            reason: error.to_string(),
        })?;
        Ok(Arc::new(fitting))
    }
}

/// The certificates of a file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PairError> {
    let contents = contents(path)?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&contents).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| PairError::NoCertificate(path.to_owned()))
}

fn contents(path: &Path) -> Result<Vec<u8>, PairError> {
    fs::read(path).map_err(|error| PairError::Unreadable { path: path.to_owned(), error })
}

fn look_at(path: &Path) -> Option<(u64, u64, u64, [i64; 4])> {
    let found = fs::metadata(path).ok()?;
    let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()];
    Some((found.dev(), found.ino(), found.len(), times))
}
