//! Every log passes the same suite: in memory, on a simulated disk without threads, on a real disk with threads.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use millpond_log::conformance::{Subject, every_promise};
use millpond_log::segment_log::LogConfig;
use millpond_log::{FaultyDisk, Log, LogId, MemoryConfig, MemoryLog, MemoryStorage, RealDisk, SegmentLog};

struct InMemory(MemoryStorage);

impl Subject for InMemory {
    fn open(&mut self) -> Box<dyn Log> {
        let config =
            MemoryConfig { budget_bytes: 100_000, in_flight_max_bytes: 20_000, payload_max_bytes: 10_000 };
        Box::new(MemoryLog::open(self.0.clone(), config))
    }

    fn wait_for_progress(&mut self) {}
}

fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 16 * 1024,
        budget_bytes: 160 * 1024,
        block_bytes: 512,
        ready_segments: 2,
        recycled_segments_max: 3,
        in_flight_max_bytes: 24 * 1024,
        ..LogConfig::default()
    }
}

struct Inline(FaultyDisk);

impl Subject for Inline {
    fn open(&mut self) -> Box<dyn Log> {
        let (log, _) = SegmentLog::open_inline(Arc::new(self.0.clone()), small(), LogId([1; 16])).unwrap();
        Box::new(log)
    }

    fn wait_for_progress(&mut self) {}
}

struct Threaded {
    directory: tempfile::TempDir,
    woken: Receiver<()>,
    wake: Sender<()>,
}

impl Subject for Threaded {
    fn open(&mut self) -> Box<dyn Log> {
        let disk = RealDisk::open(self.directory.path()).unwrap();
        let wake = self.wake.clone();
        let waker: millpond_log::Waker = Arc::new(move || wake.send(()).unwrap_or_default());
        let (log, _) = SegmentLog::open_threaded(Arc::new(disk), small(), LogId([1; 16]), &waker).unwrap();
        Box::new(log)
    }

    fn wait_for_progress(&mut self) {
        self.woken.recv_timeout(Duration::from_secs(30)).expect("progress is always announced");
    }
}

#[test]
fn the_log_in_memory() {
    every_promise(|| InMemory(MemoryStorage::default()));
}

#[test]
fn the_segment_log_without_threads() {
    every_promise(|| Inline(FaultyDisk::new(1)));
}

#[test]
fn the_segment_log_with_threads() {
    every_promise(|| {
        let (wake, woken) = channel();
        Threaded { directory: tempfile::tempdir().unwrap(), woken, wake }
    });
}
