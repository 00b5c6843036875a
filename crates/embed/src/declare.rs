//! Brings about the queues that are declared.
//!
//! What is missing is created, a dead-letter queue before the queues that send there. A queue that is there keeps its
//! settings, since someone may have changed them and a shorter retention would take messages away; where they differ,
//! that is told. Only when it is asked for are they set as declared; what is not declared stays in any case.

use std::collections::BTreeSet;
use std::fmt::Display;

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::name::{AccountId, QueueKey, Region};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, QueueAttributes, RedrivePolicy, Tags};
use millpond_engine::EngineHandle;
use millpond_engine::step::Wait;

use crate::error::StartError;
use crate::queue::{NUMBERS, Queue};

/// What became of a declared queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a declared queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not there, and was created.
    Created,
    /// It was there, as declared.
    Found,
    /// It was there and differs, and stays as it is.
    Kept(Vec<Difference>),
    /// It was there and differed, and is as declared now.
    Updated(Vec<Difference>),
}

/// A setting that is not as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name in `millpond.toml`.
    pub setting: &'static str,
    /// Its value before the start.
    pub found: String,
    /// What is declared.
    pub declared: String,
}

impl Difference {
    fn new(setting: &'static str, found: impl Display, declared: impl Display) -> Self {
        Self { setting, found: found.to_string(), declared: declared.to_string() }
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {}, declared is {}", self.setting, self.found, self.declared)
    }
}

/// Brings queues about, in the order in which they can be.
pub(crate) async fn declare(
    engine: &EngineHandle,
    account: AccountId,
    region: &Region,
    queues: &[Queue],
    update: bool,
) -> Result<Vec<Declared>, StartError> {
    let mut declared = Vec::new();
    for queue in queues {
        let (Some((key, patch)), Some(create)) =
            (queue.settings(account, region), queue.create(account, region))
        else {
            return Err(StartError::queue(&queue.name, "its name is none"));
        };
        let failed = |reason: String| StartError::queue(&queue.name, reason);
        let fate = match ask(engine, Command::DescribeQueue { key: key.clone() }).await.map_err(failed)? {
            Outcome::Description(found) => {
                let tags = tags_of(engine, &key).await.map_err(failed)?;
                let differences = differences(queue, &patch, &found.attributes, &tags);
                match (differences.is_empty(), update) {
                    (true, _) => Fate::Found,
                    (false, false) => Fate::Kept(differences),
                    (false, true) => {
                        set(engine, &key, patch, queue.tags.clone()).await.map_err(failed)?;
                        Fate::Updated(differences)
                    }
                }
            }
            _ => {
                carry_out(engine, create).await.map_err(failed)?;
                Fate::Created
            }
        };
        declared.push(Declared { name: queue.name.clone(), fate });
    }
    Ok(declared)
}

async fn set(
    engine: &EngineHandle,
    key: &QueueKey,
    mut patch: AttributePatch,
    tags: Tags,
) -> Result<(), String> {
    // The name has settled it, and no one may set it.
    patch.fifo_queue = None;
    carry_out(engine, Command::SetQueueAttributes { key: key.clone(), attributes: patch.into() }).await?;
    if tags.is_empty() {
        return Ok(());
    }
    carry_out(engine, Command::TagQueue { key: key.clone(), tags }).await
}

async fn tags_of(engine: &EngineHandle, key: &QueueKey) -> Result<Tags, String> {
    match ask(engine, Command::ListQueueTags { key: key.clone() }).await? {
        Outcome::Tags(tags) => Ok(tags),
        _ => Ok(Tags::default()),
    }
}

async fn ask(engine: &EngineHandle, command: Command) -> Result<Outcome, String> {
    let answer = engine.call(command, Wait::Secs(0), 0).await;
    answer.map(|answer| answer.outcome).map_err(|error| error.to_string())
}

