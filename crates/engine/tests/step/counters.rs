//! What is counted for metrics: what really happened in each queue, and nothing twice.

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::message::{DeduplicationKey, GroupKey};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::AttributePatch;
use millpond_core::quota::{Quota, QuotaScope, QuotaUnit, Quotas};
use millpond_engine::counters::QueueCounters;
use millpond_engine::step::EngineConfig;

use crate::support::{Stage, create, delete, find, key, message, receive, send, send_sized};

fn counters(stage: &Stage, name: &str) -> QueueCounters {
    let all = stage.engine.queue_counters(None, usize::MAX);
    all.into_iter().find(|(queue, _)| *queue == stage.queue_id(name)).unwrap().1
}

#[test]
fn a_message_is_counted_on_its_way() {
    let mut stage = Stage::new();
    stage.carry(send_sized("q", 1, 100));
    stage.carry(send_sized("q", 2, 11));
    let handed = stage.hand_out(receive("q", 10));
    stage.carry(receive("q", 10));
    let receipts: Vec<_> = handed.iter().map(|handed| handed.receipt).collect();
    stage.carry(delete("q", &receipts));
    stage.carry(delete("q", &receipts));
    let expected = QueueCounters {
        sent: 2,
        sent_bytes: 111,
        received: 2,
        empty_receives: 1,
        deleted: 2,
        ..QueueCounters::default()
    };
    assert_eq!(counters(&stage, "q"), expected);
}

#[test]
fn a_long_poll_counts_once_when_it_is_answered() {
    let mut stage = Stage::new();
    stage.ask_waiting(receive("q", 1), 5);
    stage.settle();
    assert_eq!(counters(&stage, "q"), QueueCounters::default());
    stage.carry(send("q", 1));
    assert_eq!((counters(&stage, "q").received, counters(&stage, "q").empty_receives), (1, 0));
    stage.ask_waiting(receive("q", 1), 5);
    stage.pass_secs(5);
    stage.tick();
    assert_eq!((counters(&stage, "q").received, counters(&stage, "q").empty_receives), (1, 1));
}

#[test]
fn a_duplicate_is_counted_as_one_and_has_no_size() {
    let mut stage = Stage::new();
    let fifo = AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() };
    stage.carry(create("q.fifo", fifo));
    // The sizes tell which of them were counted.
    let named = |id: u128, name: u128| NewMessage {
        group: Some(GroupKey::new(1)),
        deduplication: Some(SendName::Given(DeduplicationKey(name))),
        ..message(id, &vec![b'x'; 10_usize.pow(u32::try_from(id).unwrap())], None)
    };
    let messages = vec![named(1, 1), named(2, 1), named(3, 2)];
    stage.carry(Command::Send { key: key("q.fifo"), messages });
    stage.carry(Command::Send { key: key("q.fifo"), messages: vec![named(4, 2)] });
    let expected =
        QueueCounters { sent: 2, sent_bytes: 10 + 1_000, deduplicated: 2, ..QueueCounters::default() };
    assert_eq!(counters(&stage, "q.fifo"), expected);
}

#[test]
fn what_a_quota_refuses_is_not_counted() {
    let queue = Quota { messages: Some(1), bytes: None };
    let config = EngineConfig { quotas: Quotas { queue, ..Quotas::NONE }, ..EngineConfig::default() };
    let mut stage = Stage::with(config);
    let messages = vec![message(1, b"1", None), message(2, b"22", None)];
    let Outcome::Sent(results) = stage.carry(Command::Send { key: key("q"), messages }) else { panic!() };
    let (scope, unit) = (QuotaScope::Queue, QuotaUnit::Messages);
    assert_eq!(results[1], Err(Refusal::QuotaExceeded { scope, unit, limit: 1 }));
    assert_eq!((counters(&stage, "q").sent, counters(&stage, "q").sent_bytes), (1, 1));
}

#[test]
fn counters_come_in_pages_and_go_with_their_queue() {
    let mut stage = Stage::new();
    stage.carry(create("r", AttributePatch::default()));
    stage.carry(send("q", 1));
    let first = stage.engine.queue_counters(None, 1);
    assert_eq!(first.iter().map(|(queue, _)| *queue).collect::<Vec<_>>(), [stage.queue_id("q")]);
    let rest = stage.engine.queue_counters(Some(first[0].0), 10);
    assert_eq!(rest, [(stage.queue_id("r"), QueueCounters::default())]);
    stage.carry(Command::DeleteQueue { key: key("q") });
    assert_eq!(stage.engine.queue_counters(None, 10), rest);
    stage.carry(create("q", AttributePatch::default()));
    assert_eq!(counters(&stage, "q"), QueueCounters::default());
}

#[test]
fn batches_are_counted_by_their_events() {
    let mut stage = Stage::new();
    let before = stage.engine.stats().batch_events;
    for id in 0..5 {
        stage.ask(send("q", id));
    }
    stage.settle();
    stage.carry(send("q", 9));
    stage.carry(find("q"));
    let after = stage.engine.stats().batch_events;
    let grown: Vec<u64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(grown[..4], [1, 0, 1, 0], "one of one event, one of five");
}
