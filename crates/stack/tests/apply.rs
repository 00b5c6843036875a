//! Applying plans: every interruption is found and finished, and never takes what belongs to someone else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use millpond_stack::{
    Change, Creation, EffectError, Effects, PhysicalId, ResolvedTemplate, Resource, ResourceRecord,
    StackState, WorkloadName, WorkloadSpec, apply, plan,
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
    /// Resources of all other kinds, but access keys.
    others: BTreeMap<PhysicalId, Resource>,
    /// Access keys by id, with their users and whether they are active.
    keys: BTreeMap<String, (String, bool)>,
    /// How many keys were ever made, so that none has the id of another.
    keys_made: usize,
    saved: StackState,
    calls: usize,
    fail: Option<(usize, bool)>,
    /// What may not be made, by name.
    refused: Option<String>,
}

impl World {
    fn call<T>(
        &mut self,
        effect: impl FnOnce(&mut World) -> Result<T, EffectError>,
    ) -> Result<T, EffectError> {
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

    fn has(&self, id: &PhysicalId) -> bool {
        match id {
            PhysicalId::Queue(name) => self.queues.contains_key(name),
            other => self.others.contains_key(other),
        }
    }

    fn keys_of(&self, user: &str) -> Vec<String> {
        self.keys.iter().filter(|(_, (of, _))| of == user).map(|(id, _)| id.clone()).collect()
    }

    fn make(&mut self, creation: Creation<'_>) -> Option<String> {
        match creation.resource {
            Resource::Queue(queue) => {
                let defaults = DEFAULTS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                let mut attributes: BTreeMap<String, String> = defaults.collect();
                attributes.extend(queue.attributes.clone());
                self.queues.insert(queue.name.clone(), Queue { attributes, tags: queue.tags.clone() });
            }
            Resource::Workload(workload) => {
                self.workloads.insert(workload.name.clone(), workload.clone());
            }
            Resource::AccessKey(key) => {
                let orphans: Vec<String> =
                    self.keys_of(&key.user).into_iter().filter(|id| !creation.others.contains(id)).collect();
                orphans.iter().for_each(|id| drop(self.keys.remove(id)));
                self.keys_made += 1;
                let id = format!("AKIA{}", self.keys_made);
                self.keys.insert(id.clone(), (key.user.clone(), key.active));
                return Some(id);
            }
            other => drop(self.others.insert(other.physical_id(), other.clone())),
        }
        None
    }
}

impl Effects for World {
    async fn others(&mut self, resource: &Resource) -> Result<Vec<String>, EffectError> {
        let Resource::AccessKey(key) = resource else { panic!("{resource:?} has a name") };
        self.call(|world| Ok(world.keys_of(&key.user)))
    }

    async fn create(&mut self, creation: Creation<'_>) -> Result<Option<String>, EffectError> {
        self.call(|world| {
            let id = creation.resource.physical_id();
            if world.refused.as_deref() == Some(id.name()) {
                return Err(EffectError::Refused("no".to_owned()));
            }
            match world.has(&id) {
                true if creation.resumed => Ok(None),
                true => Err(EffectError::AlreadyExists),
                false => Ok(world.make(creation)),
            }
        })
    }

    async fn update(&mut self, record: &ResourceRecord, change: &Change) -> Result<(), EffectError> {
        self.call(|world| {
            match change {
                Change::Queue { name, attributes, tags } => {
                    let queue =
                        world.queues.get_mut(name).ok_or(EffectError::Failed("no queue".to_owned()))?;
                    queue.attributes.extend(attributes.clone());
                    if let Some(tags) = tags {
                        queue.tags.clone_from(tags);
                    }
                }
                Change::Workload(workload) => {
                    world.workloads.insert(workload.name.clone(), workload.clone());
                }
                Change::Whole { after: Resource::AccessKey(key), .. } => {
                    let id = record.made_id.as_ref().unwrap();
                    world.keys.insert(id.clone(), (key.user.clone(), key.active));
                }
                Change::Whole { before, after } => {
                    assert!(before.iter().all(|before| before.physical_id() == after.physical_id()));
                    assert!(world.has(&after.physical_id()), "{after:?} was not made");
                    world.others.insert(after.physical_id(), after.clone());
                }
            }
            Ok(())
        })
    }