async fn carry_out(engine: &EngineHandle, command: Command) -> Result<(), String> {
    match ask(engine, command).await? {
        Outcome::Refused(Refusal::Redrive(refusal)) => Err(format!("its dead-letter queue: {refusal}")),
        Outcome::Refused(refusal) => Err(refusal.to_string()),
        _ => Ok(()),
    }
}

/// Checks queues, and puts each behind the one that its dead letters go to.
pub(crate) fn ordered(queues: &[Queue]) -> Result<Vec<Queue>, StartError> {
    let mut names = BTreeSet::new();
    for queue in queues {
        queue.check().map_err(|reason| StartError::queue(&queue.name, reason))?;
        if queue.tags.len() > limits::QUEUE_TAGS {
            let reason = format!("a queue has up to {} tags", limits::QUEUE_TAGS);
            return Err(StartError::queue(&queue.name, reason));
        }
        if !names.insert(queue.name.as_str()) {
            return Err(StartError::queue(&queue.name, "it is declared twice"));
        }
    }
    let mut waiting: Vec<&Queue> = queues.iter().collect();
    let mut ordered = Vec::with_capacity(queues.len());
    while !waiting.is_empty() {
        let (free, held): (Vec<&Queue>, Vec<&Queue>) = waiting.iter().partition(|queue| {
            let target = queue.dead_letters.as_ref().map(|letters| letters.queue.as_str());
            target.is_none_or(|target| waiting.iter().all(|other| other.name != target))
        });
        if free.is_empty() {
            let names: Vec<&str> = held.iter().map(|queue| queue.name.as_str()).collect();
            let reason = format!("the dead letters of these go round in a circle: {}", names.join(", "));
            return Err(StartError::queue(names[0], reason));
        }
        ordered.extend(free.into_iter().cloned());
        waiting = held;
    }
    Ok(ordered)
}

fn differences(
    queue: &Queue,
    patch: &AttributePatch,
    current: &QueueAttributes,
    tags: &Tags,
) -> Vec<Difference> {
    let mut given = patch.clone();
    let mut differences = Vec::new();
    for number in &NUMBERS {
        let is = (number.current)(current);
        if let Some(declared) = (*(number.given)(&mut given)).filter(|declared| *declared != is) {
            differences.push(Difference::new(number.name, is, declared));
        }
    }
    differences.extend(fifo_differences(patch, current));
    let target = |policy: &Option<RedrivePolicy>| {
        policy.as_ref().map_or_else(
            || "none".to_owned(),
            |policy| format!("{} after {} receives", policy.target.name, policy.max_receive_count),
        )
    };
    if let Some(declared) = patch.redrive.as_ref().filter(|declared| **declared != current.redrive) {
        differences.push(Difference::new("dead_letter_queue", target(&current.redrive), target(declared)));
    }
    differences.extend(queue.tags.iter().filter_map(|(key, value)| {
        let is = tags.get(key);
        (is != Some(value)).then(|| {
            let shown = |value: Option<&String>| match value {
                Some(value) => format!("{key} = \"{value}\""),
                None => format!("without {key}"),
            };
            Difference::new("tags", shown(is), shown(Some(value)))
        })
    }));
    differences
}

fn fifo_differences(patch: &AttributePatch, current: &QueueAttributes) -> Vec<Difference> {
    let Some(is) = current.fifo else { return Vec::new() };
    let by_content =
        patch.content_based_deduplication.filter(|given| *given != is.content_based_deduplication);
    let scope = patch.deduplication_scope.filter(|given| *given != is.deduplication_scope);
    let limit = patch.fifo_throughput_limit.filter(|given| *given != is.throughput_limit);
    [
        by_content.map(|given| {
            Difference::new("content_based_deduplication", is.content_based_deduplication, given)
        }),
        scope.map(|given| {
            let word = crate::words::scope;
            Difference::new("deduplication_scope", word(is.deduplication_scope), word(given))
        }),
        limit.map(|given| {
            let word = crate::words::throughput_limit;
            Difference::new("fifo_throughput_limit", word(is.throughput_limit), word(given))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
