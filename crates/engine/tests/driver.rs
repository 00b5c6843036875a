//! The threads around the engine: callers that come and go, a log that fails, an orderly stop.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use std::collections::BTreeSet;
use std::future::Future;
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::message::Receipt;
use millpond_core::outage::HoldReason;
use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;
use millpond_engine::driver::{Fatal, Inbox, Running};
use millpond_engine::handle::{Answer, CallError};
use millpond_engine::step::Wait;
use millpond_log::{
    Bounds, ConfirmError, Disk, FaultyDisk, Log, LogConfig, LogId, LogReader, MemoryConfig, MemoryLog,
    MemoryStorage, Position, Progress, ReadError, RealDisk, SegmentLog, SubmitError, TrimError,
};
use millpond_store::{
    Changes, MemoryStore, RedbConfig, RedbStore, Store, StoreError, StoreReader, Usage, Visitor,
};

use support::running::{
    call, call_waiting, receive_counts, start, start_in_memory, start_with_a_wait, until_waiters_are,
    wait_for_a_message,
};
use support::{RECEIPT_KEY, create, delete, id_of, key, receive, receive_for, send, send_sized};

fn start_on(disk: Arc<dyn Disk>) -> Running {
    let inbox = Inbox::default();
    let config = LogConfig { segment_bytes: 1 << 20, budget_bytes: 8 << 20, ..LogConfig::default() };
    let (log, _) = SegmentLog::open_threaded(disk.clone(), config, LogId([1; 16]), &inbox.waker()).unwrap();
    let store = RedbStore::open(disk, RedbConfig::default()).unwrap();
    start(Box::new(log), Box::new(store), inbox)
}

fn start_in(directory: &Path) -> Running {
    start_on(Arc::new(RealDisk::open(directory).unwrap()))
}

