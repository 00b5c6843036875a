//! The clients of the simulated service: what they ask, and what the oracle makes of their answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::decide::decide;
use millpond_core::message::Receipt;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::payload::Payload;
use millpond_core::queue::AttributePatch;
use millpond_core::time::Timestamp;
use millpond_engine::admission::Denied;
use millpond_engine::step::{Input, Reply, RequestId, Wait};

use crate::oracle::{Arrived, Between, Broken, Known, Standing};
use crate::planted::Bug;
use crate::support::{create, delete, find, key, message, receive_for};
use crate::world::{Halt, World};

/// Queues by number: name and retention.
pub(crate) const QUEUES: [(&str, u32); 3] = [("alpha", 345_600), ("beta", 345_600), ("short", 60)];

/// A request that has no reply yet.
#[derive(Debug)]
pub(crate) struct Asked {
    known: Known,
    what: What,
    /// For a long poll that found nothing: its deadline.
    pub(crate) parked_until: Option<Timestamp>,
    decided: Between,
}

#[derive(Debug)]
enum What {
    Create,
    DeleteQueue,
    Find,
    Describe { must: usize, may: usize },
    Purge,
    Send { ids: Vec<u128> },
    Receive { visibility_timeout_secs: u32 },
    Delete { handle: Handle, standing: Standing },
    ChangeLease { handle: Handle, standing: Standing, change: u32, end: Timestamp },
}

/// A receipt in the hands of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    id: u128,
    queue: usize,
    receipt: Receipt,
    /// The life of the service that handed it out.
    life: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Clients {
    pub(crate) asked: BTreeMap<RequestId, Asked>,
    handles: Vec<Handle>,
    next_request: u64,
    next_id: u128,
    /// The life in which each message was last handed out.
    handed_out: BTreeMap<u128, u64>,
}

impl Clients {
    /// Forgets what was handed out, to see what is from now on.
    pub(crate) fn take_handed_out(&mut self) -> BTreeMap<u128, u64> {
        std::mem::take(&mut self.handed_out)
    }
}

impl World {
    /// Some client asks something.
    pub(crate) fn ask_something(&mut self) -> Result<(), Halt> {
        let queue = self.random.usize(..QUEUES.len());
        if self.oracle.exists(queue) != Some(true) && self.random.bool() {
            return self.create_queue(queue);
        }
        match self.random.u32(..100) {
            0..3 => self.create_queue(queue),
            3..5 => self.ask_change(queue, Command::DeleteQueue { key: key(QUEUES[queue].0) }),
            5..10 => {
                let known = self.oracle.asks(queue);
                self.ask(known, What::Find, find(QUEUES[queue].0), 0)
            }
            10..15 => self.describe(queue),
            15..17 => self.purge(queue),
            17..50 => self.send(queue),
            50..74 => self.receive(queue),
            74..90 => self.delete(),
            _ => self.change_lease(),
        }
    }

    pub(crate) fn create_queue(&mut self, queue: usize) -> Result<(), Halt> {
        let (name, retention_secs) = QUEUES[queue];
        let retention_secs = Some(retention_secs);
        let attributes = AttributePatch { retention_secs, ..AttributePatch::default() };
        self.ask_change(queue, create(name, attributes))
    }

    fn ask_change(&mut self, queue: usize, command: Command) -> Result<(), Halt> {
        let is_delete = matches!(command, Command::DeleteQueue { .. });
        let known = self.oracle.asks_to_change(queue);
        if is_delete {
            self.oracle.asks_to_empty(known);
        }
        self.ask(known, if is_delete { What::DeleteQueue } else { What::Create }, command, 0)
    }

    pub(crate) fn describe(&mut self, queue: usize) -> Result<(), Halt> {
        let known = self.oracle.asks(queue);
        let (must, may) = self.oracle.bounds(queue, self.now);
        let command = Command::DescribeQueue { key: key(QUEUES[queue].0) };
        self.ask(known, What::Describe { must, may }, command, 0)
    }

    fn purge(&mut self, queue: usize) -> Result<(), Halt> {
        let known = self.oracle.asks(queue);
        self.oracle.asks_to_empty(known);
        self.ask(known, What::Purge, Command::PurgeQueue { key: key(QUEUES[queue].0) }, 0)
    }

