//! What is not let in: space in the log in reserve order, and too much under way.

use millpond_core::command::Command;
use millpond_core::document::{DocumentKey, ExpectedRevision};
use millpond_core::queue::AttributePatch;
use millpond_engine::admission::{Denied, Limits, Load, Room};
use millpond_engine::step::{Body, EngineConfig, Input, Reply};
use millpond_log::Usage;

use crate::support::{START, Stage, create, delete, find, key, receive, send, send_sized};

fn with_free(free_bytes: u64, disk_full: bool) -> Stage {
    let mut stage = Stage::new();
    let load = Load { budget_bytes: 6_400, free_bytes, disk_full, ..Load::default() };
    stage.step(Input::Space(load));
    stage
}

fn denied(stage: &mut Stage, command: Command) -> Option<Denied> {
    let before = stage.engine.state().digest();
    let asked = stage.ask(command);
    let refusal = if stage.has_left(asked) {
        match stage.take(asked) {
            Reply::Denied(denied) => Some(denied),
            Reply::Done { .. } => None,
        }
    } else {
        None
    };
    if refusal.is_some() {
        assert_eq!(stage.engine.state().digest(), before, "a command that was not let in changes nothing");
    }
    refusal
}

#[test]
fn space_is_given_out_in_reserve_order() {
    let sends = || {
        let value = bytes::Bytes::from_static(b"v");
        let document = DocumentKey { collection: "c".to_owned(), name: "n".to_owned() };
        [
            send("q", 1),
            create("new", AttributePatch::default()),
            Command::PutDocument { key: document, expected: ExpectedRevision::Any, value },
        ]
    };
    let receives = || [receive("q", 1), Command::ChangeVisibility { key: key("q"), changes: Vec::new() }];
    let deletes = || [delete("q", &[]), Command::PurgeQueue { key: key("q") }];
    let reads = || [find("q"), Command::DescribeQueues { after: None, limit: 1 }];
    for (free_bytes, send_goes, receive_goes, delete_goes) in [
        (800, true, true, true),
        (799, false, true, true),
        (400, false, true, true),
        (399, false, false, true),
        (100, false, false, true),
        (99, false, false, false),
        (0, false, false, false),
    ] {
        let mut stage = with_free(free_bytes, false);
        let full = |goes: bool| if goes { None } else { Some(Denied::LogFull) };
        for command in sends() {
            assert_eq!(denied(&mut stage, command), full(send_goes), "{free_bytes} bytes free");
        }
        for command in receives() {
            assert_eq!(denied(&mut stage, command), full(receive_goes), "{free_bytes} bytes free");
        }
        for command in deletes() {
            assert_eq!(denied(&mut stage, command), full(delete_goes), "{free_bytes} bytes free");
        }
        for command in reads() {
            assert_eq!(denied(&mut stage, command), None, "reads need no space");
        }
    }
}

#[test]
fn a_full_disk_is_named() {
    assert_eq!(denied(&mut with_free(0, true), send("q", 1)), Some(Denied::DiskFull));
}

#[test]
fn service_resumes_when_space_returns() {
    let mut stage = with_free(0, true);
    assert!(denied(&mut stage, send("q", 1)).is_some());
    stage.step(Input::Space(Load { budget_bytes: 6_400, free_bytes: 6_400, ..Load::default() }));
    assert_eq!(denied(&mut stage, send("q", 1)), None);
}

#[test]
fn on_a_full_disk_receives_and_deletes_go_on_in_what_is_ready() {
    // A young directory: two segments of 64 filled with zeros ahead of use, and then the disk is full.
    let segment_bytes = 16 << 20;
    let usage = Usage {
        budget_bytes: 64 * segment_bytes,
        used_bytes: 2 * segment_bytes,
        ready_bytes: 2 * segment_bytes,
        disk_full: true,
        sealed: Vec::new(),
    };
    let mut stage = Stage::new();
    stage.step(Input::Space(Load::of(&usage)));
    assert_eq!(denied(&mut stage, receive("q", 1)), None);
    assert_eq!(denied(&mut stage, delete("q", &[])), None);
    let ready_bytes = segment_bytes / 4;
    stage.step(Input::Space(Load::of(&Usage { ready_bytes, ..usage.clone() })));
    assert_eq!(denied(&mut stage, send("q", 1)), Some(Denied::DiskFull), "sends are refused first");
    assert_eq!(denied(&mut stage, receive("q", 1)), None);
    stage.step(Input::Space(Load::of(&Usage { ready_bytes: 0, ..usage })));
    assert_eq!(denied(&mut stage, delete("q", &[])), Some(Denied::DiskFull));
}