fn receipts(answer: &Answer) -> Vec<Receipt> {
    let Outcome::Received { queue, deliveries } = &answer.outcome else { panic!("{answer:?}") };
    let receipt = |sequence, delivery| Receipt { queue: *queue, sequence, delivery };
    deliveries.iter().map(|delivery| receipt(delivery.sequence, delivery.delivery)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_callers_lose_nothing_and_share_nothing() {
    const SENDERS: u128 = 8;
    const EACH: u128 = 40;
    let directory = tempfile::tempdir().unwrap();
    let running = start_in(directory.path());
    call(&running.handle, create("q", AttributePatch::default())).await;
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let handle = running.handle.clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    call(&handle, send("q", sender * EACH + number)).await;
                }
            })
        })
        .collect();
    let receivers: Vec<_> = (0..4)
        .map(|_| {
            let handle = running.handle.clone();
            tokio::spawn(async move {
                let mut received = Vec::new();
                while !received.contains(&u128::MAX) {
                    let answer = call_waiting(&handle, receive_for("q", 10, 600)).await.unwrap();
                    received.extend(answer.payloads.iter().map(id_of));
                    let receipts = receipts(&answer);
                    answer.lease.delivered();
                    call(&handle, delete("q", &receipts)).await;
                }
                received
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    // One message for each receiver says that no more will come. Someone may take two: more are sent until all end.
    while !receivers.iter().all(tokio::task::JoinHandle::is_finished) {
        call(&running.handle, send("q", u128::MAX)).await;
    }
    let mut all = Vec::new();
    for receiver in receivers {
        all.extend(receiver.await.unwrap().into_iter().filter(|id| *id != u128::MAX));
    }
    assert_eq!(all.len(), (SENDERS * EACH) as usize, "each exactly once");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), (0..SENDERS * EACH).collect());
    running.handle.stop();
    running.join().unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_stop() {
    let directory = tempfile::tempdir().unwrap();
    let running = start_in(directory.path());
    call(&running.handle, create("q", AttributePatch::default())).await;
    for id in 1..=5 {
        call(&running.handle, send("q", id)).await;
    }
    let answer = call(&running.handle, receive_for("q", 1, 600)).await;
    let held = receipts(&answer);
    answer.lease.delivered();
    running.handle.stop();
    running.join().unwrap();

    let running = start_in(directory.path());
    assert_eq!(running.receipt_key, RECEIPT_KEY);
    let answer = call(&running.handle, receive("q", 10)).await;
    assert_eq!(answer.payloads.iter().map(id_of).collect::<Vec<_>>(), [2, 3, 4, 5], "the first is leased");
    answer.lease.delivered();
    let deleted = call(&running.handle, delete("q", &held)).await;
    assert_eq!(deleted.outcome, Outcome::Deleted(vec![Ok(())]));
    running.handle.stop();
    running.join().unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_its_wait_with_it() {
    let (running, waiting) = start_with_a_wait().await;
    let handle = running.handle.clone();
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    until_waiters_are(&handle, 0).await;
    call(&handle, send("q", 1)).await;
    assert_eq!(receive_counts(&call(&handle, receive("q", 1)).await), [1]);
}

#[tokio::test]
async fn an_answer_that_is_dropped_gives_its_leases_back() {
    let running = start_in_memory();
    let handle = &running.handle;
    call(handle, create("q", AttributePatch::default())).await;
    call(handle, send("q", 1)).await;
    let first = call(handle, receive("q", 1)).await;
    let lost = receipts(&first);
    drop(first);
    let second = call(handle, receive("q", 1)).await;
    assert_eq!(receive_counts(&second), [1], "the first never arrived");
    assert_ne!(receipts(&second), lost);
    second.lease.delivered();
    assert_eq!(receive_counts(&call(handle, receive("q", 1)).await), [0; 0], "the second did");
}

#[tokio::test]
async fn a_reply_that_nobody_looked_at_gives_its_leases_back() {
    let running = start_in_memory();
    let handle = &running.handle;
    call(handle, create("q", AttributePatch::default())).await;
    call(handle, send("q", 1)).await;
    {
        let mut receiving = pin!(handle.call(receive_for("q", 1, 600), Wait::Secs(0), 100));
        let polled = receiving.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
        // Replies leave in order: when this one has come, the other lies ready, and its caller goes away.
        call(handle, Command::DescribeQueue { key: key("q") }).await;
    }
    let again = call(handle, receive("q", 1)).await;
    assert_eq!(receive_counts(&again), [1], "it is visible again at once");
}

#[tokio::test]
async fn replies_of_a_log_without_threads_do_not_wait_for_the_next_tick() {
    let running = start_in_memory();
    let work = async {
        call(&running.handle, create("q", AttributePatch::default())).await;
        for id in 0..60 {
            call(&running.handle, send("q", id)).await;
        }
    };
    // One tick a second: they would take a minute.
    tokio::time::timeout(Duration::from_secs(20), work).await.unwrap();
}

#[tokio::test]
async fn a_log_that_fails_stops_the_engine_and_tells_every_caller() {
    let disk = FaultyDisk::new(1);
    let running = start_on(Arc::new(disk.clone()));
    let handle = running.handle.clone();
    call(&handle, create("q", AttributePatch::default())).await;
    let waiting = wait_for_a_message(&handle).await;
    disk.cut_at_call(disk.calls() + 1);
    // Not `Ok`, for it is not durable, and not for ever.
    let sent = handle.call(send("q", 1), Wait::Secs(0), 100).await;
    assert_eq!(sent.unwrap_err(), CallError::Stopped);
    assert_eq!(waiting.await.unwrap().unwrap_err(), CallError::Stopped);
    let fatal = running.join().unwrap_err();
    assert!(matches!(fatal, Fatal::Log(_)), "{fatal}");
    assert!(fatal.to_string().contains("Check the disk"), "{fatal}");
    assert_eq!(handle.call(send("q", 2), Wait::Secs(0), 100).await.unwrap_err(), CallError::Stopped);
    assert_eq!(handle.status().await.unwrap_err(), CallError::Stopped);
}

/// A store whose `apply` does what a test wants.
struct Hooked {
    inner: MemoryStore,
    hook: Box<dyn FnMut() + Send>,
}

impl Store for Hooked {
    fn reflected(&self) -> Position {
        self.inner.reflected()
    }

    fn load(&self, limit: u64, visitor: &mut dyn Visitor) -> Result<(), StoreError> {
        self.inner.load(limit, visitor)
    }

    fn apply(&mut self, changes: Changes, reflected: Position) -> Result<(), StoreError> {
        (self.hook)();
        self.inner.apply(changes, reflected)
    }

    fn reclaim(&mut self, limit_rows: usize) -> Result<bool, StoreError> {
        self.inner.reclaim(limit_rows)
    }

    fn reader(&self) -> Arc<dyn StoreReader> {
        self.inner.reader()
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }
}

/// A log that tells when it is dropped.
struct Watched {
    inner: MemoryLog,
    dropped: Sender<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Not every test listens.
        let _ = self.dropped.send(());
    }
}

impl Log for Watched {
    fn bounds(&self) -> Bounds {
        self.inner.bounds()
    }

    fn payload_max_bytes(&self) -> usize {
        self.inner.payload_max_bytes()
    }

    fn submit(&mut self, expected: Position, payload: Bytes) -> Result<(), SubmitError> {
        self.inner.submit(expected, payload)
    }

    fn poll(&mut self) -> Progress {
        self.inner.poll()
    }

    fn confirm(&mut self) -> Result<(), ConfirmError> {
        self.inner.confirm()
    }

    fn replay(
        &mut self,
        from: Position,
        visit: &mut dyn FnMut(Position, Bytes) -> ControlFlow<()>,
    ) -> Result<Position, ReadError> {
        self.inner.replay(from, visit)
    }

    fn trim(&mut self, before: Position) -> Result<(), TrimError> {
        self.inner.trim(before)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.inner.reader()
    }
}

/// An engine with a queue and with a log so full that a checkpoint is due.
async fn start_hooked(dropped: Sender<()>, hook: impl FnMut() + Send + 'static) -> Running {
    let config = MemoryConfig { budget_bytes: 40_000, ..MemoryConfig::default() };
    let log = Watched { inner: MemoryLog::open(MemoryStorage::default(), config), dropped };
    let store = Hooked { inner: MemoryStore::new(), hook: Box::new(hook) };
    let running = start(Box::new(log), Box::new(store), Inbox::default());
    call(&running.handle, create("q", AttributePatch::default())).await;
    // More than half of the budget, and less than what leaves too little for sends.
    for id in 1..=25 {
        call(&running.handle, send_sized("q", id, 1_000)).await;
    }
    running
}

#[tokio::test]
async fn a_checkpoint_that_panics_stops_the_engine() {
    let running = start_hooked(channel().0, || panic!("as this test wants it")).await;
    while running.handle.status().await.is_ok() {}
    let fatal = running.join().unwrap_err();
    assert!(matches!(&fatal, Fatal::Panicked(what) if what.contains("checkpoint")), "{fatal}");
}

#[tokio::test]
async fn the_directory_is_let_go_only_when_nothing_writes_the_store_any_more() {
    let (entered, has_entered) = channel();
    let (release, released) = channel::<()>();
    let (dropped, was_dropped) = channel();
    let running = start_hooked(dropped, move || {
        entered.send(()).unwrap();
        // An error means that the test is over.
        let _ = released.recv();
    })
    .await;
    while has_entered.try_recv().is_err() {
        running.handle.status().await.unwrap();
    }
    running.handle.stop();
    while running.handle.status().await.is_ok() {}
    // The engine is at its end, and a checkpoint is being written. The log holds the lock of the directory.
    let early = was_dropped.recv_timeout(Duration::from_millis(200));
    assert_eq!(early, Err(RecvTimeoutError::Timeout), "another may open the store now, while it is written");
    release.send(()).unwrap();
    running.join().unwrap();
    was_dropped.recv().unwrap();
}

#[tokio::test]
async fn a_clock_put_forward_does_not_go_back_over_a_restart() {
    const DAY: Duration = Duration::from_secs(86_400);
    let directory = tempfile::tempdir().unwrap();
    let running = start_in(directory.path());
    call(&running.handle, create("q", AttributePatch::default())).await;
    call(&running.handle, send("q", 1)).await;
    let before = running.handle.status().await.unwrap().now;
    running.handle.advance_clock(DAY).await.unwrap();
    let after = running.handle.status().await.unwrap().now;
    assert!(after >= before.plus_secs(86_400));
    running.handle.stop();
    running.join().unwrap();
    let running = start_in(directory.path());
    let status = running.handle.status().await.unwrap();
    assert!(status.now >= after);
    let in_doubt = status.expiry_hold.filter(|hold| hold.reason == HoldReason::ClockJump);
    assert_eq!(in_doubt, None, "the jump is explained");
    running.handle.stop();
    running.join().unwrap();
}
