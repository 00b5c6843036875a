//! Every store passes the same suite: in memory, on a simulated disk, on a real disk.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::sync::Arc;

use millpond_log::{FaultyDisk, RealDisk};
use millpond_store::conformance::{Subject, every_promise};
use millpond_store::{MemoryStore, RedbConfig, RedbStore, Store};

struct InMemory(MemoryStore);

impl Subject for InMemory {
    fn open(&mut self) -> Box<dyn Store> {
        Box::new(self.0.clone())
    }
}

struct Simulated(FaultyDisk);

impl Subject for Simulated {
    fn open(&mut self) -> Box<dyn Store> {
        Box::new(
            RedbStore::open(
                Arc::new(self.0.clone()),
                RedbConfig { cache_bytes: 1 << 20, payload_file_bytes: 16 << 10, ..RedbConfig::default() },
            )
            .unwrap(),
        )
    }
}

struct Real(tempfile::TempDir);

impl Subject for Real {
    fn open(&mut self) -> Box<dyn Store> {
        let disk = RealDisk::open(self.0.path()).unwrap();
        Box::new(RedbStore::open(Arc::new(disk), RedbConfig::default()).unwrap())
    }
}

#[test]
fn the_memory_store_keeps_every_promise() {
    every_promise(|| InMemory(MemoryStore::new()));
}

#[test]
fn the_redb_store_keeps_every_promise_on_a_simulated_disk() {
    let mut seed = 0;
    every_promise(|| {
        seed += 1;
        Simulated(FaultyDisk::new(seed))
    });
}

#[test]
fn the_redb_store_keeps_every_promise_on_a_real_disk() {
    every_promise(|| Real(tempfile::tempdir().unwrap()));
}
