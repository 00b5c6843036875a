//! What clients hear, and what the oracle makes of it.

use bytes::Bytes;
use millpond_core::message::{AttemptKey, Receipt};
use millpond_core::outcome::{Delivery, Outcome, Refusal};
use millpond_core::payload::Payload;
use millpond_core::queue::MoveTaskId;
use millpond_core::quota::QuotaScope;
use millpond_engine::admission::Denied;
use millpond_engine::step::{Input, Reply};

use super::{Asked, Handle, LeaseChange, What};
use crate::oracle::{Arrived, Between, Broken, Known, Standing};
use crate::topology::{ACCOUNT_MESSAGES, QUEUE_MESSAGES, QUEUES, number_of};
use crate::world::{Halt, World};

fn receipt_of(queue: millpond_core::message::QueueId, delivery: &Delivery) -> Receipt {
    Receipt { queue, sequence: delivery.sequence, delivery: delivery.delivery }
}

impl World {
    /// Clients hear their replies.
    pub(crate) fn hear(&mut self) -> Result<(), Halt> {
        if self.is_dark() {
            return Ok(());
        }
        self.note_quarantined();
        while let Some((request, reply)) = self.service().replies.pop_front() {
            match &reply {
                Reply::Done { outcome, payloads } => self.note(&(request, outcome, payloads.len())),
                Reply::Denied(denied) => self.note(&(request, denied)),
            }
            match self.clients.asked.remove(&request) {
                Some(asked) => self.heard(&asked, reply)?,
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
        let receipts: Vec<Receipt> = deliveries.iter().map(|delivery| receipt_of(*queue, delivery)).collect();
        if receipts.is_empty() {
            return Ok(());
        }
        self.marks.fire("a delivery never reached its receiver");
        let now = self.now;
        self.service().take(now, Input::Undelivered { receipts }).map_err(Halt::Died)?;
        self.service().fetch_what_is_needed(now).map_err(Halt::Died)
    }

    fn heard(&mut self, asked: &Asked, reply: Reply) -> Result<(), Halt> {
        if let What::Receive { .. } = asked.what {
            self.oracle.receive_ended(asked.known.asked);
            self.oracle.pending_receives -= 1;
        }
        let (outcome, payloads) = match reply {
            Reply::Done { outcome, payloads } => (outcome, payloads),
            Reply::Denied(denied) => return self.heard_denied(asked, denied),
        };
        self.oracle.settles(asked.known.asked);
        if asked.parked_until.is_none() {
            let told = self.oracle.catalogues.hears(&asked.expectation, &outcome);
            if told.map_err(|broken| format!("{broken}, to {:?}", asked.what))? {
                self.marks.fire("an answer told what an unanswered change has become");
            }
        }
        if let Outcome::Refused(refusal) = &outcome {
            return self.heard_refused(asked, refusal);
        }
        match &asked.what {
            What::Purge => {
                self.oracle.emptied(asked.known);
                self.marks.fire("a purge was acknowledged");
            }
            What::DeleteQueue => self.oracle.emptied(asked.known),
            What::Reset => {
                for queue in 0..QUEUES.len() {
                    self.oracle.emptied(Known { queue, ..asked.known });
                }
                self.marks.fire("everything was reset");
            }
            _ => return self.heard_of_messages(asked, &outcome, &payloads),
        }
        Ok(())
    }

    fn heard_denied(&mut self, asked: &Asked, denied: Denied) -> Result<(), Halt> {
        if self.at_peace {
            return Err(Halt::Broken(format!("without a fault a command was refused: {denied}")));
        }
        match denied {
            Denied::LogFull | Denied::DiskFull => self.marks.fire("a command was refused for want of space"),
            Denied::Overloaded | Denied::StoreBehind => {
                self.marks.fire("a command was refused because too much was under way")
            }
        }
        if let What::Send { ids, .. } = &asked.what {
            ids.iter().for_each(|(id, _)| self.oracle.refused(*id));
        }
        Ok(())
    }

    fn heard_refused(&mut self, asked: &Asked, refusal: &Refusal) -> Result<(), Halt> {
        match (&asked.what, refusal) {
            (What::DeleteQueue | What::Send { .. }, Refusal::QueueDoesNotExist) => {
                self.marks.fire("a deleted queue was found deleted");
            }
            (What::Write, Refusal::RevisionMismatch { .. }) => {
                self.marks.fire("a document was not at the expected revision");
            }
            (What::Purge, Refusal::PurgeInProgress) | (_, Refusal::QueueDeletedRecently) => {
                self.marks.fire("a waiting rule held something up");
            }
            _ => {}
        }
        if let What::Send { ids, .. } = &asked.what {
            ids.iter().for_each(|(id, _)| self.oracle.refused(*id));
        }
        Ok(())
    }

    fn heard_of_messages(
        &mut self,
        asked: &Asked,
        outcome: &Outcome,
        payloads: &[Bytes],
    ) -> Result<(), Halt> {
        match (&asked.what, outcome) {
            (What::Describe { bounds, hidden }, Outcome::Description(description)) => {
                self.oracle.checks_counts(*bounds, description)?;
                if description.expired > 0 {
                    self.marks.fire("messages expired");
                }
                let counts = description.counts;
                let found = (counts.in_flight as u64, counts.delayed as u64);
                if found.0 < hidden.0 || found.1 < hidden.1 {
                    let text =
                        format!("in flight and delayed are {found:?}; they must be at least {hidden:?}");
                    return Err(Halt::Broken(text));
                }
            }
            (What::Send { ids, bounds, must_of_all }, Outcome::Sent(results)) => {
                self.sent(asked, ids, *bounds, *must_of_all, results)?;
            }
            (What::Receive { .. }, Outcome::Received { .. }) => self.received(asked, outcome, payloads)?,
            (What::Delete { handles }, Outcome::Deleted(results)) => {
                for ((handle, standing), result) in handles.iter().zip(results) {
                    self.deleted(*handle, *standing, result.is_ok())?;
                }
            }
            (What::ChangeLease { changes }, Outcome::VisibilityChanged(results)) => {
                for (change, result) in changes.iter().zip(results) {
                    self.lease_changed(asked.known, *change, result.is_ok())?;
                }
            }
            (What::StartMove { task }, _) => {
                self.marks.fire("a move task started");
                let task = self.clients.tasks.iter_mut().find(|other| other.id == *task);
                task.into_iter().for_each(|task| task.started = true);
            }
            (What::Clock, Outcome::ExpiryHold { confirmed: true, .. }) => {
                self.marks.fire("the clock was confirmed");
            }
            (What::Origins, Outcome::Origins(origins)) => {
                let leads_here = |key| {
                    number_of(key).is_some_and(|from| QUEUES[from].dead_letters == Some(asked.known.queue))
                };
                if let Some(wrong) = origins.iter().find(|key| !leads_here(key)) {
                    return Err(Halt::Broken(format!("{wrong} is told as an origin of dead letters")));
                }
            }
            (What::ListMoves { must }, Outcome::MoveTasks(tasks)) => {
                let listed = |id: &&MoveTaskId| tasks.iter().any(|task| task.order.id == **id);
                if let Some(lost) = must.iter().find(|id| !listed(id)) {
                    return Err(Halt::Broken(format!("move task {lost:?} is not listed: {tasks:?}")));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn sent(
        &mut self,
        asked: &Asked,
        ids: &[(u128, Option<bool>)],
        (must, may): (u64, u64),
        must_of_all: u64,
        results: &[Result<millpond_core::outcome::Accepted, Refusal>],
    ) -> Result<(), Halt> {
        let mut added = 0;
        for ((id, too_long), result) in ids.iter().zip(results) {
            let is_too_long = matches!(result, Err(Refusal::MessageTooLong { .. }));
            if too_long.is_some_and(|too_long| too_long != is_too_long) {
                return Err(Halt::Broken(format!(
                    "whether {id} is too long is answered wrongly: {result:?}"
                )));
            }
            match result {
                Ok(accepted) if QUEUES[asked.known.queue].fifo => {
                    let repeats = self.oracle.accepted_as(*id, accepted.id, asked.decided)?;
                    added += u64::from(!repeats);
                    if repeats {
                        self.marks.fire("a repeated send was answered as the first");
                    }
                }
                Ok(_) => {
                    self.oracle.accepted(*id);
                    added += 1;
                }
                Err(Refusal::QuotaExceeded { scope, .. }) => {
                    self.marks.fire("a quota refused a send");
                    if *scope == QuotaScope::Queue && may + (ids.len() as u64) <= QUEUE_MESSAGES {
                        let text = format!("a queue of at most {may} messages was called full");
                        return Err(Halt::Broken(text));
                    }
                    self.oracle.refused(*id);
                }
                Err(Refusal::MessageTooLong { .. }) => {
                    self.marks.fire("a message was too long");
                    self.oracle.refused(*id);
                }
                Err(_) => self.oracle.refused(*id),
            }
        }
        let too_many = must + added > QUEUE_MESSAGES || must_of_all + added > ACCOUNT_MESSAGES;
        if self.mood.has_quotas && added > 0 && too_many {
            return Err(Halt::Broken(format!(
                "{added} messages were accepted beside {must}, over the quota"
            )));
        }
        Ok(())
    }

    fn deleted(&mut self, handle: Handle, standing: Standing, worked: bool) -> Result<(), Halt> {
        if worked {
            self.oracle.deleted(handle.id, standing);
            if standing.leased && handle.life < self.life {
                self.marks.fire("a delete worked across a restart");
            }
        } else if standing.must_work {
            return Err(Halt::Broken(format!("a delete of a leased message failed: {handle:?}")));
        }
        Ok(())
    }

    fn lease_changed(&mut self, known: Known, asked: LeaseChange, worked: bool) -> Result<(), Halt> {
        let LeaseChange { handle, standing, end } = asked;
        if worked {
            if standing.leased {
                self.oracle.lease_changed(known, handle.id, handle.receipt, end);
            }
            self.marks.fire("a visibility change was acknowledged");
        } else if standing.must_work {
            return Err(Halt::Broken(format!("the lease of {handle:?} was not changed")));
        }
        Ok(())
    }

    fn received(&mut self, asked: &Asked, outcome: &Outcome, payloads: &[Bytes]) -> Result<(), Halt> {
        let Outcome::Received { queue, deliveries } = outcome else { return Ok(()) };
        let What::Receive { visibility_timeout_secs, attempt, tried } = asked.what else { return Ok(()) };
        let parked = asked.parked_until.is_some();
        if parked {
            let empty = deliveries.is_empty();
            self.marks.fire(if empty { "a long poll ended empty" } else { "a long poll was served" });
        }
        let latest = if parked { self.now } else { asked.decided.latest };
        let decided = Between { earliest: asked.decided.earliest, latest };
        let leased_until = decided.earliest.plus_secs(u64::from(visibility_timeout_secs));
        let flipped = self.has_flipped();
        // What can't be read was leased and is left out of the reply, and so is what went elsewhere after its lease had ended
        // while it was still being read.
        if flipped || self.now >= leased_until {
            self.oracle.never_sees_receive(Some(asked.known.queue));
        }
        let mut receipts = Vec::new();
        for (delivery, payload) in deliveries.iter().zip(payloads) {
            let decoded = Payload::decode(payload).map_err(|error| Broken::from(error.to_string()))?;
            let id = decoded.message_id.0;
            let receipt = receipt_of(*queue, delivery);
            let receive_count = delivery.receive_count;
            let (payload, sent_at) = (payload.clone(), delivery.sent_at);
            let arrived =
                Arrived { id, receipt, payload, receive_count, sent_at, attempt, decided, leased_until };
            let again = self.oracle.delivered(asked.known, parked, &arrived)?;
            self.mark_delivery(asked.known.queue, id, delivery, again)?;
            receipts.push((id, receipt));
        }
        let fifo = asked.known.queue;
        if QUEUES[fifo].fifo && !flipped {
            let ids: Vec<u128> = receipts.iter().map(|(id, _)| *id).collect();
            self.oracle.checks_order(fifo, &ids, decided)?;
        }
        if let Some(attempt) = attempt
            && self.oracle.given(asked.known, attempt, receipts.clone(), decided, tried)?
        {
            self.marks.fire("a receive was tried again");
        }
        self.take_home(asked.known.queue, receipts, attempt)
    }

    fn mark_delivery(
        &mut self,
        queue: usize,
        id: u128,
        delivery: &Delivery,
        again: bool,
    ) -> Result<(), Broken> {
        let life = self.life;
        match self.clients.handed_out.insert(id, life) {
            Some(earlier) if earlier < life => self.marks.fire("a message was redelivered after a restart"),
            Some(_) if again => self.marks.fire("a message was received again after its lease"),
            _ => {}
        }
        if delivery.moved.is_some() {
            self.marks.fire("a message that a task moved was handed out");
        }
        let Some(source) = &delivery.source else { return Ok(()) };
        self.marks.fire("a dead letter was handed out");
        if number_of(source).is_none_or(|source| QUEUES[source].dead_letters != Some(queue)) {
            return Err(format!("message {id} of {} comes from {source}", QUEUES[queue].name));
        }
        Ok(())
    }

    /// The reply reaches its client, or the connection breaks: then the guard of the leases gives them back.
    fn take_home(
        &mut self,
        queue: usize,
        receipts: Vec<(u128, Receipt)>,
        attempt: Option<AttemptKey>,
    ) -> Result<(), Halt> {
        let life = self.life;
        if receipts.is_empty() || self.random.u8(..12) > 0 {
            let handles = receipts.into_iter().map(|(id, receipt)| Handle { id, queue, receipt, life });
            self.clients.handles.extend(handles);
            return Ok(());
        }
        for (id, receipt) in &receipts {
            // A delivery that two replies have named is not given back.
            if attempt.is_none() {
                self.oracle.gave_back(*id, *receipt);
            }
        }
        if attempt.is_some() {
            return Ok(());
        }
        let now = self.now;
        let receipts = receipts.into_iter().map(|(_, receipt)| receipt).collect();
        self.service().take(now, Input::Undelivered { receipts }).map_err(Halt::Died)?;
        self.service().fetch_what_is_needed(now).map_err(Halt::Died)
    }
}