    async fn delete(&mut self, record: &ResourceRecord) -> Result<(), EffectError> {
        self.call(|world| {
            match &record.resource {
                Resource::Queue(queue) => drop(world.queues.remove(&queue.name)),
                Resource::Workload(workload) => drop(world.workloads.remove(&workload.name)),
                Resource::AccessKey(key) => {
                    let others = record.others.clone();
                    let orphan = |id: &String| others.as_ref().is_some_and(|others| !others.contains(id));
                    let gone = world
                        .keys_of(&key.user)
                        .into_iter()
                        .filter(|id| record.made_id.as_ref() == Some(id) || orphan(id));
                    gone.collect::<Vec<_>>().iter().for_each(|id| drop(world.keys.remove(id)));
                }
                other => drop(world.others.remove(&other.physical_id())),
            }
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
  U: {Type: AWS::IAM::User, Properties: {UserName: u}}
  K: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref U}}
  P: {Type: AWS::IAM::ManagedPolicy, Properties: {ManagedPolicyName: p, Users: [!Ref U], PolicyDocument: {Statement: {Effect: Allow, Action: '*', Resource: '*'}}}}
Outputs: {Out: {Value: first}}
";
const SECOND: &str = "Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, VisibilityTimeout: 60}}
  New: {Type: AWS::SQS::Queue, Properties: {QueueName: new, DelaySeconds: 7}}
  S: {Type: Millpond::Sink::Table, Properties: {Queue: !Ref New, DatabaseUrl: 'sqlite://a.db', Table: t, Columns: [a], Name: other}}
  U: {Type: AWS::IAM::User, Properties: {UserName: u, Path: /a/}}
  K: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref U, Serial: 1}}
  R: {Type: AWS::IAM::Role, Properties: {RoleName: r, AssumeRolePolicyDocument: {Statement: {Effect: Allow, Action: '*', Principal: '*'}}}}
  I: {Type: AWS::IAM::Policy, Properties: {PolicyName: i, Roles: [!Ref R], PolicyDocument: {Statement: {Effect: Allow, Action: '*', Resource: '*'}}}}
Outputs: {Out: {Value: second}}
";
const THIRD: &str = "Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, MessageRetentionPeriod: 60}}
  New: {Type: AWS::SQS::Queue, Properties: {QueueName: new}}
  U: {Type: AWS::IAM::User, Properties: {UserName: u}}
  K: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref U, Serial: 1, Status: Inactive}}
Outputs: {Out: {Value: third}}
";

/// What the world is after `text` alone was applied to an empty one.
async fn world_of(text: &str) -> World {
    let mut world = World::default();
    bring_up(&mut world, Some(text)).await.unwrap();
    world
}

/// The records as they must be, however often keys were made; each key is the one that is noted.
fn records(world: &World) -> Vec<ResourceRecord> {
    let record = |record: &ResourceRecord| {
        if let Resource::AccessKey(_) = &record.resource {
            assert!(world.keys.contains_key(record.made_id.as_ref().unwrap()), "{:?}", world.keys);
        }
        ResourceRecord { made_id: None, resource: unnamed(&record.resource), ..record.clone() }
    };
    world.saved.resources.values().map(record).collect()
}

/// The resource without a name that is made up, which is another one each time.
fn unnamed(resource: &Resource) -> Resource {
    let mut resource = resource.clone();
    match &mut resource {
        Resource::AccessKey(key) => key.name.clear(),
        Resource::InlinePolicy(policy) => policy.id.clear(),
        _ => {}
    }
    resource
}

fn assert_same(world: &World, expected: &World, what: &str) {
    assert_eq!(world.queues, expected.queues, "{what}");
    assert_eq!(world.workloads, expected.workloads, "{what}");
    let others = |world: &World| world.others.values().map(unnamed).collect::<Vec<_>>();
    assert_eq!(others(world), others(expected), "{what}");
    let keys = |world: &World| world.keys.values().cloned().collect::<Vec<_>>();
    assert_eq!(keys(world), keys(expected), "{what}");
    assert_eq!(records(world), records(expected), "{what}");
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
    assert!(world.others.is_empty() && world.keys.is_empty());
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
    for (first_at, took_effect) in interruptions().take(100).step_by(5) {
        for (second_at, second_took_effect) in interruptions().take(80).step_by(5) {
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
async fn what_was_refused_was_not_made() {
    let mut world = World { refused: Some("q".to_owned()), ..World::default() };
    bring_up(&mut world, Some(FIRST)).await.unwrap_err();
    assert_eq!(world.saved.resources.len(), 0, "nothing to delete, which may be refused too");
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
