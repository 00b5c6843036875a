//! What queues there are, with their settings and tags, and what documents: a model of its own, which knows nothing of the
//! product's.
//!
//! It predicts the whole answer to every command that does not touch messages. Commands are decided in the order they
//! are asked, so there is one catalogue until the service dies.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::document::{DocumentKey, DocumentWrite, ExpectedRevision};
use millpond_core::outcome::{Outcome, QueueDescription, Refusal};
use millpond_core::queue::{
    AttributePatch, FifoAttributes, Policy, PolicyRefusal, QueueAttributes, RedriveAllowPolicy,
    RedriveRefusal, Tags,
};
use millpond_core::time::Timestamp;

use crate::support::key;
use crate::topology::{QUEUES, number_of};

/// The waiting rules of Amazon SQS last so long.
const PACING_SECS: u64 = 60;
/// So many statements a policy may have.
pub(crate) const LABELS: usize = 4;

/// A command that changes the catalogue, as asked. Queues go by their number.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Create(usize),
    Delete(usize),
    Set(usize, Box<AttributePatch>),
    Tag(usize, Tags),
    Untag(usize, Vec<String>),
    Permit(usize, Policy),
    Revoke(usize, String),
    Write(Vec<DocumentWrite>),
    Put(DocumentKey, ExpectedRevision, Bytes),
    Remove(DocumentKey, ExpectedRevision),
    /// Keeps to the waiting rules, decided at that time.
    Paced(Box<Change>, Timestamp),
    /// A purge, decided at that time, that keeps to the waiting rules.
    PacedPurge(usize, Timestamp),
    Reset,
}

/// A question that changes nothing.
#[derive(Clone, Debug)]
pub(crate) enum Query {
    Exists(usize),
    Describe(usize),
    DescribeAll,
    Tags(usize),
    Names { prefix: String, after: Option<String>, limit: usize },
    Sources(usize),
    Document(DocumentKey),
    Documents,
}

type Shown = (QueueAttributes, Tags);

/// What a reply must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Anything but that the queue is not there.
    Present,
    /// No refusal.
    Accepted,
    Refused(Refusal),
    /// Some setting differs from that of the queue that is there.
    NameTaken,
    Tags(Tags),
    Names(Vec<String>, bool),
    Described(Box<Shown>),
    AllDescribed(BTreeMap<String, Shown>),
    Document(Option<(u64, Bytes)>),
    Documents(Vec<(String, u64, Bytes)>),
}

impl Expected {
    /// Whether an outcome says that.
    pub(crate) fn fits(&self, outcome: &Outcome) -> bool {
        let shown = |described: &QueueDescription| (described.attributes.clone(), described.tags.clone());
        match (self, outcome) {
            (Self::Present, Outcome::Refused(refusal)) => *refusal != Refusal::QueueDoesNotExist,
            (Self::Present, _) => true,
            (Self::NameTaken, Outcome::Refused(Refusal::QueueNameExists(_))) => true,
            (Self::Refused(expected), Outcome::Refused(refusal)) => expected == refusal,
            (_, Outcome::Refused(_)) => false,
            (Self::Accepted, _) => true,
            (Self::Tags(expected), Outcome::Tags(tags)) => expected == tags,
            (Self::Names(expected, more_expected), Outcome::Queues { names, more }) => {
                let names = names.iter().map(|name| name.as_str());
                names.eq(expected.iter().map(String::as_str)) && more == more_expected
            }
            (Self::Described(expected), Outcome::Description(found)) => **expected == shown(found),
            (Self::AllDescribed(expected), Outcome::Descriptions { queues, more_after: None }) => {
                let found = queues.iter().map(|queue| (queue.key.name.as_str().to_owned(), shown(queue)));
                found.collect::<BTreeMap<_, _>>() == *expected
            }
            (Self::Document(expected), Outcome::Document(found)) => {
                found.as_ref().map(|found| (found.revision, found.value.clone())) == *expected
            }
            (Self::Documents(expected), Outcome::Documents(found)) => {
                let found =
                    found.iter().map(|(key, found)| (key.name.clone(), found.revision, found.value.clone()));
                found.collect::<Vec<_>>() == *expected
            }
            _ => false,
        }
    }
}

/// All that is known apart from messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalogue {
    queues: BTreeMap<usize, Shown>,
    documents: BTreeMap<DocumentKey, (u64, Bytes)>,
    revisions: u64,
    deleted: BTreeMap<usize, Timestamp>,
    purged: BTreeMap<usize, Timestamp>,
}

fn missing() -> Expected {
    Expected::Refused(Refusal::QueueDoesNotExist)
}

impl Catalogue {
    pub(crate) fn exists(&self, queue: usize) -> bool {
        self.queues.contains_key(&queue)
    }

    pub(crate) fn attributes(&self, queue: usize) -> Option<&QueueAttributes> {
        self.queues.get(&queue).map(|(attributes, _)| attributes)
    }

