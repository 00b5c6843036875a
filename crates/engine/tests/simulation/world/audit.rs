//! The end of a run: everything that is owed must be handed out now, and nothing that is gone.

use millpond_engine::step::Wait;

use super::{Halt, World};
use crate::topology::QUEUES;

const DAMAGED: &str = "a damaged message was taken out";

impl World {
    pub(super) fn audit(&mut self) -> Result<(), Halt> {
        self.make_space();
        self.at_peace = true;
        self.crash()?;
        self.check_state()?;
        self.pass(200_000);
        let unanswered = self.oracle.unanswered();
        let owed: Vec<u128> = self.oracle.owed(self.now).collect();
        let before = self.clients.take_handed_out();
        let damaged_before = self.marks.count(DAMAGED);
        self.drain()?;
        // A bit that has flipped shows only when its message is read, which is then taken out and told.
        let damaged = usize::try_from(self.marks.count(DAMAGED) - damaged_before).unwrap_or(usize::MAX);
        let mut missing = owed.iter().filter(|id| !self.clients.was_handed_out(**id));
        if let Some(lost) = missing.nth(damaged) {
            let state = self.service().engine.state();
            let left: Vec<_> =
                state.queues().map(|queue| (&queue.record.key.name, queue.messages.counts())).collect();
            return Err(Halt::Broken(format!("message {lost} is lost; the queues hold {left:?}")));
        }
        for id in unanswered.into_iter().filter(|id| !before.contains_key(id)) {
            let is_there = self.clients.was_handed_out(id);
            let mark =
                if is_there { "an unanswered send is there" } else { "an unanswered send is not there" };
            self.marks.fire(mark);
        }
        self.delete_all(|_| true)?;
        self.settle()?;
        self.crash()?;
        self.pass(2_000_000);
        self.drain()?;
        self.check_state()
    }

    /// All is answered, and the log has what room a checkpoint can make.
    pub(crate) fn settle(&mut self) -> Result<(), Halt> {
        let now = self.now;
        for _ in 0..2 {
            let service = self.service();
            service
                .settle(now)
                .and_then(|()| service.checkpoint_if_due())
                .and_then(|()| service.hear_of_checkpoint(now))
                .map_err(Halt::Died)?;
            self.hear()?;
        }
        Ok(())
    }

    /// Receives until there is nothing any more, in any queue: while it goes on, dead letters and move tasks go on too.
    fn drain(&mut self) -> Result<(), Halt> {
        self.settle()?;
        // What a move task puts into a queue has its delay, so one quiet round says little.
        let mut quiet = 0;
        while quiet < 2 {
            let mut goes_on = false;
            for queue in 0..QUEUES.len() {
                self.describe(queue)?;
                self.settle()?;
                goes_on |= self.drain_queue(queue)?;
            }
            quiet = if goes_on { 0 } else { quiet + 1 };
            self.pass(20_000);
        }
        self.count();
        Ok(())
    }

    /// Answers whether there was anything.
    fn drain_queue(&mut self, queue: usize) -> Result<bool, Halt> {
        let (mut any, mut empty) = (false, 0);
        // Some receives lose their connection, so one without a receipt says little.
        while empty < 3 {
            let held = self.clients.held();
            self.receive_with(queue, 10, Some(10_000), None, Wait::Secs(0))?;
            self.settle()?;
            let came = self.clients.held() > held;
            empty = if came { 0 } else { empty + 1 };
            any |= came;
            if came && QUEUES[queue].fifo {
                // A group gives nothing more until what it gave is deleted.
                self.delete_all(|of| of == queue)?;
                self.settle()?;
            }
        }
        Ok(any)
    }
}