    fn send(&mut self, queue: usize) -> Result<(), Halt> {
        let mut ids = Vec::new();
        let mut delays = Vec::new();
        let mut messages = Vec::new();
        for _ in 0..self.random.usize(1..=3) {
            self.clients.next_id += 1;
            let id = self.clients.next_id;
            let body = vec![b'a' + u8::try_from(id % 26).unwrap(); self.random.usize(..250)];
            let delay_secs = (self.random.u8(..5) == 0).then(|| self.random.u32(..20));
            messages.push(message(id, &body, delay_secs));
            delays.push(u64::from(delay_secs.unwrap_or(0)));
            ids.push(id);
        }
        let payloads: Vec<Bytes> = messages.iter().map(|message| message.payload.clone()).collect();
        let known = self.oracle.asks(queue);
        let command = Command::Send { key: key(QUEUES[queue].0), messages };
        self.ask(known, What::Send { ids: ids.clone() }, command, 0)?;
        // If it was accepted, its time is that of the batch; a refusal will tell that there was no message.
        let sent_at = self.service().engine.state().clock();
        for ((id, payload), delay_secs) in ids.into_iter().zip(payloads).zip(delays) {
            let expires_from = sent_at.plus_secs(u64::from(QUEUES[queue].1));
            self.oracle.sends(known, id, payload, sent_at.plus_secs(delay_secs), expires_from);
        }
        Ok(())
    }

    fn receive(&mut self, queue: usize) -> Result<(), Halt> {
        let wait_secs = if self.random.bool() { 0 } else { self.random.u32(1..=20) };
        let visibility_timeout_secs = self.random.u32(0..=60);
        let limit = self.random.usize(1..=4);
        self.receive_with(queue, limit, visibility_timeout_secs, wait_secs)
    }

    pub(crate) fn receive_with(
        &mut self,
        queue: usize,
        limit: usize,
        visibility_timeout_secs: u32,
        wait_secs: u32,
    ) -> Result<(), Halt> {
        let known = self.oracle.asks(queue);
        let command = receive_for(QUEUES[queue].0, limit, visibility_timeout_secs);
        self.ask(known, What::Receive { visibility_timeout_secs }, command, wait_secs)
    }

    fn draw_handle(&mut self) -> Option<Handle> {
        let handles = &mut self.clients.handles;
        if handles.is_empty() {
            return None;
        }
        let index = self.random.usize(..handles.len());
        // Some are used again, when they may no longer count.
        Some(if self.random.u8(..3) > 0 { handles.swap_remove(index) } else { handles[index] })
    }

    fn delete(&mut self) -> Result<(), Halt> {
        match self.draw_handle() {
            Some(handle) => self.delete_with(handle),
            None => Ok(()),
        }
    }

    fn delete_with(&mut self, handle: Handle) -> Result<(), Halt> {
        let known = self.oracle.asks(handle.queue);
        let standing = self.oracle.asks_to_delete(known, handle.id, handle.receipt.delivery, self.now);
        let command = delete(QUEUES[handle.queue].0, &[handle.receipt]);
        self.ask(known, What::Delete { handle, standing }, command, 0)
    }

    /// Deletes everything that clients hold.
    pub(crate) fn delete_all(&mut self) -> Result<(), Halt> {
        while let Some(handle) = self.clients.handles.pop() {
            self.delete_with(handle)?;
        }
        Ok(())
    }

    fn change_lease(&mut self) -> Result<(), Halt> {
        let Some(handle) = self.draw_handle() else { return Ok(()) };
        let timeout_secs = self.random.u32(0..=60);
        let known = self.oracle.asks(handle.queue);
        // Decided at the time of the open batch, which may be earlier than now but never than the state's clock.
        let end = self.service().engine.state().clock().min(self.now).plus_secs(u64::from(timeout_secs));
        let delivery = handle.receipt.delivery;
        let (standing, change) = self.oracle.asks_to_change_lease(known, handle.id, delivery, self.now, end);
        let changes = vec![(handle.receipt, timeout_secs)];
        let command = Command::ChangeVisibility { key: key(QUEUES[handle.queue].0), changes };
        self.clients.handles.push(handle);
        self.ask(known, What::ChangeLease { handle, standing, change, end }, command, 0)
    }

