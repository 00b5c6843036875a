//! The calls that a load is made of, for its queues.
//!
//! What repeats byte for byte (sends to standard queues, receives) is signed once a minute for each queue. What can't
//! repeat is built and signed for each call: deletes, which name receipt handles, and sends to FIFO queues, whose
//! messages have deduplication ids of their own.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::config::{Batch, LoadConfig, Work};
use crate::request::Requests;

/// Age at which the signature of a repeated request is renewed; servers accept at least five minutes.
const SIGNATURE_AGE_MAX: Duration = Duration::from_secs(60);

/// The three kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Send,
    Receive,
    Delete,
}

/// A signed request.
pub(crate) type Signed = Arc<[u8]>;

/// Makes the calls of one run.
pub(crate) struct Calls {
    requests: Requests,
    queue_urls: Arc<[String]>,
    batch: Batch,
    message_body: String,
    fifo: Option<Fifo>,
    /// For each queue, its send and its receive.
    repeated: Mutex<Vec<[Option<Repeated>; 2]>>,
}

/// How the messages of FIFO queues are told apart.
struct Fifo {
    groups: u64,
    /// No other run's deduplication ids begin so.
    run: String,
    next_message: AtomicU64,
}

struct Repeated {
    signed_at: Instant,
    request: Signed,
}

impl Action {
    pub(crate) const ALL: [Self; 3] = [Self::Send, Self::Receive, Self::Delete];

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Delete => "delete",
        }
    }

    /// The action of SQS.
    fn of_sqs(self, batch: Batch) -> &'static str {
        match (self, batch) {
            (Self::Send, Batch::ONE) => "SendMessage",
            (Self::Send, _) => "SendMessageBatch",
            (Self::Receive, _) => "ReceiveMessage",
            (Self::Delete, Batch::ONE) => "DeleteMessage",
            (Self::Delete, _) => "DeleteMessageBatch",
        }
    }
}

impl Calls {
    /// The calls of `config` to the queues at `queue_urls`; `run` is in no other run's deduplication ids.
    pub(crate) fn new(config: &LoadConfig, queue_urls: &Arc<[String]>, run: &str) -> Self {
        let fifo = match config.work {
            Work::Fifo { groups } => {
                Some(Fifo { groups: groups.get(), run: run.to_owned(), next_message: AtomicU64::new(0) })
            }
            _ => None,
        };
        Calls {
            requests: Requests::new(config),
            queue_urls: Arc::clone(queue_urls),
            batch: config.batch,
            message_body: message_body(config.size_bytes.get()),
            fifo,
            repeated: Mutex::new(queue_urls.iter().map(|_| [None, None]).collect()),
        }
    }

    /// How many queues there are.
    pub(crate) fn queues(&self) -> usize {
        self.queue_urls.len()
    }

    /// Messages in a request.
    pub(crate) fn messages(&self) -> u64 {
        self.batch.messages() as u64
    }

    /// A send of one batch to the queue of this number.
    pub(crate) fn send(&self, queue: usize) -> Signed {
        match &self.fifo {
            None => self.repeated(queue, Action::Send),
            Some(fifo) => self.signed(Action::Send, &self.fifo_send(queue, fifo)),
        }
    }

    /// A receive of up to one batch from the queue of this number.
    pub(crate) fn receive(&self, queue: usize) -> Signed {
        self.repeated(queue, Action::Receive)
    }

    /// A delete of the messages that the handles name; `None` when there are none.
    pub(crate) fn delete<'h>(
        &self,
        queue: usize,
        handles: impl Iterator<Item = &'h str>,
    ) -> Option<(Signed, u64)> {
        let mut body = format!("{{\"QueueUrl\":\"{}\"", self.queue_urls[queue]);
        let mut count = 0;
        for handle in handles {
            let before = if count == 0 { ",\"Entries\":[" } else { "," };
            // Writing to a string can't fail.
            let _ = match self.batch {
                Batch::ONE => write!(body, ",\"ReceiptHandle\":\"{handle}\""),
                _ => write!(body, "{before}{{\"Id\":\"{count}\",\"ReceiptHandle\":\"{handle}\"}}"),
            };
            count += 1;
        }
        body.push_str(if self.batch == Batch::ONE { "}" } else { "]}" });
        (count > 0).then(|| (self.signed(Action::Delete, &body), count))
    }

    fn signed(&self, action: Action, body: &str) -> Signed {
        self.requests.signed(action.of_sqs(self.batch), body.as_bytes()).into()
    }

    fn repeated(&self, queue: usize, action: Action) -> Signed {
        let mut repeated = self.repeated.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut repeated[queue][usize::from(action == Action::Receive)];
        let now = Instant::now();
        slot.take_if(|old| now - old.signed_at >= SIGNATURE_AGE_MAX);
        let fresh = || {
            let body =
                if action == Action::Send { self.plain_send(queue) } else { self.plain_receive(queue) };
            Repeated { signed_at: now, request: self.signed(action, &body) }
        };
        Arc::clone(&slot.get_or_insert_with(fresh).request)
    }

    fn plain_send(&self, queue: usize) -> String {
        let (url, text) = (&self.queue_urls[queue], &self.message_body);
        let input = match self.batch {
            Batch::ONE => json!({"QueueUrl": url, "MessageBody": text}),
            batch => {
                let entry = |index: usize| json!({"Id": index.to_string(), "MessageBody": text});
                let entries: Vec<_> = (0..batch.messages()).map(entry).collect();
                json!({"QueueUrl": url, "Entries": entries})
            }
        };
        input.to_string()
    }

    fn plain_receive(&self, queue: usize) -> String {
        json!({"QueueUrl": self.queue_urls[queue], "MaxNumberOfMessages": self.batch.messages()}).to_string()
    }

    fn fifo_send(&self, queue: usize, fifo: &Fifo) -> String {
        let count = self.messages();
        let first = fifo.next_message.fetch_add(count, Relaxed);
        let mut body = String::with_capacity(
            self.message_body.len() * self.batch.messages() + 256 * (self.batch.messages() + 1),
        );
        let message = |body: &mut String, number: u64| {
            let (text, group, run) = (&self.message_body, number % fifo.groups, &fifo.run);
            // Writing to a string can't fail.
            let _ = write!(
                body,
                "\"MessageBody\":\"{text}\",\"MessageGroupId\":\"{group}\",\
                 \"MessageDeduplicationId\":\"{run}-{number}\""
            );
        };
        let _ = write!(body, "{{\"QueueUrl\":\"{}\",", self.queue_urls[queue]);
        if self.batch == Batch::ONE {
            message(&mut body, first);
            body.push('}');
            return body;
        }
        body.push_str("\"Entries\":[");
        for index in 0..count {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(body, "{comma}{{\"Id\":\"{index}\",");
            message(&mut body, first + index);
            body.push('}');
        }
        body.push_str("]}");
        body
    }
}

/// `size` letters and digits in an order without a period, the same in every run; JSON needs no escape for them.
pub(crate) fn message_body(size: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        // Multiplier and increment of Knuth's MMIX generator (TAOCP 2, 3.3.4).
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(ALPHABET[(state >> 58) as usize])
    };
    (0..size).map(|_| next()).collect()
}

#[cfg(test)]
mod tests;