    pub(crate) fn revision(&self, document: &DocumentKey) -> Option<u64> {
        self.documents.get(document).map(|(revision, _)| *revision)
    }

    /// Since when queues wait after a delete or a purge.
    pub(crate) fn waits(&self) -> impl Iterator<Item = Timestamp> {
        self.deleted.values().chain(self.purged.values()).copied()
    }

    /// What becomes of a command.
    pub(crate) fn apply(&mut self, change: &Change) -> Expected {
        match change {
            Change::Create(queue) => self.create(*queue),
            Change::Delete(queue) => match self.queues.remove(queue) {
                Some(_) => Expected::Accepted,
                None => missing(),
            },
            Change::Set(queue, patch) => self.set(*queue, patch),
            Change::Tag(queue, given) => self.on(*queue, |(_, tags)| {
                tags.extend(given.clone());
                Expected::Accepted
            }),
            Change::Untag(queue, keys) => self.on(*queue, |(_, tags)| {
                tags.retain(|key, _| !keys.contains(key));
                Expected::Accepted
            }),
            Change::Permit(queue, policy) => self.on(*queue, |(attributes, _)| permit(attributes, policy)),
            Change::Revoke(queue, label) => self.on(*queue, |(attributes, _)| revoke(attributes, label)),
            Change::Write(writes) => self.write(writes),
            Change::Put(key, expected, value) => {
                let write =
                    DocumentWrite { key: key.clone(), expected: *expected, value: Some(value.clone()) };
                match self.write(std::slice::from_ref(&write)) {
                    Expected::Accepted => Expected::Document(self.documents.get(key).cloned()),
                    refused => refused,
                }
            }
            Change::Remove(key, expected) => {
                self.write(&[DocumentWrite { key: key.clone(), expected: *expected, value: None }])
            }
            Change::Paced(change, at) => self.paced(change, *at),
            Change::PacedPurge(queue, at) => self.purge(*queue, *at),
            Change::Reset => {
                self.queues.clear();
                self.deleted.clear();
                self.purged.clear();
                Expected::Accepted
            }
        }
    }

    /// The answer to a question.
    pub(crate) fn answer(&self, query: &Query) -> Expected {
        let of = |queue: &usize, answer: &dyn Fn(&Shown) -> Expected| {
            self.queues.get(queue).map_or_else(missing, answer)
        };
        match query {
            Query::Exists(queue) => of(queue, &|_| Expected::Present),
            Query::Describe(queue) => of(queue, &|shown| Expected::Described(Box::new(shown.clone()))),
            Query::DescribeAll => {
                let all = self.queues.iter().map(|(queue, shown)| (name(*queue), shown.clone()));
                Expected::AllDescribed(all.collect())
            }
            Query::Tags(queue) => of(queue, &|(_, tags)| Expected::Tags(tags.clone())),
            Query::Names { prefix, after, limit } => {
                let fits = |name: &String| name.starts_with(prefix.as_str());
                page(self.queues.keys().map(|queue| name(*queue)).filter(fits), after.as_ref(), *limit)
            }
            Query::Sources(queue) => of(queue, &|_| {
                let leads_here = |(attributes, _): &Shown| {
                    attributes
                        .redrive
                        .as_ref()
                        .is_some_and(|policy| number_of(&policy.target) == Some(*queue))
                };
                let sources = self.queues.iter().filter(|(_, shown)| leads_here(shown));
                page(sources.map(|(source, _)| name(*source)), None, 100)
            }),
            Query::Document(key) => Expected::Document(self.documents.get(key).cloned()),
            Query::Documents => {
                let all = self.documents.iter();
                Expected::Documents(
                    all.map(|(key, (revision, value))| (key.name.clone(), *revision, value.clone()))
                        .collect(),
                )
            }
        }
    }

    fn on(&mut self, queue: usize, change: impl FnOnce(&mut Shown) -> Expected) -> Expected {
        self.queues.get_mut(&queue).map_or_else(missing, change)
    }

    fn create(&mut self, queue: usize) -> Expected {
        let wanted = &QUEUES[queue];
        let fifo = wanted.fifo.then(|| FifoAttributes {
            content_based_deduplication: wanted.content_based,
            ..FifoAttributes::default()
        });
        let created =
            QueueAttributes { retention_secs: wanted.retention_secs, fifo, ..QueueAttributes::default() };
        match self.queues.get(&queue) {
            None => {
                self.queues.insert(queue, (created, Tags::new()));
                Expected::Accepted
            }
            Some((there, _)) => {
                let same = there.retention_secs == created.retention_secs && there.fifo == created.fifo;
                if same { Expected::Accepted } else { Expected::NameTaken }
            }
        }
    }

