//! What the clients of the crash matrix do: all that a disk call could spoil, in one short run; and what they find
//! after a crash.

use bytes::Bytes;
use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::document::{DocumentKey, ExpectedRevision};
use millpond_core::message::{DeduplicationKey, GroupKey, Receipt};
use millpond_core::outcome::{Delivery, Outcome, Refusal};
use millpond_core::queue::{AttributePatch, MoveTaskId, RedrivePolicy};

use crate::oracle::WITH_DEAD_LETTERS;
use crate::run::Run;
use crate::support::service::Died;
use crate::support::{create, delete, find, key, message, receive_for};

const STANDARD: &str = "orders";
const FIFO: &str = "steps.fifo";
const SHORT_LIVED: &str = "gone";
const PURGED: &str = "purged";
const DOCUMENTS: [&str; 2] = ["one", "two"];
/// So that a segment turns every few sends.
const BODY_BYTES: usize = 900;

pub(crate) fn script(run: &mut Run) -> Result<(), Died> {
    create_queues(run)?;
    for turn in 0..4 {
        traffic(run, turn)?;
        run.checkpoint()?;
        documents(run, turn)?;
        dead_letters(run)?;
        run.pass_secs(3);
        run.idle_millis(10)?;
    }
    send(run, PURGED, 2, None)?;
    run.ask(Command::PurgeQueue { key: key(PURGED) })?;
    send(run, PURGED, 1, None)?;
    run.ask(Command::DeleteQueue { key: key(SHORT_LIVED) })?;
    run.checkpoint()?;
    move_back(run)?;
    send(run, STANDARD, 3, None)?;
    receive(run, STANDARD, 4, 600)?;
    run.checkpoint()?;
    traffic(run, 4)
}

fn create_queues(run: &mut Run) -> Result<(), Died> {
    for name in [STANDARD, SHORT_LIVED, PURGED, WITH_DEAD_LETTERS.1] {
        run.ask(create(name, AttributePatch::default()))?;
    }
    let fifo = AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() };
    run.ask(create(FIFO, fifo))?;
    let policy = RedrivePolicy { target: key(WITH_DEAD_LETTERS.1), max_receive_count: 1 };
    let redrive = AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() };
    run.ask(create(WITH_DEAD_LETTERS.0, redrive)).map(drop)
}

fn traffic(run: &mut Run, turn: u32) -> Result<(), Died> {
    send(run, STANDARD, 3, None)?;
    send(run, STANDARD, 1, Some(60 + turn))?;
    send(run, FIFO, 3, None)?;
    if turn < 4 {
        send(run, SHORT_LIVED, 1, None)?;
    }
    receive(run, STANDARD, 2, 300)?;
    delete_one_held(run, STANDARD)?;
    receive(run, FIFO, 1, 300)?;
    delete_one_held(run, FIFO)?;
    receive(run, STANDARD, 1, 1)?;
    // A lease is given back, another is made longer.
    let held = held(run, STANDARD);
    if let [.., first, second] = held[..] {
        let changes = vec![(first, 0), (second, 900)];
        run.ask(Command::ChangeVisibility { key: key(STANDARD), changes })?;
    }
    send_again(run)
}

fn documents(run: &mut Run, turn: u32) -> Result<(), Died> {
    let value = Bytes::from(vec![b'a' + u8::try_from(turn).unwrap(); 300]);
    run.ask(Command::PutDocument { key: document(DOCUMENTS[0]), expected: ExpectedRevision::Any, value })?;
    if turn.is_multiple_of(2) {
        let value = Bytes::from_static(b"now and then");
        return run
            .ask(Command::PutDocument { key: document(DOCUMENTS[1]), expected: ExpectedRevision::Any, value })
            .map(drop);
    }
    run.ask(Command::RemoveDocument { key: document(DOCUMENTS[1]), expected: ExpectedRevision::Any })
        .map(drop)
}

/// Messages are received as often as they may be, and once more.
fn dead_letters(run: &mut Run) -> Result<(), Died> {
    send(run, WITH_DEAD_LETTERS.0, 2, None)?;
    receive(run, WITH_DEAD_LETTERS.0, 2, 1)?;
    run.pass_secs(2);
    receive(run, WITH_DEAD_LETTERS.0, 2, 1)
}

fn move_back(run: &mut Run) -> Result<(), Died> {
    let key = key(WITH_DEAD_LETTERS.1);
    let id = MoveTaskId::new(9);
    run.ask(Command::StartMoveTask { key, id, destination: None, back_to: None, messages_per_sec: None })?;
    for _ in 0..4 {
        run.idle_millis(10)?;
    }
    Ok(())
}

