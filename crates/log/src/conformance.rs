//! The suite that every log must pass, whatever lies under it.
//!
//! A test makes a [`Subject`] for its log and runs [`every_promise`]. Each promise of [`crate::contract`] that
//! can be seen without crashing is one function here. The subject's sizes must be small ([`Subject`] says how
//! small), so that rolling over, trimming and running out of room happen within a moment.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use crate::contract::{Log, Position, Progress, ReadError, SpaceCause, SubmitError, TrimError};

/// One storage, and how to open a log on it.
///
/// The log must take payloads of 3,000 bytes, bound what is in flight to at most 64 KiB, and have a budget from
/// 64 KiB to 1 MiB.
pub trait Subject {
    /// Opens the log: an empty one at first, then what the last one left. Only one log is open at a time.
    fn open(&mut self) -> Box<dyn Log>;

    /// Waits until the log that was opened last may have made progress.
    fn wait_for_progress(&mut self);
}

/// Runs the whole suite; `subject` makes a new, empty storage each time.
pub fn every_promise<S: Subject>(mut subject: impl FnMut() -> S) {
    a_new_log_is_empty(&mut subject());
    batches_come_back_in_order(&mut subject());
    a_batch_for_another_position_is_refused(&mut subject());
    a_batch_that_is_too_large_is_handed_back(&mut subject());
    a_header_only_batch_takes_a_position(&mut subject());
    what_is_in_flight_is_bounded(&mut subject());
    replay_begins_and_ends_where_it_should(&mut subject());
    what_is_not_durable_cannot_be_read(&mut subject());
    a_trim_keeps_everything_from_its_position_on(&mut subject());
    only_durable_batches_can_be_trimmed(&mut subject());
    a_full_log_goes_on_after_a_trim(&mut subject());
    a_long_life_stays_within_the_budget(&mut subject());
    a_reopened_log_goes_on_in_a_higher_epoch(&mut subject());
    parts_of_a_batch_can_be_read(&mut subject());
    readers_work_from_other_threads(&mut subject());
}

/// A payload that tells its position and has a length of its own.
#[must_use]
pub fn payload_of(position: Position) -> Bytes {
    let len = usize::try_from(position.0 * 977 % 3000).unwrap_or(0);
    let mut bytes = position.0.to_le_bytes().to_vec();
    bytes.resize(len.max(8), (position.0 % 251) as u8);
    Bytes::from(bytes)
}

/// Polls until `position` is durable.
pub fn settle<S: Subject>(subject: &mut S, log: &mut dyn Log, position: Position) {
    loop {
        match log.poll() {
            Progress::Durable(durable) if durable >= position => return,
            Progress::Durable(_) => subject.wait_for_progress(),
            other => assert!(matches!(other, Progress::Durable(_)), "the log has died: {other:?}"),
        }
    }
}

/// Submits the next batch, waiting as long as too much is in flight.
fn submit<S: Subject>(subject: &mut S, log: &mut dyn Log, payload: Bytes) -> Result<Position, SubmitError> {
    let tail = log.bounds().tail;
    let mut payload = payload;
    loop {
        match log.submit(tail, payload) {
            Err(SubmitError::Full(returned)) => {
                payload = returned;
                log.poll();
                subject.wait_for_progress();
            }
            other => return other.map(|()| tail),
        }
    }
}

/// Appends `count` batches and makes them durable.
fn append<S: Subject>(subject: &mut S, log: &mut dyn Log, count: u64) {
    for _ in 0..count {
        let payload = payload_of(log.bounds().tail);
        submit(subject, log, payload).expect("there is room");
    }
    let last = log.bounds().tail.previous();
    settle(subject, log, last);
}

fn collect(log: &mut dyn Log, from: Position) -> Vec<(Position, Bytes)> {
    let mut batches = Vec::new();
    let end = log.replay(from, &mut |position, payload| {
        batches.push((position, payload));
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(log.bounds().tail), "a replay goes to the tail");
    batches
}

fn expected(from: u64, to: u64) -> Vec<(Position, Bytes)> {
    (from..=to).map(|number| (Position(number), payload_of(Position(number)))).collect()
}

fn a_new_log_is_empty<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    let bounds = log.bounds();
    assert_eq!((bounds.first, bounds.tail), (Position::FIRST, Position::FIRST));
    assert!(bounds.epoch > 0);
    assert_eq!(log.poll(), Progress::Durable(Position::NONE));
    assert_eq!(collect(&mut *log, Position::FIRST), []);
    assert_eq!(log.confirm(), Ok(()));
    assert!(log.payload_max_bytes() >= 3000);
}

