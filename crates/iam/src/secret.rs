//! Secrets: text that no `Debug` or `Display` shows, and the seal that keeps it unreadable at rest.
//!
//! What always holds: sealed bytes can be opened only with the master key that sealed them and under the same name.

use std::fmt;

/// A secret access key, or another text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What seals secrets at rest and session tokens. 32 bytes of the user's configuration directory or the environment.
pub struct MasterKey {
    bytes: [u8; 32],
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Sealed bytes were not sealed with this key under this name, or were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed with another master key, or damaged")]
pub struct Unsealable;

impl MasterKey {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self { bytes }
    }

    /// Seals `plain` (AES-256-GCM; `nonce` must never be used twice). `name` says what it is for and must be given again.
    #[must_use]
    pub fn seal(&self, name: &str, nonce: [u8; 12], plain: &[u8]) -> Vec<u8> {
        let _ = (name, nonce, plain, &self.bytes);
        unimplemented!()
    }

    /// Opens what [`MasterKey::seal`] made.
    ///
    /// # Errors
    /// [`Unsealable`].
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let _ = (name, sealed);
        unimplemented!()
    }

    /// A key of its own for one purpose: HMAC-SHA256 of the purpose. Used for the tokens of workloads, which can be told
    /// again after a restart without being stored.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let _ = purpose;
        unimplemented!()
    }
}
