//! Dead letters and move tasks in their plainest form: a message that goes to another queue is a new one there that
//! remembers what it must.

use millpond_core::message::{MoveNumber, Sequence};
use millpond_core::queue::{
    MoveEnd, MoveFailure, MoveOrder, MoveRefusal, MoveStatus, MoveTask, MoveTaskId, RedrivePolicy,
    RedriveRefusal,
};
use std::num::NonZeroU64;

use super::*;

impl Model {
    /// Whether a queue of that name may have that policy; none of the queues here is FIFO or says whose it takes.
    pub(super) fn check_redrive(&self, key: &QueueKey, attributes: &AttributePatch) -> Result<(), Refusal> {
        let Some(Some(RedrivePolicy { target, .. })) = &attributes.redrive else { return Ok(()) };
        let refusal = if target.region != key.region {
            RedriveRefusal::OtherRegion
        } else if target.account != key.account {
            RedriveRefusal::OtherAccount
        } else if target == key {
            RedriveRefusal::Itself
        } else if self.queues.iter().all(|queue| queue.key != *target) {
            RedriveRefusal::DoesNotExist
        } else {
            return Ok(());
        };
        Err(Refusal::Redrive(refusal))
    }

    /// Of the messages that can be had, those that are dead letters go, and those to hand out are told.
    pub(super) fn sort_out(
        &mut self,
        now: Timestamp,
        index: usize,
        numbers: Vec<u64>,
        limit: usize,
    ) -> Vec<u64> {
        let queue = &self.queues[index];
        let policy = queue.attributes.redrive.clone();
        let target = policy.as_ref().and_then(|policy| self.position(&policy.target));
        let most = policy.filter(|_| target.is_some()).map_or(u32::MAX, |policy| policy.max_receive_count);
        let (mut dead, mut taken) = (Vec::new(), Vec::new());
        for number in numbers {
            if taken.len() == limit {
                break;
            }
            let message = queue.messages.iter().find(|message| message.number == number).unwrap();
            let standing = message.standing();
            if standing.deliveries > 0 && standing.receive_count >= most {
                dead.push(number);
            } else {
                taken.push(number);
            }
        }
        for number in dead {
            self.bury(now, index, target.unwrap(), number);
        }
        taken
    }

    fn bury(&mut self, now: Timestamp, from: usize, to: usize, number: u64) {
        let source = self.queues[from].key.clone();
        let message = self.take(from, number);
        let standing = message.standing();
        self.add(
            to,
            Message {
                delayed_until: now,
                history: Vec::new(),
                past: Past {
                    receives: standing.receive_count,
                    first_received_at: standing.first_received_at,
                    source: Some(source),
                    moved: message.past.moved,
                },
                ..message
            },
        );
    }

    fn take(&mut self, from: usize, number: u64) -> Message {
        let messages = &mut self.queues[from].messages;
        let position = messages.iter().position(|message| message.number == number).unwrap();
        messages.remove(position)
    }

    fn add(&mut self, to: usize, message: Message) {
        let queue = &mut self.queues[to];
        queue.sent += 1;
        queue.messages.push(Message { number: queue.sent, ..message });
    }

    fn position(&self, key: &QueueKey) -> Option<usize> {
        self.queues.iter().position(|queue| queue.key == *key)
    }

    pub(super) fn run_move_task(&mut self, now: Timestamp, index: usize, command: &Command) -> Outcome {
        let refused = |refusal| Outcome::Refused(Refusal::MoveTask(refusal));
        match command {
            Command::StartMoveTask { id, destination, messages_per_sec, .. } => {
                match self.start_task(now, index, *id, destination.as_deref(), *messages_per_sec) {
                    Ok(()) => Outcome::MoveTaskStarted(*id),
                    Err(refusal) => refused(refusal),
                }
            }
            Command::CancelMoveTask { id, .. } => {
                let mut tasks = self.queues[index].tasks.iter_mut().rev().take(10);
                let Some(task) = tasks.find(|task| task.order.id == *id) else {
                    return refused(MoveRefusal::NoSuchTask);
                };
                if matches!(task.status, MoveStatus::Ended(_)) {
                    return refused(MoveRefusal::HasEnded);
                }
                task.status = MoveStatus::Ended(MoveEnd::Cancelled);
                Outcome::MoveTaskCancelled { moved: task.moved }
            }
            Command::ListMoveTasks { limit, .. } => {
                let newest_first = self.queues[index].tasks.iter().rev();
                Outcome::MoveTasks(newest_first.take(10).take(*limit).cloned().collect())
            }
            _ => unreachable!(),
        }
    }

