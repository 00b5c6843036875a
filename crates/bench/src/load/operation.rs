//! One operation: its calls, one after the other, on one connection.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::Value;
use tokio::time::Instant;

use super::Shared;
use super::link::Link;
use crate::calls::{Action, Signed};
use crate::connection::ExchangeError;
use crate::control::refusal_text;
use crate::handles::receipt_handles;
use crate::response::Reply;

/// What became of an operation that nothing went wrong with.
pub(super) enum Done {
    /// So many messages were sent, or received and deleted.
    Messages(u64),
    /// Its receive got nothing.
    Empty,
}

/// Why an operation did not come to its end.
pub(super) enum Failed {
    Refused(String),
    Broken(ExchangeError),
}

pub(super) struct Operation<'a> {
    pub(super) shared: &'a Shared,
    pub(super) link: &'a mut Link,
    pub(super) queue: usize,
    /// When it was to begin.
    pub(super) at: Instant,
    pub(super) measured: bool,
}

impl Operation<'_> {
    pub(super) async fn run(mut self) -> Result<Done, Failed> {
        let (shared, queue) = (self.shared, self.queue);
        let mut began = self.at;
        if shared.work.sends() {
            let reply = self.call(&shared.calls.send(queue)).await?;
            self.accept(Action::Send, &reply, began, false)?;
            if !shared.work.receives() {
                return Ok(Done::Messages(shared.calls.messages()));
            }
            began = Instant::now();
        }
        let reply = self.call(&shared.calls.receive(queue)).await?;
        let delete = shared.calls.delete(queue, receipt_handles(self.link.body(&reply)));
        self.accept(Action::Receive, &reply, began, delete.is_none())?;
        let Some((delete, messages)) = delete else { return Ok(Done::Empty) };
        let began = Instant::now();
        let reply = self.call(&delete).await?;
        self.accept(Action::Delete, &reply, began, false)?;
        Ok(Done::Messages(messages))
    }

    async fn call(&mut self, request: &Signed) -> Result<Reply, Failed> {
        let reply = self.link.exchange(&self.shared.addresses, request).await.map_err(Failed::Broken)?;
        self.shared.answered.fetch_add(1, Relaxed);
        Ok(reply)
    }

    fn accept(&self, action: Action, reply: &Reply, began: Instant, empty: bool) -> Result<(), Failed> {
        let latency = began.elapsed();
        let body = self.link.body(reply);
        if reply.status != 200 {
            return Err(Failed::Refused(refusal_text(reply.status, &String::from_utf8_lossy(body))));
        }
        // Only batches are taken in parts; a receive's reply is long, and holds the texts of others.
        if action != Action::Receive
            && let Some(entry) = first_failed_entry(body)
        {
            return Err(Failed::Refused(format!("batch entry refused: {entry}")));
        }
        if self.measured {
            self.shared.tally().accept_request(action, latency, empty);
        }
        Ok(())
    }
}

/// A batch answers 200 also when entries were refused: the first of them, if any.
fn first_failed_entry(body: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"Failed\"";
    // Ids and digests are lower case, so that nearly every reply is settled by the search for one byte.
    if !body.contains(&b'F') || !body.windows(KEY.len()).any(|window| window == KEY) {
        return None;
    }
    let reply: Value = serde_json::from_slice(body).ok()?;
    reply.get("Failed")?.as_array()?.first().map(Value::to_string)
}
