//! What time alone brings about: waits that end, messages that become due, messages that expire, the notes of
//! the clock and of an idle log.

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::decide::has_expired;
use millpond_core::outage::BootReading;
use millpond_core::time::Timestamp;
use millpond_log::Position;

use super::{Engine, Output};

/// Queues looked at in one tick.
const QUEUES_PER_TICK: usize = 1_000;

impl Engine {
    pub(super) fn tick(&mut self, now: Timestamp, reading: BootReading, out: &mut Vec<Output>) {
        self.serve_due(now, out);
        self.dismiss_overdue(now, out);
        self.expire_some(now, out);
        self.execute(now, Command::NoteClock { reading, stopping: false });
        self.note_idle(out);
    }

    pub(super) fn serve_due(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(queue) = self.waiters.due_queue(now) {
            self.waiters.wake(queue, None);
            self.serve(now, queue, out);
        }
    }

    pub(super) fn dismiss_overdue(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(request) = self.waiters.overdue(now) {
            let Some(waiter) = self.waiters.remove(request) else { break };
            if let Some(queue) = self.queue_named(&waiter.key) {
                self.deliver_nothing(queue, request, out);
            }
        }
    }

    /// Answers everyone who waits, lets move tasks rest, and notes the clock: it tells the next start how long the service
    /// was down.
    pub(super) fn stop(&mut self, now: Timestamp, reading: BootReading, out: &mut Vec<Output>) {
        self.stopping = true;
        self.dismiss_overdue(Timestamp::MAX, out);
        self.execute(now, Command::NoteClock { reading, stopping: true });
    }

    /// Goes round all queues, a bounded number in each tick.
    fn expire_some(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        for _ in 0..QUEUES_PER_TICK {
            let Some(queue) = self.state.queue_after(self.expiry_cursor) else {
                self.expiry_cursor = None;
                return;
            };
            self.expiry_cursor = Some(queue);
            let expired = self.state.queue(queue).is_some_and(|held| has_expired(&self.state, held, now));
            if expired {
                self.execute(now, Command::Expire { queue });
                // The expired ones may have stood before what a waiter waits for.
                self.serve(now, queue, out);
            }
            self.expire_resting(now, queue, out);
        }
    }

    /// Tells the log that its last batch is durable, once, so that later damage to it is not taken for a torn write.
    fn note_idle(&mut self, out: &mut Vec<Output>) {
        let idle = self.batch.is_none() && self.durable == self.submitted;
        if idle && !self.idle_noted && self.submitted > Position::NONE {
            self.submitted = self.submitted.next();
            self.idle_noted = true;
            out.push(Output::Append { position: self.submitted, payload: Bytes::new() });
        }
    }
}