    fn start_task(
        &mut self,
        now: Timestamp,
        index: usize,
        id: MoveTaskId,
        destination: Option<&QueueKey>,
        messages_per_sec: Option<u32>,
    ) -> Result<(), MoveRefusal> {
        let queue = &self.queues[index];
        let names_it = |other: &Queue| {
            other.attributes.redrive.as_ref().is_some_and(|policy| policy.target == queue.key)
        };
        if !self.queues.iter().any(names_it) {
            return Err(MoveRefusal::NotDeadLetters);
        }
        match destination {
            Some(key) if *key == queue.key => return Err(MoveRefusal::SameQueue),
            Some(key) if (key.account, &key.region) != (queue.key.account, &queue.key.region) => {
                return Err(MoveRefusal::NoDestination);
            }
            Some(key) if self.position(key).is_none() => return Err(MoveRefusal::NoDestination),
            _ => {}
        }
        if queue.tasks.iter().any(|task| matches!(task.status, MoveStatus::Running { .. })) {
            return Err(MoveRefusal::AlreadyRunning);
        }
        let order = MoveOrder {
            id,
            destination: destination.cloned(),
            messages_per_sec,
            to_move: queue.counts(now).visible as u64,
            below: Sequence(queue.sent + 1),
        };
        self.queues[index].tasks.push(MoveTask::started(order, now));
        Ok(())
    }

    pub(super) fn step_task(&mut self, now: Timestamp, id: u64) -> Outcome {
        let Some(index) = self.queues.iter().position(|queue| queue.id == id) else { return Outcome::Done };
        let Some(task) = self.queues[index].tasks.last().cloned() else { return Outcome::Done };
        let MoveStatus::Running { next, due_at } = task.status else { return Outcome::Done };
        if due_at > now {
            return Outcome::Done;
        }
        // Messages a step, and milliseconds until the next one.
        let (most, pause_millis) = match task.order.messages_per_sec {
            Some(1) => (1, 1_000),
            Some(120) => (3, 25),
            None => (200, 1),
            rate => panic!("no rate {rate:?} is worked out here"),
        };
        let (moved, status) = self.go(now, index, &task, next.0, most);
        let task = self.queues[index].tasks.last_mut().unwrap();
        task.moved += moved;
        task.status = status.map_or_else(MoveStatus::Ended, |next| MoveStatus::Running {
            next: Sequence(next),
            due_at: now.plus_millis(if moved > 0 { pause_millis } else { 1 }),
        });
        Outcome::Done
    }

    /// Answers how many were moved, and where to go on, or how it ends.
    fn go(
        &mut self,
        now: Timestamp,
        index: usize,
        task: &MoveTask,
        next: u64,
        most: u64,
    ) -> (u64, Result<u64, MoveEnd>) {
        let numbers: Vec<u64> = self.queues[index].messages.iter().map(|message| message.number).collect();
        let mut numbers: Vec<u64> =
            numbers.into_iter().filter(|number| (next..task.order.below.0).contains(number)).collect();
        numbers.sort_unstable();
        let mut plan = Vec::new();
        let mut status = Err(MoveEnd::Completed);
        for number in numbers {
            if plan.len() as u64 == most {
                status = Ok(number);
                break;
            }
            let queue = &self.queues[index];
            let message = queue.messages.iter().find(|message| message.number == number).unwrap();
            if message.standing().hidden_until > now || self.expires_at(queue, message) <= now {
                continue;
            }
            let Some(key) = task.order.destination.as_ref().or(message.past.source.as_ref()) else {
                status = Err(MoveEnd::Failed(MoveFailure::SourceUnknown));
                break;
            };
            let Some(to) = self.position(key) else {
                status = Err(MoveEnd::Failed(MoveFailure::DestinationGone));
                break;
            };
            plan.push((number, to));
        }
        let moved = plan.len() as u64;
        // Numbers of moves are given destination by destination.
        plan.sort_by_key(|(_, to)| self.queues[*to].id);
        for (number, to) in plan {
            self.send_again(now, index, to, number);
        }
        (moved, status)
    }

    fn send_again(&mut self, now: Timestamp, from: usize, to: usize, number: u64) {
        let message = self.take(from, number);
        self.moves += 1;
        let delay_secs = u64::from(self.queues[to].attributes.delay_secs);
        let past = Past { moved: NonZeroU64::new(self.moves).map(MoveNumber), ..Past::default() };
        let delayed_until = now.plus_secs(delay_secs);
        self.add(to, Message { sent_at: now, delayed_until, history: Vec::new(), past, ..message });
    }
}