#[test]
fn too_many_held_replies_are_overload() {
    let limits = Limits { held_replies: 3, ..Limits::default() };
    let mut stage = Stage::with(EngineConfig { limits, ..EngineConfig::default() });
    for id in 1..=3 {
        assert_eq!(denied(&mut stage, send("q", id)), None);
    }
    assert_eq!(denied(&mut stage, send("q", 4)), Some(Denied::Overloaded));
    assert_eq!(denied(&mut stage, find("q")), Some(Denied::Overloaded), "a read would be held as well");
    stage.settle();
    assert_eq!(denied(&mut stage, send("q", 5)), None);
}

#[test]
fn too_many_bytes_that_wait_for_the_log_are_overload() {
    let limits = Limits { pending_bytes: 10_000, ..Limits::default() };
    let mut stage = Stage::with(EngineConfig { limits, batch_bytes: 4_000, ..EngineConfig::default() });
    for id in 1..=3 {
        assert_eq!(denied(&mut stage, send_sized("q", id, 3_500)), None);
    }
    assert_eq!(denied(&mut stage, send_sized("q", 4, 10)), Some(Denied::Overloaded));
    stage.sync();
    assert_eq!(denied(&mut stage, send_sized("q", 5, 10)), None, "what is durable waits no more");
}

#[test]
fn too_many_bytes_in_held_replies_are_overload_for_receives_alone() {
    for cache_bytes in [0, 1 << 20] {
        let limits = Limits { reply_bytes: 7_000, ..Limits::default() };
        let mut stage = Stage::with(EngineConfig { limits, cache_bytes, ..EngineConfig::default() });
        for id in 1..=4 {
            stage.carry(send_sized("q", id, 3_500));
        }
        assert_eq!(denied(&mut stage, receive("q", 2)), None);
        assert_eq!(denied(&mut stage, receive("q", 1)), Some(Denied::Overloaded));
        assert_eq!(denied(&mut stage, send_sized("q", 5, 3_500)), None);
        assert_eq!(denied(&mut stage, delete("q", &[])), None);
        let bodies = stage.reads.drain(..).map(|(read, bodies)| (read, vec![Body::Gone; bodies.len()]));
        for (read, bodies) in bodies.collect::<Vec<_>>() {
            stage.step(Input::Bodies { read, bodies });
        }
        stage.settle();
        assert_eq!(denied(&mut stage, receive("q", 1)), None, "replies that have left hold nothing");
    }
}

#[test]
fn those_who_wait_are_served_when_replies_hold_less_again() {
    let limits = Limits { reply_bytes: 4_000, ..Limits::default() };
    let mut stage = Stage::with(EngineConfig { limits, ..EngineConfig::default() });
    let waiting: Vec<_> = (0..3).map(|_| stage.ask_waiting(receive("q", 1), 20)).collect();
    stage.settle();
    for id in 1..=3 {
        stage.ask(send_sized("q", id, 3_500));
    }
    stage.settle();
    assert_eq!(
        waiting.iter().filter(|request| stage.has_left(**request)).count(),
        2,
        "one goes over the limit"
    );
    stage.now = stage.engine.next_due().unwrap();
    assert!(stage.now <= START.plus_millis(100), "soon");
    stage.tick();
    stage.settle();
    assert!(waiting.iter().all(|request| stage.has_left(*request)));
}

#[test]
fn too_many_waiters_are_overload() {
    let limits = Limits { waiters: 2, ..Limits::default() };
    let mut stage = Stage::with(EngineConfig { limits, ..EngineConfig::default() });
    let first = stage.ask_waiting(receive("q", 1), 20);
    stage.ask_waiting(receive("q", 1), 20);
    let third = stage.ask_waiting(receive("q", 1), 20);
    assert!(matches!(stage.take(third), Reply::Denied(Denied::Overloaded)));
    assert_eq!(denied(&mut stage, receive("q", 1)), None, "a short poll needs no place");
    stage.step(Input::Closed { request: first });
    let fourth = stage.ask_waiting(receive("q", 1), 20);
    assert!(!stage.has_left(fourth));
}

#[test]
fn the_room_that_is_left_is_told_in_the_same_order() {
    let of = |free_bytes| Load { budget_bytes: 6_400, free_bytes, ..Load::default() }.room();
    let told = [800, 799, 400, 399, 100, 99, 0].map(of);
    let expected =
        [Room::Sends, Room::Receives, Room::Receives, Room::Deletes, Room::Deletes, Room::None, Room::None];
    assert_eq!(told, expected);
    assert_eq!(Load { budget_bytes: 0, ..Load::default() }.room(), Room::None, "no room is none");
}
