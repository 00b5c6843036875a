//! One long poll after the other: receive, parse, hand over.
//!
//! A receive begins only with room for all it can bring and while the database is up. A long poll that is under way
//! when the database goes down is let to end, because a reply that is cut off strands its messages until their
//! visibility timeout ends; what it brings is held like the rest.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc::UnboundedSender},
    time::Instant,
};

use crate::{
    condition::User,
    context::Context,
    delivery::Delivery,
    event::{Event, add},
    queue::{BATCH_ENTRIES, Poll, QueueError, SUBMISSION_ID, SUBMISSION_ID_BYTES_MAX},
    record,
    settle::{Settler, poison_hidden_secs},
};

/// How long a receive that is under way may still take when the sink is to end.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// A poller, with a lane to each writer. Unbounded, because what may be held at once bounds them already.
pub(crate) struct Poller {
    pub(crate) context: Arc<Context>,
    pub(crate) lanes: Vec<UnboundedSender<Delivery>>,
    pub(crate) settler: Settler,
    pub(crate) queue_user: User,
}

impl Poller {
    /// Runs until the sink is to end.
    pub(crate) async fn run(mut self) {
        let mut failures = 0;
        while let Some(room) = self.room().await {
            let Some(outcome) = self.receive(failures > 0).await else { return };
            match outcome {
                Ok(messages) => {
                    failures = 0;
                    if let Some(after) = self.queue_user.worked(Instant::now()) {
                        self.context.report(&Event::QueueUp { after });
                    }
                    self.take(messages, room);
                }
                Err(error) => {
                    drop(room);
                    self.context.queue_failed(&mut self.queue_user, &error, failures);
                    let delay = self.context.retry_delay(failures);
                    failures += 1;
                    // When the service answers one poller, the others need not wait to find that out.
                    tokio::select! {
                        _ = self.context.sleep(delay) => {}
                        () = self.context.queue_condition.recovery() => {}
                    }
                }
            }
        }
    }

    /// Waits until there is room for a full receive and the database is up. None when the sink is to end.
    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let room = async {
            loop {
                self.context.database_condition.up().await;
                let room = self.context.hold.reserve(BATCH_ENTRIES as u32).await;
                if self.context.database_condition.is_up() {
                    return room;
                }
            }
        };
        tokio::select! {
            biased;
            () = self.context.stopped() => None,
            room = room => Some(room),
        }
    }

    /// One long poll, or one that returns at once, to learn whether the service answers again. None when the sink ended
    /// before it did.
    async fn receive(&self, is_probe: bool) -> Option<Result<Vec<Message>, QueueError>> {
        let config = &self.context.config;
        let poll = Poll {
            wait_time_secs: if is_probe { 0 } else { config.wait_time_secs },
            visibility_timeout_secs: config.visibility_timeout_secs,
        };
        let cut = async {
            self.context.stopped().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        tokio::select! {
            biased;
            outcome = self.context.queue.receive(poll) => Some(outcome),
            () = cut => None,
        }
    }

    fn take(&self, messages: Vec<Message>, mut room: OwnedSemaphorePermit) {
        let now = Instant::now();
        add(&self.context.tally.received, messages.len() as u64);
        for message in messages {
            // A service that answers with more messages than were asked for: the rest comes again.
            let Some(room) = room.split(1) else { return };
            self.take_one(&message, room, now);
        }
    }

    fn take_one(&self, message: &Message, room: OwnedSemaphorePermit, now: Instant) {
        let (Some(message_id), Some(handle)) = (message.message_id(), message.receipt_handle()) else {
            return;
        };
        let body = message.body().unwrap_or_default();
        let held = self.context.hold.hold(handle, body.len(), room, now);
        let receive_count = receive_count(message);
        let config = &self.context.config;
        match record::parse(config.format, &config.columns, body) {
            Ok(row) => {
                let ledger_key = ledger_key(message, message_id);
                let message_id = message_id.to_owned();
                let lane = self.lane(&ledger_key);
                // The writer ended: the sink is to end as well, and the message returns by itself.
                let _ = lane.send(Delivery { message_id, ledger_key, receive_count, row, held });
            }
            Err(error) => {
                let hidden_secs = poison_hidden_secs(config.visibility_timeout_secs, receive_count);
                self.settler.hide(&held, hidden_secs);
                add(&self.context.tally.poison, 1);
                let (message_id, reason) = (message_id.to_owned(), error.to_string());
                self.context.report(&Event::Poison { message_id, receive_count, reason, hidden_secs });
            }
        }
    }

    /// What has one ledger key always takes the same lane, so it never waits for another lane's transaction.
    fn lane(&self, ledger_key: &str) -> &UnboundedSender<Delivery> {
        let mut hasher = DefaultHasher::new();
        ledger_key.hash(&mut hasher);
        let lanes = self.lanes.len() as u64;
        let index = usize::try_from(hasher.finish() % lanes).expect("less than the number of lanes");
        &self.lanes[index]
    }
}

/// A submission that its sender had to repeat, because it never learned what became of the first attempt, is several
/// messages with one submission id: the id is then the key. Other messages have their own id. The prefix keeps the one
/// from being taken for the other.
fn ledger_key(message: &Message, message_id: &str) -> String {
    let attribute = message.message_attributes().and_then(|attributes| attributes.get(SUBMISSION_ID));
    let submission = attribute.and_then(|value| value.string_value());
    match submission.filter(|id| (1..=SUBMISSION_ID_BYTES_MAX).contains(&id.len())) {
        Some(id) => format!("submission/{id}"),
        None => message_id.to_owned(),
    }
}

fn receive_count(message: &Message) -> u32 {
    let attributes = message.attributes();
    let text = attributes
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    text.and_then(|text| text.parse().ok()).unwrap_or(1)
}
