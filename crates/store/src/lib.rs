//! Where messages that outlive the log rest: the checkpoint of the log, in an embedded storage engine.
//!
//! | module | what it is |
//! |---|---|
//! | [`contract`] | `trait Store`, `trait StoreReader` and the changes they take: the promises |
//! | [`error`] | what went wrong, by what the caller must do |
//! | [`memory_store`] | the store without a disk |
//! | [`redb_store`] | the store on a disk |
//! | `payload_files` | where its payloads lie |
//! | `conformance` | the suite that every store must pass |
//!
//! The bytes on disk are listed in `docs/format/store.md`; figures come from `examples/checkpoint_figures.rs`.

#[doc(hidden)]
pub mod conformance;
pub mod contract;
pub mod error;
pub mod memory_store;
mod payload_files;
mod redb_disk;
pub mod redb_store;

pub use contract::{
    Changes, DamagedRow, Examiner, Flow, Found, MessageChange, Snapshot, Store, StoreReader, Usage, Visitor,
    Wanted,
};
pub use error::StoreError;
pub use memory_store::MemoryStore;
pub use redb_store::{RedbConfig, RedbStore};
