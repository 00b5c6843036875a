//! What authorisation has to know of queues: their policies and tags, beside the engine.
//!
//! What always holds: what a reply has said of a queue's policy or tags counts for every request after it; no older
//! state of a queue ever replaces a newer one. A request reads it without asking the engine.
//!
//! A policy is compiled when it is first asked for. One that can't be read denies what it might deny: everything but the
//! calls that look at it and repair it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use millpond_core::command::Command;
use millpond_core::name::QueueKey;
use millpond_core::outcome::{Outcome, QueueDescription};
use millpond_core::queue::Tags;
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;
use millpond_iam::evaluate::Attached;
use millpond_iam::policy::{DocumentKind, Policy};
use millpond_sqs::error::INVALID_ATTRIBUTE_VALUE;
use millpond_wire::error::ApiError;
use tokio::sync::Mutex;

use crate::own::describe_queues;

/// Queues whose names fall on the same one are read again one after the other.
const TURNS: usize = 64;

/// How long to wait when the engine is too busy to say what a queue's policy is.
const AGAIN: Duration = Duration::from_millis(20);

const UNREADABLE: &str = r#"{"Version":"2012-10-17","Statement":{"Sid":"ThePolicyCannotBeRead","Effect":"Deny",
    "Principal":"*","Resource":"*","NotAction":["sqs:GetQueueAttributes","sqs:SetQueueAttributes",
    "sqs:RemovePermission","sqs:DeleteQueue","sqs:GetQueueUrl"]}}"#;

/// Of one queue that has a policy or tags.
#[derive(Debug)]
pub(super) struct QueueFacts {
    policy: Option<String>,
    compiled: OnceLock<Option<Attached>>,
    pub(super) tags: Tags,
}

impl QueueFacts {
    /// Nothing when there is nothing to know.
    fn of(queue: &QueueDescription) -> Option<Self> {
        let policy = queue.attributes.policy.as_ref().map(|policy| policy.text());
        if policy.is_none() && queue.tags.is_empty() {
            return None;
        }
        Some(Self { policy, compiled: OnceLock::new(), tags: queue.tags.clone() })
    }

    /// The policy, if it has one.
    pub(super) fn policy(&self) -> Option<&Attached> {
        self.compiled.get_or_init(|| self.policy.as_deref().map(compile)).as_ref()
    }
}

/// Refuses a policy that can't be read, before it is stored: on the queue it would deny nearly everything.
///
/// # Errors
/// `InvalidAttributeValue`, with what is wrong and where.
pub(crate) fn check_policy(command: &Command) -> Result<(), ApiError> {
    let (Command::CreateQueue { attributes, .. } | Command::SetQueueAttributes { attributes, .. }) = command
    else {
        return Ok(());
    };
    let Some(Some(policy)) = &attributes.policy else { return Ok(()) };
    let read = Policy::parse(&policy.text(), DocumentKind::Resource);
    read.map(drop).map_err(|error| {
        INVALID_ATTRIBUTE_VALUE.because(format!("Invalid value for the parameter Policy. Reason: {error}"))
    })
}

fn compile(text: &str) -> Attached {
    let policy = Policy::parse(text, DocumentKind::Resource).or_else(|error| {
        tracing::warn!(%error, "a queue's policy can't be read, so nearly everything is denied on the queue");
        Policy::parse(UNREADABLE, DocumentKind::Resource)
    });
    let policy = policy.expect("the text of this file is a policy");
    Attached { name: "the queue's policy".into(), policy: Arc::new(policy) }
}

/// Policies and tags of all queues.
#[derive(Debug)]
pub(super) struct QueueView {
    queues: RwLock<HashMap<QueueKey, Arc<QueueFacts>>>,
    turns: [Mutex<()>; TURNS],
    hasher: RandomState,
}

impl QueueView {
    pub(super) async fn load(engine: &EngineHandle) -> Result<Self, CallError> {
        let view = Self {
            queues: RwLock::default(),
            turns: std::array::from_fn(|_| Mutex::new(())),
            hasher: RandomState::new(),
        };
        view.read_all(engine).await?;
        Ok(view)
    }

    /// What is known of a queue; nothing when it has neither policy nor tags, or is not there.
    pub(super) fn get(&self, key: &QueueKey) -> Option<Arc<QueueFacts>> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        if queues.is_empty() { None } else { queues.get(key).cloned() }
    }

    /// Reads one queue again, after a change.
    pub(super) async fn read(&self, engine: &EngineHandle, key: &QueueKey) -> Result<(), CallError> {
        let turn = usize::try_from(self.hasher.hash_one(key) % TURNS as u64).unwrap_or_default();
        // Who reads later puts down later.
        let _turn = self.turns[turn].lock().await;
        let facts = loop {
            let describe = Command::DescribeQueue { key: key.clone() };
            match engine.call(describe, Wait::Secs(0), 0).await.map(|answer| answer.outcome) {
                Ok(Outcome::Description(queue)) => break QueueFacts::of(&queue),
                Ok(_) => break None,
                // The change has taken place, so it can't be left at what was before.
                Err(CallError::Denied(_)) => tokio::time::sleep(AGAIN).await,
                Err(CallError::Stopped) => return Err(CallError::Stopped),
            }
        };
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        match facts {
            Some(facts) => queues.insert(key.clone(), Arc::new(facts)),
            None => queues.remove(key),
        };
        Ok(())
    }

    /// Reads all queues again.
    pub(super) async fn read_all(&self, engine: &EngineHandle) -> Result<(), CallError> {
        let mut turns = Vec::with_capacity(TURNS);
        for turn in &self.turns {
            turns.push(turn.lock().await);
        }
        let all = describe_queues(engine).await?;
        let known =
            all.iter().filter_map(|queue| Some((queue.key.clone(), Arc::new(QueueFacts::of(queue)?))));
        *self.queues.write().unwrap_or_else(PoisonError::into_inner) = known.collect();
        Ok(())
    }
}
