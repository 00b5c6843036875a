//! The way from a thread of the engine to the engine, which also tells when the thread has panicked: a reply or a
//! checkpoint that never comes must not go unnoticed.

use std::sync::mpsc::{SendError, Sender};
use std::thread;

use super::Message;

/// Sends to the engine. Dropped by a panic, it tells of it.
pub(super) struct Watch {
    thread: &'static str,
    engine: Sender<Message>,
}

impl Watch {
    pub(super) fn new(thread: &'static str, engine: Sender<Message>) -> Self {
        Self { thread, engine }
    }

    /// Fails when the engine has ended.
    pub(super) fn send(&self, message: Message) -> Result<(), SendError<Message>> {
        self.engine.send(message)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if thread::panicking() {
            // An engine that has ended needs no telling.
            let _ = self.engine.send(Message::Panicked { thread: self.thread });
        }
    }
}
