//! Where submissions go: the one thing that a form needs from a queue.

use std::future::Future;

use thiserror::Error;

use crate::submission::{MessageId, Submission};

/// Takes submissions durably. An implementation bounds how long it tries.
pub trait Outbox: Send + Sync + 'static {
    /// Sends one submission; `Ok` only when the message is accepted. The id has to travel with the message.
    fn send(&self, submission: &Submission) -> impl Future<Output = Result<MessageId, SendError>> + Send;
}

/// Why a submission was not confirmed. The reasons are for the log; visitors see sentences of the page.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// Try again later with the same id. Whether the message was accepted may be unknown.
    #[error("the queue did not confirm: {0}")]
    Unavailable(String),
    /// Trying again is of no use until someone changes the set-up (no such queue, no permission).
    #[error("the queue refused: {0}")]
    Refused(String),
}
