//! Lands deliveries: gathers a batch, writes it in one transaction, has its messages deleted once it is committed.
//!
//! A failure is treated by what it is. An outage is waited out with the batch held. A batch that the database refuses
//! is halved until the record that it refuses stands alone; that one is reported and hidden, the others land. A
//! configuration that no longer fits ends the sink.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};

use crate::{
    backoff::Backoff,
    batch::Batch,
    condition::User,
    context::Context,
    delivery::{Delivery, Piece},
    event::{Event, add},
    settle::{Settler, poison_hidden_secs},
    target::{FailureClass, Target, TargetError, Written},
};

/// The waits after a deadlock or a lock that was not granted.
const CONTENTION: Backoff = Backoff { base: Duration::from_millis(20), cap: Duration::from_secs(1) };

/// Contention that outlasts so many attempts is treated as an outage.
const CONTENTION_ATTEMPTS: u32 = 5;

/// A single record that fails so often for a reason that names no class is taken for poison.
const UNCLEAR_ROUNDS: u32 = 5;

/// One writer with its connection.
pub(crate) struct Writer<T> {
    pub(crate) context: Arc<Context>,
    pub(crate) target: T,
    pub(crate) lane: UnboundedReceiver<Delivery>,
    pub(crate) settler: Settler,
    pub(crate) database_user: User,
}

/// What became of one piece.
enum Attempt {
    Written(Written),
    /// The database refuses something in the piece, and would refuse it again.
    Refused(TargetError),
    /// The sink is to end and the database is away.
    Stopped,
}

impl<T: Target> Writer<T> {
    /// Runs until every poller is gone and what they received is settled.
    pub(crate) async fn run(mut self) -> Result<(), TargetError> {
        while let Some(batch) = self.gather().await {
            let mut open = vec![Piece::whole(batch)];
            let ended = self.land(&mut open).await;
            if ended.is_err() || !open.is_empty() {
                self.give_back(open).await;
                return ended;
            }
        }
        Ok(())
    }

    async fn gather(&mut self) -> Option<Vec<Delivery>> {
        let first = self.lane.recv().await?;
        let mut batch = Batch::open(first, self.context.config.batch, Instant::now());
        while !batch.is_full() {
            tokio::select! {
                biased;
                delivery = self.lane.recv() => match delivery {
                    Some(delivery) => batch.push(delivery),
                    None => break,
                },
                () = tokio::time::sleep_until(batch.due()) => break,
            }
        }
        Some(batch.into_deliveries())
    }

    /// Lands the open pieces, the last one first. What is still open when it returns could not be settled: the sink
    /// is to end and the database is away, or the configuration does not fit any more.
    async fn land(&mut self, open: &mut Vec<Piece>) -> Result<(), TargetError> {
        let mut landed = 0;
        for round in 0.. {
            let mut unclear = Vec::new();
            while let Some(piece) = open.pop() {
                match self.write(&piece).await {
                    Ok(Attempt::Written(written)) => landed += self.written(&piece, written),
                    Ok(Attempt::Refused(_)) if piece.len() > 1 => {
                        let (first, second) = piece.halves();
                        open.extend([second, first]);
                    }
                    Ok(Attempt::Refused(error)) if error.class == FailureClass::Unclear => {
                        unclear.push((piece, error));
                    }
                    Ok(Attempt::Refused(error)) => self.isolate(&piece, &error),
                    ended @ (Ok(Attempt::Stopped) | Err(_)) => {
                        open.push(piece);
                        open.extend(unclear.into_iter().map(|(piece, _)| piece));
                        return ended.map(drop);
                    }
                }
            }
            let Some((_, error)) = unclear.first() else { break };
            if !is_outage(unclear.len(), landed, round) {
                unclear.iter().for_each(|(piece, error)| self.isolate(piece, error));
                break;
            }
            self.database_failed(error, round);
            open.extend(unclear.into_iter().rev().map(|(piece, _)| piece));
            if !self.context.sleep(self.context.retry_delay(round)).await {
                return Ok(());
            }
        }
        self.database_works();
        Ok(())
    }

