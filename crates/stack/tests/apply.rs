//! Applying plans: every interruption is found and finished, and never takes what belongs to someone else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use millpond_stack::{
    EffectError, Effects, ExistingQueue, PhysicalId, QueueSpec, ResolvedTemplate, StackState, WorkloadName,
    WorkloadSpec, apply, plan,
};
use std::collections::BTreeMap;
use support::resolve_in;

/// The defaults a queue of this world has, as far as the tests set them.
const DEFAULTS: [(&str, &str); 3] =
    [("DelaySeconds", "0"), ("VisibilityTimeout", "30"), ("MessageRetentionPeriod", "345600")];

#[derive(Debug, Clone, PartialEq, Default)]
struct Queue {
    attributes: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

/// A world in memory that can fail at the n-th call, before or after that call took effect.
#[derive(Default)]
struct World {
    queues: BTreeMap<String, Queue>,
    workloads: BTreeMap<WorkloadName, WorkloadSpec>,
    saved: StackState,
    calls: usize,
    fail: Option<(usize, bool)>,
}

impl World {
    fn call(
        &mut self,
        effect: impl FnOnce(&mut World) -> Result<(), EffectError>,
    ) -> Result<(), EffectError> {
        let number = self.calls;
        self.calls += 1;
        match self.fail {
            Some((at, false)) if at == number => Err(EffectError::Failed("power cut".to_owned())),
            Some((at, true)) if at == number => {
                effect(self)?;
                Err(EffectError::Failed("power cut".to_owned()))
            }
            _ => effect(self),
        }
    }
}

impl Effects for World {
    async fn create_queue(&mut self, queue: &QueueSpec, existing: ExistingQueue) -> Result<(), EffectError> {
        self.call(|world| {
            if world.queues.contains_key(&queue.name) {
                return if existing == ExistingQueue::Accept {
                    Ok(())
                } else {
                    Err(EffectError::AlreadyExists)
                };
            }
            let mut attributes: BTreeMap<String, String> =
                DEFAULTS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            attributes.extend(queue.attributes.clone());
            world.queues.insert(queue.name.clone(), Queue { attributes, tags: queue.tags.clone() });
            Ok(())
        })
    }

    async fn set_queue_attributes(
        &mut self,
        name: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), EffectError> {
        assert!(!attributes.is_empty());
        self.call(|world| {
            let queue = world.queues.get_mut(name).ok_or(EffectError::Failed("no queue".to_owned()))?;
            queue.attributes.extend(attributes.clone());
            Ok(())
        })
    }

    async fn set_queue_tags(
        &mut self,
        name: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), EffectError> {
        self.call(|world| {
            world
                .queues
                .get_mut(name)
                .ok_or(EffectError::Failed("no queue".to_owned()))?
                .tags
                .clone_from(tags);
            Ok(())
        })
    }

    async fn delete_queue(&mut self, name: &str) -> Result<(), EffectError> {
        self.call(|world| {
            world.queues.remove(name);
            Ok(())
        })
    }

    async fn put_workload(&mut self, workload: &WorkloadSpec) -> Result<(), EffectError> {
        self.call(|world| {
            world.workloads.insert(workload.name.clone(), workload.clone());
            Ok(())
        })
    }

    async fn remove_workload(&mut self, name: &WorkloadName) -> Result<(), EffectError> {
        self.call(|world| {
            world.workloads.remove(name);
            Ok(())
        })
    }

