//! How a running engine stops, and what it does when more is asked than it may hold.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use millpond_core::queue::AttributePatch;
use millpond_engine::admission::Denied;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;
use support::running::{
    UNDER_WAY_LIMIT_BYTES, call, call_waiting, receive_counts, start_in_memory, start_with_a_wait,
};
use support::{create, receive, send, send_sized};

#[tokio::test]
async fn an_orderly_stop_answers_those_who_wait() {
    let (running, waiting) = start_with_a_wait().await;
    let handle = running.handle.clone();
    handle.stop();
    assert_eq!(receive_counts(&waiting.await.unwrap().unwrap()), [0; 0]);
    running.join().unwrap();
    assert_eq!(call_waiting(&handle, receive("q", 1)).await.unwrap_err(), CallError::Stopped);
}

#[tokio::test]
async fn an_engine_that_is_about_to_stop_carries_out_what_still_comes() {
    let (running, waiting) = start_with_a_wait().await;
    let handle = running.handle.clone();
    handle.drain();
    assert_eq!(receive_counts(&waiting.await.unwrap().unwrap()), [0; 0]);
    assert_eq!(receive_counts(&call_waiting(&handle, receive("q", 1)).await.unwrap()), [0; 0], "at once");
    call(&handle, send("q", 1)).await;
    assert_eq!(receive_counts(&call_waiting(&handle, receive("q", 1)).await.unwrap()), [1]);
    handle.stop();
    running.join().unwrap();
}

#[tokio::test]
async fn more_than_the_limit_under_way_is_overload() {
    let running = start_in_memory();
    let handle = &running.handle;
    let too_much =
        handle.call(create("q", AttributePatch::default()), Wait::Secs(0), UNDER_WAY_LIMIT_BYTES + 1);
    assert_eq!(too_much.await.unwrap_err(), CallError::Denied(Denied::Overloaded));
    let at_the_limit =
        handle.call(create("q", AttributePatch::default()), Wait::Secs(0), UNDER_WAY_LIMIT_BYTES);
    at_the_limit.await.unwrap();
    {
        let size_bytes = UNDER_WAY_LIMIT_BYTES;
        let mut waiting = pin!(handle.call(receive("q", 1), Wait::Secs(20), size_bytes));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let beside = handle.call(receive("q", 1), Wait::Secs(0), 1).await;
        assert_eq!(beside.unwrap_err(), CallError::Denied(Denied::Overloaded));
    }
    call(handle, receive("q", 1)).await;
}

#[tokio::test]
async fn replies_that_nobody_takes_hold_no_more_than_their_limit() {
    let running = start_in_memory();
    let handle = &running.handle;
    call(handle, create("q", AttributePatch::default())).await;
    let body_bytes = UNDER_WAY_LIMIT_BYTES / 2;
    for id in 1..=3 {
        call(handle, send_sized("q", id, body_bytes)).await;
    }
    let take = || handle.call(receive("q", 1), Wait::Secs(0), 1);
    // Each holds half of the limit and a little, and the first goes over it with the second.
    let first = take().await.unwrap();
    assert_eq!(take().await.unwrap_err(), CallError::Denied(Denied::Overloaded));
    call(handle, send("q", 4)).await;
    drop(first);
    let mut counts = Vec::new();
    for _ in 1..=3 {
        counts.extend(receive_counts(&take().await.unwrap()));
    }
    assert_eq!(counts, [1; 3], "what had no room was given back");
}
