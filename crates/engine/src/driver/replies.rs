//! Hands replies to their callers, many at a time.
//!
//! Waking a caller from outside of its runtime costs a system call or more. The engine's thread hands all replies of a
//! turn to one task instead, which wakes the callers from inside. The order of replies is kept.

use std::sync::mpsc::Sender;

use tokio::sync::{mpsc, oneshot};

use super::{Message, reply_receipts};
use crate::step::Reply;

type Replies = Vec<(oneshot::Sender<Reply>, Reply)>;

/// Collects the replies of a turn.
pub(super) struct ReplySender {
    collected: Replies,
    task: mpsc::UnboundedSender<Replies>,
}

impl ReplySender {
    /// Starts the task in the current runtime. It ends with the engine.
    pub(super) fn start(engine: Sender<Message>) -> Self {
        let (task, mut replies) = mpsc::unbounded_channel::<Replies>();
        tokio::spawn(async move {
            while let Some(turn) = replies.recv().await {
                for (caller, reply) in turn {
                    let Err(reply) = caller.send(reply) else { continue };
                    let receipts = reply_receipts(&reply);
                    if !receipts.is_empty() {
                        // A stopped engine has no one to give them to; the leases then end by themselves.
                        let _ = engine.send(Message::Undelivered { receipts });
                    }
                }
            }
        });
        Self { collected: Vec::new(), task }
    }

    /// Adds a reply to the turn.
    pub(super) fn push(&mut self, caller: oneshot::Sender<Reply>, reply: Reply) {
        self.collected.push((caller, reply));
    }

    /// Hands the turn's replies over.
    pub(super) fn send(&mut self) {
        if !self.collected.is_empty() {
            // Without its runtime no caller is left either.
            let _ = self.task.send(std::mem::take(&mut self.collected));
        }
    }
}
