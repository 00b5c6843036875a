//! What access rests on, and why it can't be had.

use millpond_core::outcome::Refusal;
use millpond_engine::handle::CallError;
use millpond_iam::identity::Unreadable;
use millpond_iam::secret::{MasterKey, Secret};

/// Whether callers are identified and policies count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Every request is verified and authorised.
    On,
    /// Any key is taken; a 12-digit one names its account, every caller is the root of its account. For tests.
    Off,
}

/// The root key of the default account.
#[derive(Clone, Debug)]
pub struct RootKey {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
}

/// What access rests on.
#[derive(Debug)]
pub struct AccessConfig {
    /// Whether it is enforced.
    pub enforcement: Enforcement,
    /// The root key of the default account; not kept with the data.
    pub root: RootKey,
    /// Seals what is kept with the data; not kept with it.
    pub master: MasterKey,
}

impl AccessConfig {
    /// Without enforcement, as tests of other programs want it. The keys are the same in every process, so that data
    /// written by one can be read by the next; they protect nothing.
    #[must_use]
    pub fn off() -> Self {
        Self::for_tests(Enforcement::Off)
    }

    /// With the root key `test` whose secret is `test`, as tests want it.
    #[must_use]
    pub fn for_tests(enforcement: Enforcement) -> Self {
        let root = RootKey { access_key_id: "test".to_owned(), secret_access_key: Secret::new("test") };
        Self { enforcement, root, master: MasterKey::new([0; 32]) }
    }
}

/// Why access can't be had from the data.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A record was sealed with another master key, or is damaged.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The data was written with another master key.
    #[error(
        "the identities in the data were sealed with another master key; put back the one they were written with (the \
         file master-key of the configuration directory, or MILLPOND_MASTER_KEY), or give the identities up with \
         `millpond serve --forget-identities`"
    )]
    OtherMasterKey,
    /// The engine does not answer.
    #[error("the identities could not be read: {0}")]
    Engine(#[from] CallError),
    /// The engine refused to keep what was to be written.
    #[error("the identities could not be written: {0}")]
    Refused(#[from] Refusal),
}
