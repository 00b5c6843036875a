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