    fn ask(&mut self, known: Known, what: What, command: Command, wait_secs: u32) -> Result<(), Halt> {
        self.clients.next_request += 1;
        let request = RequestId(self.clients.next_request);
        self.note(&(request, &command, wait_secs));
        let now = self.now;
        let service = self.service();
        let before = service.engine.stats();
        let asked_at = service.engine.state().clock().min(now);
        let wait = Wait::Secs(wait_secs);
        let taken = service.take(now, Input::Request { request, command: command.clone(), wait });
        let after = service.engine.stats();
        let clock = service.engine.state().clock();
        let is_parked = after.waiters > before.waiters;
        let parked_until = is_parked.then(|| now.plus_secs(u64::from(wait_secs)));
        let decided = if is_parked {
            Between { earliest: asked_at, latest: Timestamp::MAX }
        } else {
            Between { earliest: clock, latest: clock }
        };
        self.clients.asked.insert(request, Asked { known, what, parked_until, decided });
        if self.bug == Some(Bug::EventlessReplyNotHeld) && after.events == before.events && !is_parked {
            let state = self.service().engine.state();
            let (_, outcome) = decide(state, now.max(state.clock()), command);
            let reply = Reply::Done { outcome, payloads: Vec::new() };
            self.service().replies.push_back((request, reply));
        }
        taken.map_err(Halt::Died)
    }

    /// Clients hear their replies.
    pub(crate) fn hear(&mut self) -> Result<(), Halt> {
        while let Some((request, reply)) = self.service().replies.pop_front() {
            self.note(&(request, &reply));
            match self.clients.asked.remove(&request) {
                Some(asked) => self.heard(asked, reply)?,
                None => self.undelivered(&reply)?,
            }
        }
        Ok(())
    }

    /// Nobody was there to take the reply.
    fn undelivered(&mut self, reply: &Reply) -> Result<(), Halt> {
        let Reply::Done { outcome: Outcome::Received { queue, deliveries }, .. } = reply else {
            return Ok(());
        };
        let receipts: Vec<Receipt> = deliveries
            .iter()
            .map(|delivery| Receipt {
                queue: *queue,
                sequence: delivery.sequence,
                delivery: delivery.delivery,
            })
            .collect();
        if receipts.is_empty() {
            return Ok(());
        }
        self.marks.fire("a delivery never reached its receiver");
        let now = self.now;
        self.service().take(now, Input::Undelivered { receipts }).map_err(Halt::Died)
    }

    fn heard(&mut self, asked: Asked, reply: Reply) -> Result<(), Halt> {
        let (outcome, payloads) = match reply {
            Reply::Done { outcome, payloads } => (outcome, payloads),
            Reply::Denied(denied) if self.at_peace => {
                return Err(Halt::Broken(format!("without a fault a command was refused: {denied}")));
            }
            Reply::Denied(denied) => {
                if matches!(denied, Denied::LogFull | Denied::DiskFull) {
                    self.marks.fire("a command was refused for want of space");
                }
                if let What::Send { ids } = asked.what {
                    ids.iter().for_each(|id| self.oracle.not_accepted(*id));
                }
                return Ok(());
            }
        };
        let exists = outcome != Outcome::Refused(Refusal::QueueDoesNotExist);
        let parked = asked.parked_until.is_some();
        match asked.what {
            What::Create => self.oracle.changed(asked.known, true),
            What::DeleteQueue if exists => {
                self.oracle.changed(asked.known, false);
                self.oracle.emptied(asked.known);
            }
            _ => self.oracle.shows(asked.known, exists, parked)?,
        }
        if !exists {
            if matches!(asked.what, What::DeleteQueue | What::Find | What::Send { .. }) {
                self.marks.fire("a deleted queue was found deleted");
            }
            if let What::Send { ids } = asked.what {
                ids.iter().for_each(|id| self.oracle.not_accepted(*id));
            }
            return Ok(());
        }
        self.heard_of_queue(&asked, &outcome, &payloads)
    }