    fn set(&mut self, queue: usize, patch: &AttributePatch) -> Expected {
        let Some((attributes, _)) = self.queues.get(&queue) else { return missing() };
        let mut changed = attributes.clone();
        changed.delay_secs = patch.delay_secs.unwrap_or(changed.delay_secs);
        changed.retention_secs = patch.retention_secs.unwrap_or(changed.retention_secs);
        changed.visibility_timeout_secs =
            patch.visibility_timeout_secs.unwrap_or(changed.visibility_timeout_secs);
        changed.maximum_message_bytes = patch.maximum_message_bytes.unwrap_or(changed.maximum_message_bytes);
        changed.receive_wait_secs = patch.receive_wait_secs.unwrap_or(changed.receive_wait_secs);
        if let Some(allow) = &patch.redrive_allow {
            changed.redrive_allow.clone_from(allow);
        }
        if let Some(redrive) = &patch.redrive {
            let refused = redrive.as_ref().and_then(|policy| self.refuses(queue, number_of(&policy.target)?));
            if let Some(refusal) = refused {
                return Expected::Refused(Refusal::Redrive(refusal));
            }
            changed.redrive.clone_from(redrive);
        }
        self.on(queue, |(attributes, _)| {
            *attributes = changed;
            Expected::Accepted
        })
    }

    /// Why the dead letters of a queue can't go to another.
    fn refuses(&self, source: usize, target: usize) -> Option<RedriveRefusal> {
        let Some((attributes, _)) = self.queues.get(&target) else {
            return Some(RedriveRefusal::DoesNotExist);
        };
        let permitted = match &attributes.redrive_allow {
            None | Some(RedriveAllowPolicy::AllowAll) => true,
            Some(RedriveAllowPolicy::DenyAll) => false,
            Some(RedriveAllowPolicy::ByQueue(keys)) => keys.contains(&key(QUEUES[source].name)),
        };
        (!permitted).then_some(RedriveRefusal::NotPermitted)
    }

    fn write(&mut self, writes: &[DocumentWrite]) -> Expected {
        for write in writes {
            let current = self.documents.get(&write.key).map(|(revision, _)| *revision);
            let agrees = match write.expected {
                ExpectedRevision::Any => true,
                ExpectedRevision::Absent => current.is_none(),
                ExpectedRevision::Exactly(revision) => current == Some(revision),
            };
            if !agrees {
                return Expected::Refused(Refusal::RevisionMismatch { current });
            }
        }
        for write in writes {
            match &write.value {
                Some(value) => {
                    self.documents.insert(write.key.clone(), (self.revisions, value.clone()));
                    self.revisions += 1;
                }
                None => drop(self.documents.remove(&write.key)),
            }
        }
        Expected::Accepted
    }

    fn paced(&mut self, change: &Change, at: Timestamp) -> Expected {
        match change {
            Change::Create(queue) => {
                let waits = self.deleted.get(queue).is_some_and(|since| at < since.plus_secs(PACING_SECS));
                if waits && !self.exists(*queue) {
                    return Expected::Refused(Refusal::QueueDeletedRecently);
                }
                self.apply(change)
            }
            Change::Delete(queue) => {
                let expected = self.apply(change);
                if expected == Expected::Accepted {
                    self.deleted.insert(*queue, at);
                }
                expected
            }
            other => self.apply(other),
        }
    }

    fn purge(&mut self, queue: usize, at: Timestamp) -> Expected {
        if !self.exists(queue) {
            return missing();
        }
        if self.purged.get(&queue).is_some_and(|since| at < since.plus_secs(PACING_SECS)) {
            return Expected::Refused(Refusal::PurgeInProgress);
        }
        self.purged.insert(queue, at);
        Expected::Accepted
    }
}

fn name(queue: usize) -> String {
    QUEUES[queue].name.to_owned()
}

fn page(names: impl Iterator<Item = String>, after: Option<&String>, limit: usize) -> Expected {
    let mut names: Vec<String> = names.filter(|name| after.is_none_or(|after| name > after)).collect();
    names.sort();
    let more = names.len() > limit;
    names.truncate(limit);
    Expected::Names(names, more)
}

fn permit(attributes: &mut QueueAttributes, added: &Policy) -> Expected {
    let label = &added.statements[0].sid;
    let refusal = |refusal| Expected::Refused(Refusal::Policy(refusal));
    match &mut attributes.policy {
        Some(policy) if policy.statements.iter().any(|statement| statement.sid == *label) => {
            return refusal(PolicyRefusal::LabelExists);
        }
        Some(policy) => policy.statements.extend(added.statements.iter().cloned()),
        none => *none = Some(added.clone()),
    }
    Expected::Accepted
}

fn revoke(attributes: &mut QueueAttributes, label: &str) -> Expected {
    let labelled = |policy: &Policy| {
        policy.statements.iter().position(|statement| statement.sid.as_deref() == Some(label))
    };
    let Some(index) = attributes.policy.as_ref().and_then(labelled) else {
        return Expected::Refused(Refusal::Policy(PolicyRefusal::LabelMissing));
    };
    if let Some(policy) = &mut attributes.policy {
        policy.statements.remove(index);
    }
    if attributes.policy.as_ref().is_some_and(|policy| policy.statements.is_empty()) {
        attributes.policy = None;
    }
    Expected::Accepted
}
