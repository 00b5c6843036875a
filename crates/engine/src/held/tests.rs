//! What waits is counted: replies, and the bytes of the payloads in them.

use bytes::Bytes;
use millpond_core::message::QueueId;
use millpond_core::outcome::Outcome;
use millpond_log::Position;

use super::{HeldReplies, Incomplete};
use crate::step::{ReadId, Reply, RequestId};

fn reply(payload_bytes: usize) -> Reply {
    let outcome = Outcome::Received { queue: QueueId(1), deliveries: Vec::new() };
    Reply::Done { outcome, payloads: vec![Bytes::from(vec![0; payload_bytes])] }
}

fn incomplete(payload_bytes: usize) -> Incomplete {
    Incomplete {
        position: Position(1),
        request: RequestId(3),
        reply: reply(0),
        payloads: vec![None],
        payload_bytes,
    }
}

#[test]
fn whatever_waits_is_counted_until_it_leaves() {
    let mut held = HeldReplies::default();
    held.hold(Position(2), RequestId(1), reply(100));
    held.hold_late(Position(3), RequestId(2), reply(20));
    held.wait_for_payloads(ReadId(1), incomplete(3));
    held.wait_for_payloads(ReadId(2), incomplete(4));
    assert_eq!((held.len(), held.payload_bytes()), (4, 127));
    assert!(held.take_reading(ReadId(1)).is_some());
    assert!(held.take_reading(ReadId(1)).is_none());
    assert_eq!((held.len(), held.payload_bytes()), (3, 124));
    assert!(held.release(Position(1)).is_none());
    assert_eq!(held.release(Position(2)).map(|(request, _)| request), Some(RequestId(1)));
    assert_eq!((held.len(), held.payload_bytes()), (2, 24));
    assert_eq!(held.release(Position(3)).map(|(request, _)| request), Some(RequestId(2)));
    assert!(held.take_reading(ReadId(2)).is_some());
    assert_eq!((held.len(), held.payload_bytes()), (0, 0));
}