    /// A reply about a queue that is there.
    fn heard_of_queue(&mut self, asked: &Asked, outcome: &Outcome, payloads: &[Bytes]) -> Result<(), Halt> {
        match (&asked.what, outcome) {
            (What::Purge, _) => {
                self.oracle.emptied(asked.known);
                self.marks.fire("a purge was acknowledged");
            }
            (What::Describe { must, may }, Outcome::Description(description)) => {
                let counts = description.counts;
                let count = counts.visible + counts.in_flight + counts.delayed;
                if !(*must..=*may).contains(&count) {
                    let text = format!("a queue shows {count} messages; it must hold {must} to {may}");
                    return Err(Halt::Broken(text));
                }
            }
            (What::Send { ids }, Outcome::Sent(results)) => {
                for (id, result) in ids.iter().zip(results) {
                    match result {
                        Ok(_) => self.oracle.accepted(*id),
                        Err(_) => self.oracle.not_accepted(*id),
                    }
                }
            }
            (What::Receive { .. }, Outcome::Received { .. }) => self.received(asked, outcome, payloads)?,
            (What::Delete { handle, standing }, Outcome::Deleted(results)) => {
                if results[0].is_ok() {
                    self.oracle.deleted(handle.id, *standing);
                    if standing.leased && handle.life < self.life {
                        self.marks.fire("a delete worked across a restart");
                    }
                } else if standing.must_work {
                    return Err(Halt::Broken(format!("a delete of a leased message failed: {handle:?}")));
                }
            }
            (What::ChangeLease { handle, standing, change, end }, Outcome::VisibilityChanged(results)) => {
                if results[0].is_ok() {
                    if standing.leased {
                        self.oracle.lease_changed(handle.id, handle.receipt.delivery, *change, *end);
                    }
                    self.marks.fire("a visibility change was acknowledged");
                } else if standing.must_work {
                    return Err(Halt::Broken(format!("the lease of {handle:?} was not changed")));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn received(&mut self, asked: &Asked, outcome: &Outcome, payloads: &[Bytes]) -> Result<(), Halt> {
        let (Outcome::Received { queue, deliveries }, What::Receive { visibility_timeout_secs }) =
            (outcome, &asked.what)
        else {
            return Ok(());
        };
        let parked = asked.parked_until.is_some();
        if parked {
            let empty = deliveries.is_empty();
            self.marks.fire(if empty { "a long poll ended empty" } else { "a long poll was served" });
        }
        let latest = if parked { self.now } else { asked.decided.latest };
        let decided = Between { earliest: asked.decided.earliest, latest };
        let leased_until = decided.earliest.plus_secs(u64::from(*visibility_timeout_secs));
        let arrives = self.random.u8(..12) > 0;
        let mut lost = Vec::new();
        for (delivery, payload) in deliveries.iter().zip(payloads) {
            let receipt = Receipt { queue: *queue, sequence: delivery.sequence, delivery: delivery.delivery };
            let decoded = Payload::decode(payload).map_err(|error| Broken::from(error.to_string()))?;
            let id = decoded.message_id.0;
            let receive_count = delivery.receive_count;
            let arrived = Arrived { id, receipt, payload: payload.clone(), receive_count, decided };
            self.oracle.delivered(asked.known, parked, &arrived, leased_until)?;
            let life = self.life;
            match self.clients.handed_out.insert(id, life) {
                Some(earlier) if earlier < life => {
                    self.marks.fire("a message was redelivered after a restart")
                }
                Some(_) => self.marks.fire("a message was received again after its lease"),
                None => {}
            }
            if arrives {
                self.clients.handles.push(Handle { id, queue: asked.known.queue, receipt, life });
            } else {
                self.oracle.gave_back(id, receipt.delivery);
                lost.push(receipt);
            }
        }
        if lost.is_empty() {
            return Ok(());
        }
        // The connection broke: the guard of the leases gives them back.
        let now = self.now;
        self.service().take(now, Input::Undelivered { receipts: lost }).map_err(Halt::Died)
    }

    /// A waiting caller goes away.
    pub(crate) fn close_one(&mut self) -> Result<(), Halt> {
        let mut requests = self.clients.asked.iter().filter(|(_, asked)| asked.parked_until.is_some());
        let Some(request) = requests.next().map(|(request, _)| *request) else { return Ok(()) };
        self.clients.asked.remove(&request);
        self.marks.fire("a waiting caller went away");
        let now = self.now;
        self.service().take(now, Input::Closed { request }).map_err(Halt::Died)
    }

    /// Messages that clients hold.
    pub(crate) fn was_handed_out(&self, id: u128) -> bool {
        self.clients.handed_out.contains_key(&id)
    }
}
