//! Move tasks, and what moves time: the clock that a test puts forward, and the clock that an operator confirms.

use millpond_core::command::Command;
use millpond_core::queue::MoveTaskId;
use millpond_engine::step::{Input, RequestId, Wait};

use super::{About, Asked, What};
use crate::oracle::Query;
use crate::support::key;
use crate::topology::QUEUES;
use crate::world::{Halt, World};

const NOW: Wait = Wait::Secs(0);
const DEAD: [usize; 2] = [3, 5];

/// A move task that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(super) id: MoveTaskId,
    queue: usize,
    /// A reply has told that it started, and its queue was not deleted since.
    pub(super) started: bool,
}

impl World {
    pub(crate) fn start_move(&mut self, _queue: usize) -> Result<(), Halt> {
        let queue = DEAD[self.random.usize(..2)];
        self.clients.next_task += 1;
        let id = MoveTaskId::new(self.clients.next_task);
        let to_other = if QUEUES[queue].fifo { 4 } else { self.random.usize(..2) };
        let destination = self.random.bool().then_some(to_other);
        self.oracle.may_move(queue, destination);
        let command = Command::StartMoveTask {
            key: key(QUEUES[queue].name),
            id,
            destination: destination.map(|queue| Box::new(key(QUEUES[queue].name))),
            back_to: None,
            messages_per_sec: self.random.bool().then(|| self.random.u32(1..=100)),
        };
        let known = self.oracle.asks(queue);
        self.clients.tasks.push(Task { id, queue, started: false });
        let about = About::Query(Query::Exists(queue));
        self.ask(known, What::StartMove { task: id }, command, NOW, about).map(drop)
    }

    /// Cancels a task, or asks how it goes.
    pub(crate) fn look_after_move(&mut self, _queue: usize) -> Result<(), Halt> {
        let queue = DEAD[self.random.usize(..2)];
        let known = self.oracle.asks(queue);
        let tasks: Vec<Task> =
            self.clients.tasks.iter().filter(|task| task.queue == queue).copied().collect();
        let key = key(QUEUES[queue].name);
        let about = About::Query(Query::Exists(queue));
        match tasks.last() {
            Some(task) if self.random.u8(..3) == 0 => {
                self.ask(known, What::Plain, Command::CancelMoveTask { key, id: task.id }, NOW, about)
            }
            _ => {
                // Any that was asked for later may have displaced an earlier one.
                let last = tasks.iter().rev().take(10).filter(|task| task.started);
                let must = last.map(|task| task.id).collect();
                self.ask(
                    known,
                    What::ListMoves { must },
                    Command::ListMoveTasks { key, limit: 10 },
                    NOW,
                    about,
                )
            }
        }
        .map(drop)
    }

    /// The tasks of a queue go with it.
    pub(super) fn forget_tasks(&mut self, queue: usize) {
        self.clients.tasks.retain(|task| task.queue != queue);
    }

    pub(crate) fn confirm_clock(&mut self) -> Result<(), Halt> {
        let known = self.oracle.asks(0);
        self.ask(known, What::Clock, Command::ConfirmClock, NOW, About::Nothing).map(drop)
    }

    /// A test puts the service's clock forward.
    pub(crate) fn advance_clock(&mut self) -> Result<(), Halt> {
        let millis = self.random.u64(..100_000);
        let known = self.oracle.asks(0);
        let decided = self.deciding();
        self.now = self.now.plus_millis(millis);
        self.machine.put_forward(millis);
        let boot = self.machine.boot;
        self.service().boot = boot;
        self.clients.next_request += 1;
        let request = RequestId(self.clients.next_request);
        self.note(&(request, "the clock goes forward", millis));
        let asked = Asked { known, what: What::Clock, expectation: Vec::new(), parked_until: None, decided };
        self.clients.asked.insert(request, asked);
        self.marks.fire("a test put the clock forward");
        let (now, reading) = (self.now, boot.reading(self.now));
        self.service().take(now, Input::Advanced { request, reading }).map_err(Halt::Died)
    }
}