    /// Writes a piece, waiting out whatever passes by itself.
    async fn write(&mut self, piece: &Piece) -> Result<Attempt, TargetError> {
        let mut failures = 0;
        loop {
            let error = match self.target.write(self.context.queue.arn(), piece).await {
                Ok(written) => {
                    self.database_works();
                    return Ok(Attempt::Written(written));
                }
                Err(error) => error,
            };
            match error.class {
                FailureClass::Poison | FailureClass::Unclear => return Ok(Attempt::Refused(error)),
                FailureClass::Configuration => return Err(error),
                FailureClass::Outage | FailureClass::Transient => {
                    if !self.recover(error, &mut failures).await? {
                        return Ok(Attempt::Stopped);
                    }
                }
            }
        }
    }

    /// Waits after a failure until the write is worth another attempt. False when the sink is to end.
    async fn recover(&mut self, mut error: TargetError, failures: &mut u32) -> Result<bool, TargetError> {
        loop {
            let attempt = *failures;
            *failures += 1;
            let contention = error.class == FailureClass::Transient;
            // A connection that died of idleness is opened again at once and is no outage.
            if contention && attempt < CONTENTION_ATTEMPTS {
                tokio::time::sleep(CONTENTION.delay(attempt, fastrand::f64())).await;
            } else if contention || attempt > 0 {
                self.database_failed(&error, attempt);
                if !self.context.sleep(self.context.retry_delay(attempt)).await {
                    return Ok(false);
                }
            }
            if contention {
                return Ok(true);
            }
            match self.target.prepare().await {
                Ok(created) => {
                    if !created.is_empty() {
                        self.context.report(&Event::TablesRecreated { tables: created });
                    }
                    return Ok(true);
                }
                Err(again) if again.class == FailureClass::Configuration => return Err(again),
                Err(again) => error = again,
            }
        }
    }

    fn written(&self, piece: &Piece, written: Written) -> u64 {
        let Written { landed, already_landed } = written;
        for delivery in piece.iter() {
            self.settler.delete(&delivery.held);
        }
        add(&self.context.tally.landed, landed);
        add(&self.context.tally.already_landed, already_landed);
        self.context.report(&Event::Wrote { landed, already_landed });
        landed
    }

    fn isolate(&self, piece: &Piece, error: &TargetError) {
        for delivery in piece.iter() {
            let Delivery { message_id, receive_count, held, .. } = delivery;
            let hidden_secs = poison_hidden_secs(self.context.config.visibility_timeout_secs, *receive_count);
            self.settler.hide(held, hidden_secs);
            add(&self.context.tally.poison, 1);
            self.context.report(&Event::Poison {
                message_id: message_id.clone(),
                receive_count: *receive_count,
                reason: error.to_string(),
                hidden_secs,
            });
        }
    }

    fn database_failed(&mut self, error: &TargetError, attempt: u32) {
        if self.database_user.failed(Instant::now()) {
            self.context.report(&Event::DatabaseDown {
                reason: self.context.config.at_target(error),
                retry_in: self.context.longest_retry_delay(attempt),
                held_messages: self.context.hold.messages(),
            });
        }
    }

    fn database_works(&mut self) {
        if let Some(after) = self.database_user.worked(Instant::now()) {
            self.context.report(&Event::DatabaseUp { after });
        }
    }

    /// Ends the sink and gives back what this writer holds; not before the pollers are gone, because one of them
    /// would receive it again.
    async fn give_back(&mut self, mut pieces: Vec<Piece>) {
        self.context.end();
        while let Some(delivery) = self.lane.recv().await {
            pieces.push(Piece::whole(vec![delivery]));
        }
        for delivery in pieces.iter().flat_map(|piece| piece.iter()) {
            self.settler.release(&delivery.held);
        }
    }
}

/// Whether records that fail for a reason that names no class mean that the database is unwell, rather than that
/// they are poison: not when neighbours landed, and not when a single record keeps failing alone.
fn is_outage(failing: usize, landed: u64, round: u32) -> bool {
    landed == 0 && (failing > 1 || round + 1 < UNCLEAR_ROUNDS)
}

#[cfg(test)]
mod tests;