fn batches_come_back_in_order<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    append(subject, &mut *log, 20);
    assert_eq!(collect(&mut *log, Position::FIRST), expected(1, 20));
    let reader = log.reader();
    for number in 1..=20 {
        assert_eq!(reader.read(Position(number)), Ok(payload_of(Position(number))));
    }
    assert_eq!(reader.stats().batches, 20);
    assert!(reader.stats().groups <= 20);
}

fn a_batch_for_another_position_is_refused<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    append(subject, &mut *log, 2);
    for wrong in [0, 1, 2, 4] {
        let refused = log.submit(Position(wrong), Bytes::new());
        assert_eq!(refused, Err(SubmitError::WrongPosition { tail: Position(3) }));
    }
    append(subject, &mut *log, 1);
    assert_eq!(collect(&mut *log, Position::FIRST), expected(1, 3));
}

fn a_batch_that_is_too_large_is_handed_back<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    let limit_bytes = log.payload_max_bytes();
    let payload = Bytes::from(vec![7; limit_bytes + 1]);
    let refused = log.submit(Position::FIRST, payload.clone());
    assert_eq!(refused, Err(SubmitError::TooLarge { payload: payload.clone(), limit_bytes }));
    let largest = payload.slice(1..);
    assert_eq!(submit(subject, &mut *log, largest.clone()), Ok(Position::FIRST));
    settle(subject, &mut *log, Position::FIRST);
    assert_eq!(log.reader().read(Position::FIRST), Ok(largest));
}

fn a_header_only_batch_takes_a_position<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    append(subject, &mut *log, 1);
    submit(subject, &mut *log, Bytes::new()).expect("there is room");
    append(subject, &mut *log, 1);
    let batches = collect(&mut *log, Position::FIRST);
    assert_eq!(batches[1], (Position(2), Bytes::new()));
    assert_eq!(batches[2], (Position(3), payload_of(Position(3))));
    assert_eq!(log.reader().read(Position(2)), Ok(Bytes::new()));
}

fn what_is_in_flight_is_bounded<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    let payload = Bytes::from(vec![9; 3000]);
    let mut accepted = 0;
    // A log that writes at once may never be full; one that does not must be before a hundred are queued.
    for _ in 0..100 {
        match log.submit(log.bounds().tail, payload.clone()) {
            Ok(()) => accepted += 1,
            Err(SubmitError::Full(returned) | SubmitError::OutOfSpace { payload: returned, .. }) => {
                assert_eq!(returned, payload);
                break;
            }
            Err(other) => assert_eq!(other, SubmitError::Full(payload.clone())),
        }
    }
    assert!(accepted > 0, "one batch is always accepted");
    let last = log.bounds().tail.previous();
    settle(subject, &mut *log, last);
    assert_eq!(collect(&mut *log, Position::FIRST).len(), accepted);
}

fn replay_begins_and_ends_where_it_should<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    append(subject, &mut *log, 9);
    assert_eq!(collect(&mut *log, Position(4)), expected(4, 9));
    assert_eq!(collect(&mut *log, Position(10)), []);
    let mut visited = Vec::new();
    let end = log.replay(Position(2), &mut |position, _| {
        visited.push(position);
        if position == Position(5) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(end, Ok(Position(6)));
    assert_eq!(visited, [2, 3, 4, 5].map(Position));
    let beyond = log.replay(Position(11), &mut |_, _| ControlFlow::Continue(()));
    assert_eq!(beyond, Err(ReadError::NotDurable { durable: Position(9) }));
}

fn what_is_not_durable_cannot_be_read<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    append(subject, &mut *log, 3);
    let reader = log.reader();
    assert_eq!(reader.read(Position(4)), Err(ReadError::NotDurable { durable: Position(3) }));
    assert_eq!(reader.read_range(Position(4), 0..0), Err(ReadError::NotDurable { durable: Position(3) }));
    assert!(matches!(reader.read(Position::NONE), Err(ReadError::Trimmed { .. })));
}

fn a_trim_keeps_everything_from_its_position_on<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    append(subject, &mut *log, 25);
    for before in [1, 7, 7, 3, 20] {
        assert_eq!(log.trim(Position(before)), Ok(()));
        let first = log.bounds().first;
        assert!(first <= Position(before.max(20)));
        assert_eq!(collect(&mut *log, first), expected(first.0, 25));
        if first > Position::FIRST {
            assert_eq!(log.reader().read(first.previous()), Err(ReadError::Trimmed { first }));
        }
    }
    assert_eq!(log.trim(Position(26)), Ok(()));
    append(subject, &mut *log, 1);
    assert_eq!(collect(&mut *log, Position(26)), expected(26, 26));
}

