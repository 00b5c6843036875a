//! Replay: what does not belong to a state is found, and rows go in where they belong.

use bytes::Bytes;
use millpond_core::event::Event;
use millpond_core::evolve::Inconsistent;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::state::State;

use crate::support::{Machine, START};

const NONE: QueueId = QueueId(99);

#[test]
fn an_event_of_a_queue_that_is_not_there_is_found() {
    let sent = Event::MessageSent {
        queue: NONE,
        sequence: Sequence(1),
        visible_at: START,
        group: None,
        deduplication: None,
        payload: Bytes::from_static(b"x"),
    };
    let attributes = millpond_core::queue::QueueAttributes::default();
    let events = [
        sent,
        Event::QueueAttributesSet { queue: NONE, attributes },
        Event::QueueDeleted { queue: NONE },
        Event::QueuePurged { queue: NONE, below: Sequence(1) },
        Event::MessagesReceived { queue: NONE, visible_at: START, sequences: vec![Sequence(1)] },
    ];
    for event in &events {
        assert_eq!(State::new().apply(START, [event]), Err(Inconsistent::NoSuchQueue(NONE)), "{event:?}");
    }
}

#[test]
fn an_event_of_a_message_that_is_not_there_is_found() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let queue = machine.queue("orders").record.id;
    let sequences = vec![Sequence(1), Sequence(2)];
    let events = [
        Event::MessagesReceived { queue, visible_at: START, sequences: sequences.clone() },
        Event::LeasesReturned { queue, sequences: sequences.clone() },
        Event::VisibilityChanged { queue, sequence: Sequence(2), visible_at: START },
        Event::MessagesDeleted { queue, sequences: sequences.clone() },
        Event::MessagesExpired { queue, sequences },
        Event::MessageQuarantined { queue, sequence: Sequence(2) },
    ];
    let missing = MessageRef { queue, sequence: Sequence(2) };
    for event in &events {
        let result = machine.state.clone().apply(START, [event]);
        assert_eq!(result, Err(Inconsistent::NoSuchMessage(missing)), "{event:?}");
    }
}

#[test]
fn a_message_out_of_sequence_is_found() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 2);
    let queue = machine.queue("orders").record.id;
    for sequence in [0, 1, 2, 4].map(Sequence) {
        let payload = Bytes::from_static(b"x");
        let event = Event::MessageSent {
            queue,
            sequence,
            visible_at: START,
            group: None,
            deduplication: None,
            payload,
        };
        let expected = Inconsistent::OutOfSequence(MessageRef { queue, sequence });
        assert_eq!(machine.state.clone().apply(START, [&event]), Err(expected));
    }
}

#[test]
fn a_message_row_without_its_queue_is_found() {
    let message = MessageRef { queue: NONE, sequence: Sequence(1) };
    let entry = Entry::sent(START, START, 1, None);
    assert_eq!(State::new().restore_message(message, entry), Err(Inconsistent::NoSuchQueue(NONE)));
}

#[test]
fn the_digest_tells_each_kind_of_row_apart() {
    let mut machine = Machine::with_queue("orders");
    let mut digests = vec![State::new().digest(), machine.state.digest()];
    machine.send("orders", 1);
    digests.push(machine.state.digest());
    machine.receive("orders", 1);
    digests.push(machine.state.digest());
    let queue = machine.queue("orders").record.id;
    let document = crate::support::document_key("stack", "a");
    let value = Bytes::from_static(b"v");
    machine.apply(&[Event::DocumentPut { key: document, revision: 0, value }]);
    digests.push(machine.state.digest());
    machine.apply(&[Event::Initialised { receipt_key: [7; 16] }]);
    digests.push(machine.state.digest());
    machine.apply(&[Event::QueueAttributesSet {
        queue,
        attributes: millpond_core::queue::QueueAttributes { delay_secs: 1, ..Default::default() },
    }]);
    digests.push(machine.state.digest());
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn the_digest_tells_documents_apart_that_share_their_revision() {
    let digest = |events: &[Event]| {
        let mut state = State::new();
        state.apply(START, events).unwrap();
        state.digest()
    };
    let key = || crate::support::document_key("stack", "a");
    let put = |value| Event::DocumentPut { key: key(), revision: 0, value: Bytes::from_static(value) };
    let one = digest(&[put(b"1")]);
    assert_ne!(one, digest(&[put(b"2")]));
    assert_ne!(one, digest(&[put(b"1"), Event::DocumentRemoved { key: key() }]));
}
