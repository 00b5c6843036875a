//! A reset with calls in between.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::sync::Arc;

use millpond_core::name::{AccountId, QueueName, Region};
use millpond_core::outcome::QueueDescription;
use millpond_core::queue::RedrivePolicy;
use millpond_core::time::Timestamp;
use millpond_engine::clock::SystemClock;
use millpond_engine::driver::{self, Inbox, Parts, Running};
use millpond_engine::recovery::recover;
use millpond_engine::step::EngineConfig;
use millpond_log::{Log, MemoryLog};
use millpond_store::MemoryStore;

use super::*;
use crate::access::AccessConfig;

fn engine() -> Running {
    let (mut log, store): (Box<dyn Log>, _) = (Box::new(MemoryLog::new()), Box::new(MemoryStore::new()));
    let recovered = recover(log.as_mut(), store.as_ref()).unwrap();
    let clock = Arc::new(SystemClock::starting(Timestamp::from_millis(1), None, [1; 16]));
    let parts = Parts { log, store, recovered, clock, under_way_limit_bytes: 1 << 24 };
    driver::start(EngineConfig::default(), parts, Inbox::default(), [0; 16]).unwrap()
}

fn key(name: &str) -> QueueKey {
    let region = Region::parse("us-east-1").unwrap();
    QueueKey { account: AccountId::DEFAULT, region, name: QueueName::parse(name).unwrap() }
}

fn declared(name: &str, attributes: AttributePatch) -> Command {
    let tags: Tags = [("team".to_owned(), "mill".to_owned())].into();
    Command::CreateQueue { key: key(name), attributes: attributes.into(), tags }
}

async fn after_reset(engine: &EngineHandle, queues: Vec<Command>, name: &str) -> QueueDescription {
    let config = Arc::new(AccessConfig::off());
    let access = Access::load(engine, AccountId::DEFAULT, config).await.unwrap();
    TestControls { queues }.reset(engine, &access).await.unwrap();
    let tags = Command::ListQueueTags { key: key(name) };
    let tags = engine.call(tags, Wait::Secs(0), 0).await.unwrap().outcome;
    assert_eq!(tags, Outcome::Tags([("team".to_owned(), "mill".to_owned())].into()), "{name}");
    let describe = Command::DescribeQueue { key: key(name) };
    match engine.call(describe, Wait::Secs(0), 0).await.unwrap().outcome {
        Outcome::Description(found) => *found,
        other => unreachable!("{other:?}"),
    }
}

/// What a call creates between the reset and the declared queue stands in the list before that queue.
#[tokio::test]
async fn a_queue_that_a_call_created_first_becomes_as_declared() {
    let running = engine();
    let settings = AttributePatch { visibility_timeout_secs: Some(5), ..AttributePatch::default() };
    let queues = vec![create(key("jobs")), declared("jobs", settings)];
    let found = after_reset(&running.handle, queues, "jobs").await;
    assert_eq!(found.attributes.visibility_timeout_secs, 5);

    let redrive = Some(Some(RedrivePolicy { target: key("dead.fifo"), max_receive_count: 3 }));
    let settings = AttributePatch { fifo_queue: Some(true), redrive, ..AttributePatch::default() };
    let queues = vec![create(key("dead.fifo")), create(key("in.fifo")), declared("in.fifo", settings)];
    let found = after_reset(&running.handle, queues, "in.fifo").await;
    assert_eq!(found.attributes.redrive.unwrap().max_receive_count, 3);
}

#[tokio::test]
async fn one_without_settings_gets_its_tags() {
    let running = engine();
    let queues = vec![create(key("plain")), declared("plain", AttributePatch::default())];
    after_reset(&running.handle, queues, "plain").await;
}
