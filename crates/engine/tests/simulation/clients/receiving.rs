//! Receives, with and without names, and what clients do with receipts: delete, change the lease.

use millpond_core::command::Command;
use millpond_core::message::{AttemptKey, Receipt};
use millpond_engine::step::Wait;

use super::{About, Handle, LeaseChange, What};
use crate::oracle::Query;
use crate::support::key;
use crate::topology::QUEUES;
use crate::world::{Halt, World};

impl World {
    pub(crate) fn receive(&mut self, queue: usize) -> Result<(), Halt> {
        let wait = match self.random.u8(..8) {
            0..4 => Wait::Secs(0),
            4 => Wait::QueueDefault,
            _ => Wait::Secs(self.random.u32(1..=20)),
        };
        let visibility_timeout_secs = (self.random.u8(..8) > 0).then(|| self.random.u32(0..=60));
        let limit =
            if self.random.u8(..4) == 0 { self.random.usize(1..=10) } else { self.random.usize(1..=3) };
        let named = QUEUES[queue].fifo && self.random.bool();
        let attempt = named.then(|| AttemptKey([self.random.u8(..3); 8]));
        self.receive_with(queue, limit, visibility_timeout_secs, attempt, wait)
    }

    pub(crate) fn receive_with(
        &mut self,
        queue: usize,
        limit: usize,
        visibility_timeout_secs: Option<u32>,
        attempt: Option<AttemptKey>,
        wait: Wait,
    ) -> Result<(), Halt> {
        let known = self.oracle.asks(queue);
        let tried = attempt.and_then(|attempt| self.oracle.can_be_tried_again(queue, attempt));
        let defaults = self.oracle.catalogues.all().filter_map(|catalogue| catalogue.attributes(queue));
        let default_secs = defaults.map(|attributes| attributes.visibility_timeout_secs).min();
        // A parked receive takes the default of the time when it is served.
        let default_secs = default_secs.filter(|_| wait == Wait::Secs(0)).unwrap_or(0);
        let command =
            Command::Receive { key: key(QUEUES[queue].name), limit, visibility_timeout_secs, attempt };
        let visibility_timeout_secs = visibility_timeout_secs.unwrap_or(default_secs);
        if let Some(attempt) = attempt {
            let end = self.deciding().earliest.plus_secs(u64::from(visibility_timeout_secs));
            self.oracle.asks_by_name(known, attempt, end);
        }
        let what = What::Receive { visibility_timeout_secs, attempt, tried };
        self.ask(known, what, command, wait, About::Query(Query::Exists(queue))).map(drop)
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

    /// One receipt, or several of one queue.
    fn draw_handles(&mut self) -> Vec<Handle> {
        let Some(first) = self.draw_handle() else { return Vec::new() };
        let mut handles = vec![first];
        if self.random.u8(..4) == 0 {
            let same = |handle: &&Handle| handle.queue == first.queue && handle.id != first.id;
            let mut others: Vec<Handle> = self.clients.handles.iter().filter(same).copied().collect();
            others.sort_by_key(|handle| handle.id);
            others.dedup_by_key(|handle| handle.id);
            handles.extend(others.into_iter().take(3));
        }
        handles
    }

    pub(crate) fn delete(&mut self) -> Result<(), Halt> {
        let handles = self.draw_handles();
        self.delete_with(&handles)
    }

    fn delete_with(&mut self, handles: &[Handle]) -> Result<(), Halt> {
        let Some(queue) = handles.first().map(|handle| handle.queue) else { return Ok(()) };
        let known = self.oracle.asks(queue);
        let now = self.deciding().latest;
        let receipts: Vec<Receipt> = handles.iter().map(|handle| handle.receipt).collect();
        let asked = handles
            .iter()
            .map(|handle| (*handle, self.oracle.asks_to_delete(known, handle.id, handle.receipt, now)));
        let what = What::Delete { handles: asked.collect() };
        let command = Command::Delete { key: key(QUEUES[queue].name), receipts };
        self.ask(known, what, command, Wait::Secs(0), About::Query(Query::Exists(queue))).map(drop)
    }

    /// Deletes everything that clients hold of these queues.
    pub(crate) fn delete_all(&mut self, of: impl Fn(usize) -> bool) -> Result<(), Halt> {
        let handles = std::mem::take(&mut self.clients.handles);
        let (handles, kept) = handles.into_iter().partition(|handle| of(handle.queue));
        self.clients.handles = kept;
        let handles: Vec<Handle> = handles;
        for handle in handles.into_iter().rev() {
            self.delete_with(&[handle])?;
            if self.clients.asked.len() > 20 {
                self.settle()?;
            }
        }
        Ok(())
    }

    pub(crate) fn change_lease(&mut self) -> Result<(), Halt> {
        let handles = self.draw_handles();
        let Some(queue) = handles.first().map(|handle| handle.queue) else { return Ok(()) };
        let known = self.oracle.asks(queue);
        // Decided at the time of the open batch, which may be earlier than now but never than the state's clock.
        let deciding = self.deciding();
        let mut changes = Vec::new();
        let mut asked = Vec::new();
        for handle in handles {
            let timeout_secs = self.random.u32(0..=60);
            let end = deciding.earliest.plus_secs(u64::from(timeout_secs));
            let standing =
                self.oracle.asks_to_change_lease(known, handle.id, handle.receipt, deciding.latest, end);
            changes.push(LeaseChange { handle, standing, end });
            asked.push((handle.receipt, timeout_secs));
            self.clients.handles.push(handle);
        }
        let command = Command::ChangeVisibility { key: key(QUEUES[queue].name), changes: asked };
        let about = About::Query(Query::Exists(queue));
        self.ask(known, What::ChangeLease { changes }, command, Wait::Secs(0), about).map(drop)
    }
}