    async fn save(&mut self, state: &StackState) -> Result<(), EffectError> {
        self.call(|world| {
            // Through JSON, as the log keeps it.
            world.saved = serde_json::from_value(serde_json::to_value(state).unwrap()).unwrap();
            Ok(())
        })
    }
}

/// Brings the world to `text` (or to nothing) as a fresh process would: from what was saved.
async fn bring_up(world: &mut World, text: Option<&str>) -> Result<(), String> {
    let mut state = world.saved.clone();
    let wanted = match text {
        Some(text) => resolve_in(&state, text, &[])?,
        None => ResolvedTemplate::nothing(),
    };
    let plan = plan(&state, &wanted).map_err(|error| error.to_string())?;
    let result = apply(&plan, &mut state, world).await.map_err(|error| error.to_string());
    if result.is_ok() {
        assert_eq!(state, world.saved);
    }
    result
}

const FIRST: &str = "Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, DelaySeconds: 5, Tags: [{Key: a, Value: b}]}}
  Gone: {Type: AWS::SQS::Queue, Properties: {QueueName: gone}}
  S: {Type: Millpond::Sink::Table, Properties: {Queue: !Ref Q, DatabaseUrl: 'sqlite://a.db', Table: t, Columns: [a]}}
Outputs: {Out: {Value: first}}
";
const SECOND: &str = "Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, VisibilityTimeout: 60}}
  New: {Type: AWS::SQS::Queue, Properties: {QueueName: new, DelaySeconds: 7}}
  S: {Type: Millpond::Sink::Table, Properties: {Queue: !Ref New, DatabaseUrl: 'sqlite://a.db', Table: t, Columns: [a], Name: other}}
Outputs: {Out: {Value: second}}
";
const THIRD: &str = "Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, MessageRetentionPeriod: 60}}
  New: {Type: AWS::SQS::Queue, Properties: {QueueName: new}}
Outputs: {Out: {Value: third}}
";

/// What the world is after `text` alone was applied to an empty one.
async fn world_of(text: &str) -> World {
    let mut world = World::default();
    bring_up(&mut world, Some(text)).await.unwrap();
    world
}

fn assert_same(world: &World, expected: &World, what: &str) {
    assert_eq!(world.queues, expected.queues, "{what}");
    assert_eq!(world.workloads, expected.workloads, "{what}");
    assert_eq!(world.saved.resources, expected.saved.resources, "{what}");
    assert_eq!(world.saved.outputs, expected.saved.outputs, "{what}");
}

#[tokio::test]
async fn brings_up_changes_and_deletes() {
    let mut world = world_of(FIRST).await;
    assert_eq!(world.queues["q"].attributes["DelaySeconds"], "5");
    bring_up(&mut world, Some(SECOND)).await.unwrap();
    assert_same(&world, &world_of(SECOND).await, "second");
    let calls = world.calls;
    bring_up(&mut world, Some(SECOND)).await.unwrap();
    assert_eq!(world.calls, calls, "a second time there is nothing to do");
    bring_up(&mut world, None).await.unwrap();
    assert!(world.queues.is_empty() && world.workloads.is_empty() && world.saved.resources.is_empty());
}

#[tokio::test]
async fn an_interruption_at_any_call_is_finished_by_the_next_attempt() {
    let expected = world_of(SECOND).await;
    for (at, took_effect) in interruptions() {
        let mut world = world_of(FIRST).await;
        world.fail = Some((world.calls + at, took_effect));
        if bring_up(&mut world, Some(SECOND)).await.is_ok() {
            assert!(at > 15, "the interruption at {at} did not happen");
            return;
        }
        world.fail = None;
        bring_up(&mut world, Some(SECOND)).await.unwrap();
        assert_same(&world, &expected, &format!("interrupted at {at}, took effect: {took_effect}"));
    }
    panic!("no attempt went through");
}

#[tokio::test]
async fn an_interrupted_creation_is_finished_by_the_next_attempt() {
    let expected = world_of(FIRST).await;
    for (at, took_effect) in interruptions() {
        let mut world = World { fail: Some((at, took_effect)), ..World::default() };
        if bring_up(&mut world, Some(FIRST)).await.is_ok() {
            assert!(at > 8, "the interruption at {at} did not happen");
            return;
        }
        world.fail = None;
        bring_up(&mut world, Some(FIRST)).await.unwrap();
        assert_same(&world, &expected, &format!("interrupted at {at}, took effect: {took_effect}"));
    }
    panic!("no attempt went through");
}

#[tokio::test]
async fn interruptions_on_the_way_to_different_templates_leave_nothing_behind() {
    let expected = world_of(THIRD).await;
    for (first_at, took_effect) in interruptions().take(50) {
        for (second_at, second_took_effect) in interruptions().take(36) {
            let mut world = world_of(FIRST).await;
            world.fail = Some((world.calls + first_at, took_effect));
            let _ = bring_up(&mut world, Some(SECOND)).await;
            world.fail = Some((world.calls + second_at, second_took_effect));
            let _ = bring_up(&mut world, Some(THIRD)).await;
            world.fail = None;
            bring_up(&mut world, Some(THIRD)).await.unwrap();
            assert_same(
                &world,
                &expected,
                &format!("{first_at} {took_effect} {second_at} {second_took_effect}"),
            );
        }
    }
}

fn interruptions() -> impl Iterator<Item = (usize, bool)> {
    (0..100).flat_map(|at| [(at, false), (at, true)])
}

#[tokio::test]
async fn the_queue_of_someone_else_is_not_taken() {
    let mut world = World::default();
    let theirs = Queue::default();
    world.queues.insert("q".to_owned(), theirs.clone());
    for _ in 0..2 {
        let error = bring_up(&mut world, Some(FIRST)).await.unwrap_err();
        assert_eq!(
            error,
            "could not create queue q: it exists already and does not belong to this stack; choose another name, or \
             delete it first"
        );
    }
    bring_up(&mut world, None).await.unwrap();
    assert_eq!(world.queues["q"], theirs, "deleting the stack leaves it alone");
}

#[tokio::test]
async fn a_queue_that_someone_deleted_is_made_again_when_it_is_missed() {
    let mut world = world_of(FIRST).await;
    world.queues.remove("q");
    world.saved.mark_missing(&PhysicalId::Queue("q".to_owned()));
    bring_up(&mut world, Some(FIRST)).await.unwrap();
    assert_same(&world, &world_of(FIRST).await, "made again");
}
