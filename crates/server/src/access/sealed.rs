//! What the platform keeps that holds secrets: sealed with the master key under a name.

use millpond_iam::secret::Unsealable;

use super::Access;
use crate::entropy;

impl Access {
    /// Seals what is kept under `name`.
    #[must_use]
    pub fn seal(&self, name: &str, plain: &[u8]) -> Vec<u8> {
        let random = entropy::draw().to_le_bytes();
        let nonce = random.first_chunk().expect("16 bytes hold the 12 of a nonce");
        self.config.master.seal(name, *nonce, plain)
    }

    /// Opens what [`Access::seal`] sealed under `name`.
    ///
    /// # Errors
    /// [`Unsealable`].
    pub fn unseal(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        self.config.master.open(name, sealed)
    }
}
