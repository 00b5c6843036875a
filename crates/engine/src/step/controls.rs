//! What tests ask for: time that has passed at once, and an empty service.
//!
//! Both bring about everything that follows before they are answered, however much it is: a test looks right behind.

use millpond_core::command::Command;
use millpond_core::decide::has_expired;
use millpond_core::limits;
use millpond_core::message::QueueId;
use millpond_core::outage::BootReading;
use millpond_core::time::Timestamp;

use super::{Engine, Output, Reply, RequestId};

impl Engine {
    /// The clock is at `now` because it was put forward: what is due by then happens.
    pub(super) fn advanced(
        &mut self,
        now: Timestamp,
        request: RequestId,
        reading: BootReading,
        out: &mut Vec<Output>,
    ) {
        let outcome = self.execute(now, Command::NoteJump { reading });
        self.expiry_cursor = None;
        for queue in self.all_queues() {
            self.expire_all(now, queue, out);
            self.expire_resting(now, queue, out);
            while self.state.settle(queue, now, limits::SETTLE_MESSAGES) {}
            self.serve(now, queue, out);
        }
        self.serve_due(now, out);
        self.dismiss_overdue(now, out);
        self.reply(request, Reply::Done { outcome, payloads: Vec::new() }, out);
    }

    /// All queues go. Who waits at one is told.
    pub(super) fn reset(&mut self, now: Timestamp, request: RequestId, out: &mut Vec<Output>) {
        let queues = self.all_queues();
        let outcome = self.execute(now, Command::Reset);
        self.counters.forget_queues();
        self.reply(request, Reply::Done { outcome, payloads: Vec::new() }, out);
        queues.into_iter().for_each(|queue| self.serve(now, queue, out));
    }

    fn expire_all(&mut self, now: Timestamp, queue: QueueId, out: &mut Vec<Output>) {
        while self.state.queue(queue).is_some_and(|held| has_expired(&self.state, held, now)) {
            self.execute(now, Command::Expire { queue });
            if self.batch_is_large() {
                self.append(out);
            }
        }
    }

    fn all_queues(&self) -> Vec<QueueId> {
        self.state.queues().map(|queue| queue.record.id).collect()
    }
}
