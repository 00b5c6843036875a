//! What the cache answers is what was sent, whatever is moved, purged, deleted and checkpointed meanwhile; and it keeps
//! nothing that is of no use.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::message::{MessageRef, QueueId, Sequence};
use millpond_log::Position;

use super::{Bodies, BodyPlace, Cached};

const STEPS: usize = 4_000;

/// Bodies with the batches that they are in, and what each message that is there says.
struct Model {
    bodies: Bodies,
    batch: Vec<u8>,
    position: Position,
    next_sequence: u64,
    sent: u8,
    messages: BTreeMap<MessageRef, Bytes>,
}

impl Model {
    fn new(budget_bytes: usize) -> Self {
        Self {
            bodies: Bodies::new(budget_bytes),
            batch: vec![0; 13],
            position: Position(1),
            next_sequence: 1,
            sent: 0,
            messages: BTreeMap::new(),
        }
    }

    fn name(&mut self, queue: u64) -> MessageRef {
        self.next_sequence += 1;
        MessageRef { queue: QueueId(queue), sequence: Sequence(self.next_sequence) }
    }

    fn send(&mut self, queue: u64, length: usize) -> MessageRef {
        let message = self.name(queue);
        self.sent = self.sent.wrapping_add(1);
        let payload = vec![self.sent; length];
        let offset = u32::try_from(self.batch.len()).unwrap();
        self.bodies.collect(message, self.position, offset, u32::try_from(length).unwrap());
        self.batch.extend_from_slice(&payload);
        self.messages.insert(message, payload.into());
        message
    }

    fn move_to(&mut self, queue: u64, before: MessageRef) -> MessageRef {
        let after = self.name(queue);
        let payload = self.messages.remove(&before).unwrap();
        self.bodies.rename(before, after, self.position);
        self.messages.insert(after, payload);
        after
    }

    fn delete(&mut self, message: MessageRef) {
        self.messages.remove(&message).unwrap();
        self.bodies.forget(message);
    }

    fn purge(&mut self, queue: u64) {
        self.messages.retain(|message, _| message.queue != QueueId(queue));
        self.bodies.forget_below(QueueId(queue), Sequence(self.next_sequence + 1));
    }

    fn end_batch(&mut self) {
        self.bodies.keep(self.position, &Bytes::from(std::mem::replace(&mut self.batch, vec![0; 13])));
        self.position = self.position.next();
    }

    fn found(&self, message: MessageRef) -> Option<Bytes> {
        match self.bodies.cached(message)? {
            Cached::Whole(payload) => Some(payload),
            Cached::Collected(range) => Some(Bytes::copy_from_slice(&self.batch[range])),
        }
    }

    /// How many of those that are there the cache has; what it has is right.
    fn check(&self) -> usize {
        let found = self.messages.iter().filter_map(|(message, sent)| {
            let found = self.found(*message)?;
            assert_eq!(found, *sent, "{message:?}");
            Some(found)
        });
        found.count()
    }
}

/// One step at random. Only what is durable is evicted and checkpointed.
fn step(model: &mut Model, random: &mut fastrand::Rng, checkpoints: bool) {
    let one = random.choice(model.messages.keys().copied().collect::<Vec<_>>());
    match (random.u8(..24), one) {
        (0..8, _) => drop(model.send(random.u64(1..4), random.usize(1..40))),
        (8..12, Some(message)) => drop(model.move_to(random.u64(1..4), message)),
        (12..18, Some(message)) => model.delete(message),
        (18, _) => model.purge(random.u64(1..4)),
        (19..22, _) => model.end_batch(),
        (22, _) => model.bodies.evict(Position(model.position.0 - 1)),
        (23, _) if checkpoints => model.bodies.checkpointed(Position(random.u64(..model.position.0))),
        _ => {}
    }
}

#[test]
fn with_room_every_message_is_cached_until_it_is_gone() {
    let mut random = fastrand::Rng::with_seed(5);
    let mut model = Model::new(usize::MAX);
    for _ in 0..STEPS {
        step(&mut model, &mut random, false);
        assert_eq!(model.check(), model.messages.len());
    }
    model.end_batch();
    for message in model.messages.keys().copied().collect::<Vec<_>>() {
        model.delete(message);
    }
    assert_eq!(model.bodies.cached_bytes(), 0);
}

#[test]
fn what_the_cache_has_is_right_with_little_room_and_checkpoints() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut model = Model::new(random.usize(..500));
        let mut found = 0;
        for _ in 0..STEPS {
            step(&mut model, &mut random, true);
            found += model.check();
        }
        assert!(found > 0);
    }
}

#[test]
fn a_purge_of_a_queue_that_a_message_has_passed_does_not_touch_it() {
    let mut model = Model::new(usize::MAX);
    let first = model.send(1, 10);
    let second = model.move_to(2, first);
    let third = model.move_to(3, second);
    model.end_batch();
    model.purge(1);
    model.purge(2);
    assert_eq!(model.check(), 1);
    let BodyPlace::Moved { earlier, .. } = model.bodies.place(third, 10) else { panic!("it was moved") };
    assert_eq!(earlier, [second, first]);
}

#[test]
fn behind_a_message_that_stays_nothing_piles_up() {
    let mut model = Model::new(usize::MAX);
    model.send(1, 10);
    model.end_batch();
    for _ in 0..10_000 {
        let message = model.send(1, 10);
        model.end_batch();
        model.delete(message);
        let durable = Position(model.position.0 - 1);
        model.bodies.evict(durable);
        model.bodies.checkpointed(durable);
    }
    assert!(model.bodies.batches.len() < 2_000, "{} batches", model.bodies.batches.len());
    assert_eq!(model.bodies.in_log[&QueueId(1)].len(), 1);
    assert_eq!((model.check(), model.bodies.sent_behind_store()), (1, 0));
}

#[test]
fn what_is_not_durable_is_not_evicted() {
    let mut model = Model::new(0);
    model.send(1, 10);
    model.end_batch();
    model.send(1, 10);
    model.end_batch();
    model.bodies.evict(Position(1));
    assert_eq!(model.check(), 1);
    model.bodies.evict(Position(2));
    assert_eq!((model.check(), model.bodies.cached_bytes()), (0, 0));
}
