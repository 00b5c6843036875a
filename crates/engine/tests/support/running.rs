//! A running engine with its threads, in memory or on what a test gives it, and calls to it.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::sync::Arc;

use millpond_core::command::Command;
use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;
use millpond_engine::clock::SystemClock;
use millpond_engine::driver::{self, Inbox, Parts, Running};
use millpond_engine::handle::{Answer, CallError, EngineHandle};
use millpond_engine::recovery::recover;
use millpond_engine::step::{EngineConfig, Wait};
use millpond_log::{Log, MemoryLog};
use millpond_store::{MemoryStore, Store};
use tokio::task::JoinHandle;

use super::{RECEIPT_KEY, START, create, receive};

pub(crate) const UNDER_WAY_LIMIT_BYTES: usize = 1 << 20;

pub(crate) fn start(mut log: Box<dyn Log>, store: Box<dyn Store>, inbox: Inbox) -> Running {
    let recovered = recover(log.as_mut(), store.as_ref()).unwrap();
    let noted = recovered.state.instance().noted_reading;
    let clock = Arc::new(SystemClock::starting(START.max(recovered.state.clock()), noted.as_ref(), [0; 16]));
    let under_way_limit_bytes = UNDER_WAY_LIMIT_BYTES;
    let parts = Parts { log, store, recovered, clock, under_way_limit_bytes };
    driver::start(EngineConfig::default(), parts, inbox, RECEIPT_KEY).unwrap()
}

pub(crate) fn start_in_memory() -> Running {
    start(Box::new(MemoryLog::new()), Box::new(MemoryStore::new()), Inbox::default())
}

pub(crate) async fn call(handle: &EngineHandle, command: Command) -> Answer {
    handle.call(command, Wait::Secs(0), 100).await.unwrap()
}

pub(crate) async fn call_waiting(handle: &EngineHandle, command: Command) -> Result<Answer, CallError> {
    handle.call(command, Wait::Secs(20), 100).await
}

pub(crate) fn receive_counts(answer: &Answer) -> Vec<u32> {
    let Outcome::Received { deliveries, .. } = &answer.outcome else { panic!("{answer:?}") };
    deliveries.iter().map(|delivery| delivery.receive_count).collect()
}

pub(crate) async fn until_waiters_are(handle: &EngineHandle, count: usize) {
    while handle.status().await.unwrap().engine.waiters != count {
        tokio::task::yield_now().await;
    }
}

/// What someone who waits for a message will get.
pub(crate) type Awaited = JoinHandle<Result<Answer, CallError>>;

/// Someone who waits for a message of `q`, and the engine knows.
pub(crate) async fn wait_for_a_message(handle: &EngineHandle) -> Awaited {
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { call_waiting(&handle, receive("q", 1)).await }
    });
    until_waiters_are(handle, 1).await;
    waiting
}

/// An engine in memory with the queue `q`, and someone who waits for a message of it.
pub(crate) async fn start_with_a_wait() -> (Running, Awaited) {
    let running = start_in_memory();
    call(&running.handle, create("q", AttributePatch::default())).await;
    let waiting = wait_for_a_message(&running.handle).await;
    (running, waiting)
}
