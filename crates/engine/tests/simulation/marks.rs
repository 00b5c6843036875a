//! Coverage marks: how often each interesting thing happened. A simulation that never met one of them proves nothing
//! about it.

use std::collections::BTreeMap;

/// Every mark that must fire over all seeds.
pub(crate) const ALL: [&str; 30] = [
    "a batch went early because it was large",
    "a body was read from the log",
    "a body was read from the store",
    "a body's batch was trimmed before it was read",
    "a call failed and the service died",
    "a checkpoint was taken",
    "a checkpoint waited for space",
    "a command was refused for want of space",
    "a crash hit a checkpoint",
    "a crash hit a recovery",
    "a delivery never reached its receiver",
    "a delete worked across a restart",
    "a deleted queue was found deleted",
    "a graceful stop answered a waiting receive",
    "a long poll ended empty",
    "a long poll was served",
    "a message was received again after its lease",
    "a message was redelivered after a restart",
    "a power cut",
    "a process kill",
    "a purge was acknowledged",
    "a restart kept a lease",
    "a torn end was cut",
    "a visibility change was acknowledged",
    "a waiting caller went away",
    "an idle note",
    "an unanswered send is there",
    "an unanswered send is not there",
    "the disk was full for the log",
    "the log was trimmed",
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(BTreeMap<&'static str, u64>);

impl Marks {
    pub(crate) fn fire(&mut self, mark: &'static str) {
        self.add(mark, 1);
    }

    pub(crate) fn add(&mut self, mark: &'static str, count: u64) {
        assert!(ALL.contains(&mark), "{mark:?} is not listed");
        if count > 0 {
            *self.0.entry(mark).or_default() += count;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(mark, count)| self.add(mark, *count));
    }

    pub(crate) fn missing(&self) -> Vec<&'static str> {
        ALL.into_iter().filter(|mark| !self.0.contains_key(mark)).collect()
    }
}
