//! Who reads all that is there holds the log, and never at the cost of sends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use std::sync::Arc;

use millpond_core::queue::AttributePatch;
use millpond_engine::EngineHandle;
use millpond_engine::clock::SystemClock;
use millpond_engine::driver::{self, Inbox, Parts, Running};
use millpond_engine::recovery::recover;
use millpond_engine::step::{EngineConfig, Wait};
use millpond_log::{MemoryConfig, MemoryLog, MemoryStorage, Position, ReadError};
use millpond_store::{MemoryStore, Store};

use support::{RECEIPT_KEY, START, create, send_sized};

const BUDGET_BYTES: u64 = 200_000;
const BODY_BYTES: usize = 1_000;

fn start() -> Running {
    let config = MemoryConfig { budget_bytes: BUDGET_BYTES, ..MemoryConfig::default() };
    let mut log = MemoryLog::open(MemoryStorage::default(), config);
    let store = MemoryStore::new();
    let recovered = recover(&mut log, &store as &dyn Store).unwrap();
    let clock = Arc::new(SystemClock::starting(START, None, [0; 16]));
    let (log, store) = (Box::new(log), Box::new(store));
    let parts = Parts { log, store, recovered, clock, under_way_limit_bytes: 1 << 20 };
    driver::start(EngineConfig::default(), parts, Inbox::default(), RECEIPT_KEY).unwrap()
}

/// Whether a message was let in.
async fn send(handle: &EngineHandle, id: u128) -> bool {
    handle.call(send_sized("q", id, BODY_BYTES), Wait::Secs(0), BODY_BYTES).await.is_ok()
}

async fn until_more_is_reflected(handle: &EngineHandle, than: Position) {
    while handle.status().await.unwrap().reflected <= than {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_stays_until_it_is_let_go_of_or_sends_need_the_room() {
    let running = start();
    let handle = &running.handle;
    handle.call(create("q", AttributePatch::default()), Wait::Secs(0), 100).await.unwrap();
    assert!(send(handle, 999).await);
    let acknowledged = handle.status().await.unwrap().durable;
    let held = handle.hold_log().await.unwrap();
    assert!(held.through >= acknowledged && acknowledged > Position::NONE, "{held:?} {acknowledged}");
    assert!(held.log.read(held.through).is_ok());
    let mut id = 1;
    // More than half of the budget, so that checkpoints are due, and less than what sends leave free.
    while id * (BODY_BYTES as u128) < u128::from(BUDGET_BYTES) * 6 / 10 {
        assert!(send(handle, id).await);
        id += 1;
    }
    until_more_is_reflected(handle, Position::NONE).await;
    handle.call(support::find("q"), Wait::Secs(0), 0).await.unwrap();
    assert!(held.log.read(Position::FIRST).is_ok(), "a checkpoint was taken, and the log is not trimmed");
    // As many again: sends go on, and the hold gives way.
    for _ in 0..BUDGET_BYTES / BODY_BYTES as u64 * 2 {
        while !send(handle, id).await {
            tokio::task::yield_now().await;
        }
        id += 1;
    }
    assert!(matches!(held.log.read(Position::FIRST), Err(ReadError::Trimmed { .. })));
    drop(held);
    running.handle.stop();
    tokio::task::spawn_blocking(move || running.join()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_ends_lets_the_log_be_trimmed() {
    let running = start();
    let handle = &running.handle;
    handle.call(create("q", AttributePatch::default()), Wait::Secs(0), 100).await.unwrap();
    let held = handle.hold_log().await.unwrap();
    let log = held.log.clone();
    drop(held);
    let mut id = 1;
    while log.read(Position::FIRST).is_ok() {
        while !send(handle, id).await {
            tokio::task::yield_now().await;
        }
        id += 1;
    }
    running.handle.stop();
    tokio::task::spawn_blocking(move || running.join()).await.unwrap().unwrap();
}
