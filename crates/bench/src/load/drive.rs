//! One connection's loop: send, await the reply, record, again, until the window closes.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Shared, Tally};
use crate::connection::{Connection, ExchangeError};
use crate::control::refusal_text;

/// Pause after a failed connection, so that a server that is gone is not hammered with attempts.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// What became of one request.
enum Outcome {
    Accepted,
    Refused(String),
    Broken(ExchangeError),
}

/// Sends until the window has closed. `tally` is complete up to the request under way whenever this is dropped.
pub(super) async fn drive(shared: &Shared, tally: &mut Tally) {
    let mut open: Option<Connection> = None;
    loop {
        let connected = match open.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(&shared.addresses).await,
        };
        let sent_at = Instant::now();
        if sent_at >= shared.closes {
            return;
        }
        let measured = sent_at >= shared.opens;
        if measured {
            tally.begin();
        }
        let outcome = match connected {
            Ok(connection) => send_one(connection, &mut open, shared).await,
            Err(error) => Outcome::Broken(error),
        };
        let latency = sent_at.elapsed();
        shared.answered.fetch_add(1, Relaxed);
        if !matches!(outcome, Outcome::Accepted) {
            shared.failed.fetch_add(1, Relaxed);
        }
        let broken = matches!(outcome, Outcome::Broken(_));
        if measured {
            match outcome {
                Outcome::Accepted => tally.accept(latency, shared.messages_per_request),
                Outcome::Refused(text) => tally.fail(&text),
                Outcome::Broken(error) => tally.fail(&error.to_string()),
            }
        }
        if broken {
            sleep(RECONNECT_PAUSE).await;
        }
    }
}

/// One request and its reply; gives the connection back to `open` when it can serve the next request.
async fn send_one(mut connection: Connection, open: &mut Option<Connection>, shared: &Shared) -> Outcome {
    let reply = match connection.exchange(&shared.request()).await {
        Ok(reply) => reply,
        Err(error) => return Outcome::Broken(error),
    };
    let body = connection.body(&reply);
    let outcome = if reply.status != 200 {
        Outcome::Refused(refusal_text(reply.status, &String::from_utf8_lossy(body)))
    } else {
        match first_failed_entry(body) {
            Some(entry) => Outcome::Refused(format!("batch entry refused: {entry}")),
            None => Outcome::Accepted,
        }
    };
    if !reply.closes {
        *open = Some(connection);
    }
    outcome
}

/// A `SendMessageBatch` answers 200 also when entries were refused: the first of them, if any.
fn first_failed_entry(body: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"Failed\"";
    // Ids and digests are lower case, so that nearly every reply is settled by the search for one byte.
    if !body.contains(&b'F') || !body.windows(KEY.len()).any(|window| window == KEY) {
        return None;
    }
    let reply: Value = serde_json::from_slice(body).ok()?;
    reply.get("Failed")?.as_array()?.first().map(Value::to_string)
}
