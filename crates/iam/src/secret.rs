//! Secrets: text that no `Debug` or `Display` shows, and the seal that keeps it unreadable at rest.
//!
//! What always holds: sealed bytes can be opened only with the master key that sealed them and under the same name; what
//! is derived from the master key for one purpose tells nothing of what it yields for another.
//!
//! Sealed bytes are: one byte that is 1, the nonce (12 bytes), the ciphertext, the tag (16 bytes). The key is
//! HMAC-SHA256 of `millpond seal 1` under the master key, the name is the associated data.

use std::fmt;

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

/// A secret access key, or another text that must not be shown. Two are compared in a time that tells nothing but whether
/// their lengths differ.
#[derive(Clone)]
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

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (own, its) = (self.0.as_bytes(), other.0.as_bytes());
        let differences = own.iter().zip(its).fold(0, |sum, (a, b)| std::hint::black_box(sum | (a ^ b)));
        own.len() == its.len() && differences == 0
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What seals secrets at rest and session tokens. 32 bytes of the user's configuration directory or the environment.
pub struct MasterKey {
    root: hmac::Key,
    seal: LessSafeKey,
    /// What session tokens are sealed with, and what their secrets follow from.
    pub(crate) tokens: LessSafeKey,
    pub(crate) token_secrets: hmac::Key,
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

const VERSION: u8 = 1;
pub(crate) const NONCE_BYTES: usize = aead::NONCE_LEN;

impl MasterKey {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let branch = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
        let aes = |purpose: &str| {
            let key = UnboundKey::new(&aead::AES_256_GCM, branch(purpose).as_ref());
            LessSafeKey::new(key.expect("HMAC-SHA256 yields the 32 bytes that AES-256 takes"))
        };
        Self {
            seal: aes("millpond seal 1"),
            tokens: aes("millpond session token 1"),
            token_secrets: hmac::Key::new(hmac::HMAC_SHA256, branch("millpond session secret 1").as_ref()),
            root,
        }
    }

    /// Seals `plain` (AES-256-GCM; `nonce` must never be used twice). `name` says what it is for and must be given again.
    #[must_use]
    pub fn seal(&self, name: &str, nonce: [u8; 12], plain: &[u8]) -> Vec<u8> {
        seal(&self.seal, name, nonce, plain)
    }

    /// Opens what [`MasterKey::seal`] made.
    ///
    /// # Errors
    /// [`Unsealable`].
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        open(&self.seal, name, sealed)
    }

    /// A key of its own for one purpose: HMAC-SHA256 of `millpond derive 1`, a zero byte and the purpose. Used for the
    /// tokens of workloads, which can be told again after a restart without being stored.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.root);
        context.update(b"millpond derive 1\0");
        context.update(purpose.as_bytes());
        context.sign().as_ref().try_into().expect("HMAC-SHA256 yields 32 bytes")
    }
}

/// One byte of version, the nonce, the ciphertext with its tag.
pub(crate) fn seal(key: &LessSafeKey, name: &str, nonce: [u8; NONCE_BYTES], plain: &[u8]) -> Vec<u8> {
    let start = 1 + NONCE_BYTES;
    let mut sealed = Vec::with_capacity(start + plain.len() + key.algorithm().tag_len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(name.as_bytes()), &mut sealed[start..])
        .expect("what is sealed is far smaller than 64 GiB");
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

pub(crate) fn open(key: &LessSafeKey, name: &str, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
    let (version, rest) = sealed.split_first().ok_or(Unsealable)?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Unsealable)?;
    if *version != VERSION {
        return Err(Unsealable);
    }
    let mut plain = rest.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let bytes =
        key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut plain).map_err(|_| Unsealable)?.len();
    plain.truncate(bytes);
    Ok(plain)
}

#[cfg(test)]
mod tests;
