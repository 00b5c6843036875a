//! In what a server can be made unlike itself: queues that appear when they are called, the waiting rules of Amazon
//! SQS, and the controls for tests.
//!
//! All of it is off unless it is asked for, and costs nothing then.

use std::sync::Arc;

use millpond_core::command::Command;
use millpond_core::name::QueueKey;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, Tags};
use millpond_engine::EngineHandle;
use millpond_engine::handle::{Answer, CallError};
use millpond_engine::step::Wait;

use crate::access::Access;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// A queue that is called and is not there is created with the default settings.
    pub auto_create: bool,
    /// The waiting rules of Amazon SQS are kept, see [`millpond_core::pacing`].
    pub aws_pacing: bool,
    /// Callers may empty the service and put its clock forward. They take or age every message of every caller, so this
    /// is for a service whose data is for tests.
    pub test_controls: Option<TestControls>,
}

/// The controls for tests.
#[derive(Clone, Debug, Default)]
pub struct TestControls {
    /// What makes the queues that are there again after a reset, in order.
    pub queues: Vec<Command>,
}

impl TestControls {
    /// Takes away all queues, and puts the declared ones back, empty. Answers how many queues and messages went.
    ///
    /// # Errors
    /// [`CallError`]: the engine has stopped, or let a command not in.
    pub async fn reset(
        &self,
        engine: &EngineHandle,
        access: &Arc<Access>,
    ) -> Result<(usize, usize), CallError> {
        let (engine, access, queues) = (engine.clone(), access.clone(), self.queues.clone());
        // In a task of its own: whoever asked may go away in between, and what is gone must not be known any more.
        let task = tokio::spawn(async move {
            let outcome = engine.call(Command::Reset, Wait::Secs(0), 0).await?.outcome;
            for queue in &queues {
                put_back(&engine, queue).await?;
            }
            access.queues_changed().await?;
            let Outcome::Reset { queues, messages } = outcome else { return Ok((0, 0)) };
            Ok((queues, messages))
        });
        task.await.unwrap_or(Err(CallError::Stopped))
    }
}

/// Has a declared queue there as it is declared, also when a call came first that creates the queue it is about.
async fn put_back(engine: &EngineHandle, queue: &Command) -> Result<(), CallError> {
    let created = engine.call(queue.clone(), Wait::Secs(0), 0).await?.outcome;
    let Command::CreateQueue { key, attributes, tags } = queue else { return Ok(()) };
    if matches!(created, Outcome::Refused(Refusal::QueueNameExists(_))) {
        let set = Command::SetQueueAttributes { key: key.clone(), attributes: attributes.clone() };
        engine.call(set, Wait::Secs(0), 0).await?;
    }
    // A queue that was there has kept its tags, and that it was is told only when its settings differ.
    if !tags.is_empty() {
        let tag = Command::TagQueue { key: key.clone(), tags: tags.clone() };
        engine.call(tag, Wait::Secs(0), 0).await?;
    }
    Ok(())
}

impl Behaviour {
    /// Has a command carried out. `may_create` is whether a queue that is not there may be created.
    pub(crate) async fn carry_out(
        &self,
        engine: &EngineHandle,
        command: Command,
        wait: Wait,
        size_bytes: usize,
        may_create: bool,
    ) -> Result<Answer, CallError> {
        let command = if self.aws_pacing { paced(command) } else { command };
        let absent = if may_create { created_by(&command).cloned() } else { None };
        let Some(key) = absent else { return engine.call(command, wait, size_bytes).await };
        // A receive that waits is refused in the same way when its queue is deleted, and that must not create it again. So
        // whether the queue is there is asked before.
        let waits = matches!(command, Command::Receive { .. });
        let first = if waits { Command::FindQueue { key: key.clone() } } else { command.clone() };
        let answer = engine.call(first, Wait::Secs(0), size_bytes).await?;
        if waits && !matches!(answer.outcome, Outcome::Refused(_)) {
            return engine.call(command, wait, size_bytes).await;
        }
        if !matches!(answer.outcome, Outcome::Refused(Refusal::QueueDoesNotExist)) {
            return Ok(answer);
        }
        let create = create(key);
        let create = if self.aws_pacing { paced(create) } else { create };
        match engine.call(create, Wait::Secs(0), 0).await?.outcome {
            // It may have to wait, for example: then it is as if it were not to be created.
            Outcome::Refused(_) => Ok(answer),
            _ => engine.call(command, wait, size_bytes).await,
        }
    }
}

/// Only these have a rule; the others are spared the box.
fn paced(command: Command) -> Command {
    match command {
        Command::CreateQueue { .. } | Command::DeleteQueue { .. } | Command::PurgeQueue { .. } => {
            Command::Paced(Box::new(command))
        }
        command => command,
    }
}

/// The queue that a command would use or look at. What takes something away from a queue, or names a delivery of it,
/// makes no sense on a new one.
fn created_by(command: &Command) -> Option<&QueueKey> {
    match command {
        Command::Paced(command) => created_by(command),
        Command::Send { key, .. }
        | Command::Receive { key, .. }
        | Command::FindQueue { key }
        | Command::DescribeQueue { key }
        | Command::SetQueueAttributes { key, .. }
        | Command::PurgeQueue { key }
        | Command::TagQueue { key, .. }
        | Command::ListQueueTags { key } => Some(key),
        _ => None,
    }
}

fn create(key: QueueKey) -> Command {
    let fifo_queue = key.name.is_fifo().then_some(true);
    let attributes = AttributePatch { fifo_queue, ..AttributePatch::default() };
    Command::CreateQueue { key, attributes: attributes.into(), tags: Tags::default() }
}

#[cfg(test)]
mod tests;
