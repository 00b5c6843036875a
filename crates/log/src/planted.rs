//! Bugs that the tests of the tests plant, one at a time, by one switch of the thread.
//!
//! This module is there only with the feature `simulation`, which no build that ships asks for. The simulation that has to
//! catch them does not know which one is planted.

use std::cell::Cell;

/// A bug. The first word of [`Bug::name`] is what it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Batches are reported durable before they are synced.
    ReplyBeforeSync,
    /// A reply without events is not held.
    EventlessReplyNotHeld,
    /// Names of files are not synced.
    DirectoryNotSynced,
    /// A failed sync is tried again.
    FailedSyncRetried,
    /// A checkpoint reaches further than what is durable.
    CheckpointAheadOfDurable,
    /// The log is trimmed before the checkpoint is synced.
    TrimBeforeCheckpoint,
    /// The store is not synced.
    StoreNotSynced,
    /// Recovery takes frames that an earlier start has cut.
    StaleFrameAccepted,
    /// Recovery forgets the last batch.
    LastBatchNotReplayed,
    /// A lease is not logged.
    LeaseNotLogged,
    /// A checkpoint forgets a receive.
    ReceiveCountLost,
    /// A delete is not logged.
    DeleteNotLogged,
    /// A change of a lease is not logged.
    VisibilityChangeNotLogged,
    /// A purge is not logged.
    PurgeNotLogged,
    /// The move of a dead letter is not logged.
    DeadLetterNotLogged,
    /// A change of settings is not logged.
    AttributesNotLogged,
    /// A write of a document is not logged.
    DocumentNotLogged,
    /// A checkpoint forgets what was sent before.
    DeduplicationLost,
    /// The hold of expiry after an outage is not logged.
    HoldNotLogged,
    /// Bytes of bodies are not verified.
    BodyNotVerified,
    /// What is taken out while the store still shows it is not remembered.
    GoneNotRemembered,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::ReplyBeforeSync,
        Self::EventlessReplyNotHeld,
        Self::DirectoryNotSynced,
        Self::FailedSyncRetried,
        Self::CheckpointAheadOfDurable,
        Self::TrimBeforeCheckpoint,
        Self::StoreNotSynced,
        Self::StaleFrameAccepted,
        Self::LastBatchNotReplayed,
        Self::LeaseNotLogged,
        Self::ReceiveCountLost,
        Self::DeleteNotLogged,
        Self::VisibilityChangeNotLogged,
        Self::PurgeNotLogged,
        Self::DeadLetterNotLogged,
        Self::AttributesNotLogged,
        Self::DocumentNotLogged,
        Self::DeduplicationLost,
        Self::HoldNotLogged,
        Self::BodyNotVerified,
        Self::GoneNotRemembered,
    ];

    /// What it does, in words. The words are in no binary without the feature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReplyBeforeSync => "planted: a reply before its sync",
            Self::EventlessReplyNotHeld => "planted: a reply without events not held",
            Self::DirectoryNotSynced => "planted: a directory not synced",
            Self::FailedSyncRetried => "planted: a failed sync tried again",
            Self::CheckpointAheadOfDurable => "planted: a checkpoint ahead of what is durable",
            Self::TrimBeforeCheckpoint => "planted: a trim before the checkpoint is synced",
            Self::StoreNotSynced => "planted: a store not synced",
            Self::StaleFrameAccepted => "planted: a stale frame accepted",
            Self::LastBatchNotReplayed => "planted: the last batch not replayed",
            Self::LeaseNotLogged => "planted: a lease not logged",
            Self::ReceiveCountLost => "planted: a receive count lost",
            Self::DeleteNotLogged => "planted: a delete not logged",
            Self::VisibilityChangeNotLogged => "planted: a visibility change not logged",
            Self::PurgeNotLogged => "planted: a purge not logged",
            Self::DeadLetterNotLogged => "planted: a dead letter's move not logged",
            Self::AttributesNotLogged => "planted: a change of settings not logged",
            Self::DocumentNotLogged => "planted: a document not logged",
            Self::DeduplicationLost => "planted: a deduplication entry lost",
            Self::HoldNotLogged => "planted: a hold of expiry not logged",
            Self::BodyNotVerified => "planted: a body not verified",
            Self::GoneNotRemembered => "planted: a message taken out and not remembered",
        }
    }
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// The switch: plants a bug in everything that runs on this thread from now on, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether a bug is planted.
#[must_use]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}