fn only_durable_batches_can_be_trimmed<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    append(subject, &mut *log, 2);
    assert_eq!(log.trim(Position(4)), Err(TrimError::NotDurable { durable: Position(2) }));
    assert_eq!(collect(&mut *log, Position::FIRST), expected(1, 2));
}

fn a_full_log_goes_on_after_a_trim<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    let reader = log.reader();
    for _ in 0..3 {
        let first_unfit = loop {
            let payload = payload_of(log.bounds().tail);
            match submit(subject, &mut *log, payload.clone()) {
                Ok(_) => {}
                Err(refused) => {
                    assert_eq!(refused, SubmitError::OutOfSpace { payload, cause: SpaceCause::Budget });
                    break log.bounds().tail;
                }
            }
        };
        settle(subject, &mut *log, first_unfit.previous());
        let usage = reader.usage();
        assert!(usage.used_bytes <= usage.budget_bytes && usage.used_bytes > usage.budget_bytes / 2);
        let first = log.bounds().first;
        assert_eq!(collect(&mut *log, first), expected(first.0, first_unfit.0 - 1));
        let half = usage.sealed[usage.sealed.len() / 2];
        log.trim(half.last.next()).expect("it is durable");
        append(subject, &mut *log, 1);
    }
}

fn a_long_life_stays_within_the_budget<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    let reader = log.reader();
    for _ in 0..200 {
        append(subject, &mut *log, 5);
        let usage = reader.usage();
        assert!(usage.used_bytes <= usage.budget_bytes);
        assert!(usage.sealed.is_sorted_by(|older, newer| older.last.next() == newer.first));
        if usage.used_bytes > usage.budget_bytes / 4 {
            log.trim(log.bounds().tail).expect("it is durable");
        }
    }
    let bounds = log.bounds();
    assert_eq!(bounds.tail, Position(1001));
    assert!(bounds.first > Position(500), "trims free room: {bounds:?}");
    assert_eq!(collect(&mut *log, bounds.first), expected(bounds.first.0, 1000));
}

fn a_reopened_log_goes_on_in_a_higher_epoch<S: Subject>(subject: &mut S) {
    let mut epoch = 0;
    let mut trimmed = Position::FIRST;
    for round in 0..6 {
        let mut log = subject.open();
        let bounds = log.bounds();
        assert!(bounds.epoch > epoch);
        epoch = bounds.epoch;
        assert_eq!(bounds.tail, Position(round * 15 + 1));
        assert!(bounds.first <= trimmed);
        assert_eq!(collect(&mut *log, bounds.first), expected(bounds.first.0, round * 15));
        assert_eq!(log.poll(), Progress::Durable(bounds.tail.previous()));
        append(subject, &mut *log, 15);
        trimmed = Position(round * 10 + 1);
        log.trim(trimmed).expect("it is durable");
    }
}

fn parts_of_a_batch_can_be_read<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    let payload: Bytes = (0..=250).cycle().take(2000).collect::<Vec<u8>>().into();
    submit(subject, &mut *log, payload.clone()).expect("there is room");
    append(subject, &mut *log, 1);
    let reader = log.reader();
    for range in [0..0, 0..1, 0..2000, 777..1999, 2000..2000] {
        let part = payload.slice(range.start as usize..range.end as usize);
        assert_eq!(reader.read_range(Position::FIRST, range), Ok(part));
    }
    let outside = reader.read_range(Position::FIRST, 0..1 << 20);
    assert!(matches!(outside, Err(ReadError::Failed { .. })));
}

fn readers_work_from_other_threads<S: Subject>(subject: &mut S) {
    let mut log = subject.open();
    append(subject, &mut *log, 10);
    let reader = log.reader();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let reader = Arc::clone(&reader);
            std::thread::spawn(move || {
                for number in (1..=10).cycle().take(500) {
                    match reader.read(Position(number)) {
                        Ok(payload) => assert_eq!(payload, payload_of(Position(number))),
                        Err(refused) => assert!(matches!(refused, ReadError::Trimmed { .. }), "{refused}"),
                    }
                }
            })
        })
        .collect();
    for _ in 0..60 {
        append(subject, &mut *log, 5);
        log.trim(log.bounds().tail).expect("it is durable");
    }
    for thread in threads {
        assert!(thread.join().is_ok(), "every read was right or refused");
    }
}
