//! Move tasks: one step at a time, between requests.
//!
//! A step is taken at the end of a turn, before its batch goes to the log, and only when the log has room for it; so
//! requests never wait for more than one step, and no batch holds more than one step of a task. Whoever waits at a
//! destination is served at once. What a task does is decided by the core.

use millpond_core::command::Command;
use millpond_core::time::Timestamp;

use super::{Engine, Output};
use crate::admission::{self, Load};

/// When the log has no room, or messages are being read, tasks look again after this time.
const ROOM_MILLIS: u64 = 20;

impl Engine {
    /// When a move task is to make its next step, at the end of a turn.
    #[must_use]
    pub fn next_move_due(&self) -> Option<Timestamp> {
        if self.stopping {
            return None;
        }
        self.state.next_move().map(|(due_at, _)| due_at.max(self.moves_wait_until))
    }

    /// Lets the task that is due first make a step.
    pub(super) fn step_move_task(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let due = self.next_move_due().is_some_and(|due_at| due_at <= now);
        let Some((_, queue)) = self.state.next_move().filter(|_| due) else { return };
        if self.move_waits(now, queue, out) {
            self.moves_wait_until = now.plus_millis(ROOM_MILLIS);
            return;
        }
        let command = Command::StepMoveTask { queue };
        let load = Load { pending_bytes: self.pending_bytes(), held_replies: 0, ..self.load };
        if admission::admit(&self.config.limits, &load, &command).is_err() {
            self.moves_wait_until = now.plus_millis(ROOM_MILLIS);
            return;
        }
        self.execute(now, command);
        self.serve_moved(now, out);
    }
}