/// Sends so many messages, each of which has the number of its request as its id.
fn send(run: &mut Run, queue: &str, count: usize, delay_secs: Option<u32>) -> Result<(), Died> {
    let messages = (0..count).map(|_| new_message(run, queue, delay_secs)).collect::<Vec<_>>();
    // Half in one command, half in commands of their own.
    let (together, alone) = messages.split_at(count / 2);
    if !together.is_empty() {
        run.ask(Command::Send { key: key(queue), messages: together.to_vec() })?;
    }
    for message in alone {
        run.ask(Command::Send { key: key(queue), messages: vec![message.clone()] })?;
    }
    Ok(())
}

fn new_message(run: &mut Run, queue: &str, delay_secs: Option<u32>) -> NewMessage {
    let id = run.next_id();
    let body =
        vec![b'a' + u8::try_from(id % 26).unwrap(); BODY_BYTES + usize::try_from(id % 7).unwrap() * 90];
    let is_fifo = queue == FIFO;
    NewMessage {
        group: is_fifo.then(|| GroupKey::new(id % 2)),
        deduplication: is_fifo.then_some(SendName::Given(DeduplicationKey(id))),
        ..message(id, &body, delay_secs)
    }
}

/// A send that was accepted is sent again, under another id: it must lead to nothing.
fn send_again(run: &mut Run) -> Result<(), Died> {
    let Some(first) = run.oracle.some_owed(FIFO) else { return Ok(()) };
    let message = NewMessage {
        deduplication: Some(SendName::Given(DeduplicationKey(first))),
        ..new_message(run, FIFO, None)
    };
    let sent = run.ask(Command::Send { key: key(FIFO), messages: vec![message.clone()] })?;
    let Outcome::Sent(results) = sent else { panic!("{sent:?}") };
    assert_ne!(results[0].as_ref().unwrap().id, message.id, "{first} was accepted a second time");
    Ok(())
}

fn receive(run: &mut Run, queue: &str, limit: usize, lease_secs: u32) -> Result<(), Died> {
    run.ask(receive_for(queue, limit, lease_secs)).map(drop)
}

fn held(run: &Run, queue: &str) -> Vec<Receipt> {
    let of_queue = run.oracle.held(run.now).into_iter().filter(|(name, _)| name == queue);
    of_queue.map(|(_, receipt)| receipt).collect()
}

fn delete_one_held(run: &mut Run, queue: &str) -> Result<(), Died> {
    match held(run, queue).first() {
        Some(receipt) => run.ask(delete(queue, &[*receipt])).map(drop),
        None => Ok(()),
    }
}

fn document(name: &str) -> DocumentKey {
    DocumentKey { collection: "stack".to_owned(), name: name.to_owned() }
}

impl Run {
    /// Everything that was promised is found, and nothing that is gone; the service goes on meanwhile.
    pub(crate) fn check(&mut self, context: &str) {
        if let Err(died) = self.try_check() {
            panic!("{context}: the service died: {died:?}");
        }
        let lost = self.oracle.owed();
        assert!(lost.is_empty(), "{context}: these are lost: {lost:?}");
    }

    fn try_check(&mut self) -> Result<(), Died> {
        let queues = self.check_queues()?;
        for name in DOCUMENTS {
            self.ask(Command::GetDocument { key: document(name) })?;
        }
        // What is leased or delayed must not come; the oracle says what is.
        for queue in &queues {
            receive(self, queue, 10, 0)?;
        }
        for (queue, receipt) in self.oracle.held(self.now).into_iter().step_by(2) {
            self.ask(delete(&queue, &[receipt]))?;
        }
        if queues.iter().any(|queue| queue == FIFO) {
            send_again(self)?;
        }
        self.pass_secs(1_000);
        // A queue's messages may go to its dead-letter queue and back meanwhile.
        let mut quiet = 0;
        while quiet < 3 {
            let before = self.oracle.owed().len();
            for queue in &queues {
                self.drain(queue)?;
            }
            self.idle_millis(10)?;
            quiet = if self.oracle.owed().len() < before { 0 } else { quiet + 1 };
        }
        self.checkpoint()
    }

    /// Queues are there or not, as they must be; answers those that are there.
    fn check_queues(&mut self) -> Result<Vec<String>, Died> {
        let mut found = Vec::new();
        for (queue, may_be) in self.oracle.queues.clone() {
            let is_there = !matches!(self.ask(find(&queue))?, Outcome::Refused(Refusal::QueueDoesNotExist));
            assert!(may_be.contains(&is_there), "queue {queue}: there is {is_there}, may be {may_be:?}");
            if is_there {
                found.push(queue);
            }
        }
        Ok(found)
    }

    fn drain(&mut self, queue: &str) -> Result<(), Died> {
        loop {
            let received = self.ask(receive_for(queue, 10, 600))?;
            let Outcome::Received { queue: number, deliveries } = received else { panic!("{received:?}") };
            if deliveries.is_empty() {
                return Ok(());
            }
            let receipt =
                |one: &Delivery| Receipt { queue: number, sequence: one.sequence, delivery: one.delivery };
            let receipts: Vec<Receipt> = deliveries.iter().map(receipt).collect();
            self.ask(delete(queue, &receipts))?;
        }
    }
}
