//! Coverage marks: how often each interesting thing happened. A simulation that never met one of them proves nothing
//! about it.

use std::collections::BTreeMap;

/// Every mark that must fire over all seeds of a run.
pub(crate) const ALL: [&str; 66] = [
    "a backlog was read",
    "a batch went early because it was large",
    "a bit flipped",
    "a body was read from the log",
    "a body was read from the store",
    "a body's batch was trimmed before it was read",
    "a call failed and the service died",
    "a checkpoint raced a purge",
    "a checkpoint was taken",
    "a command was refused because too much was under way",
    "a command was refused for want of space",
    "a crash hit a checkpoint",
    "a crash hit a recovery",
    "a crash left open what had changed",
    "a damaged message was taken out",
    "a dead letter was handed out",
    "a delete worked across a restart",
    "a deleted queue was found deleted",
    "a delivery never reached its receiver",
    "a document was not at the expected revision",
    "a flipped bit was cut off",
    "a flipped bit was reported",
    "a full disk made a checkpoint wait",
    "a graceful stop answered a waiting receive",
    "a lie was found out",
    "a lie went unnoticed",
    "a long poll ended empty",
    "a long poll was served",
    "a message was too long",
    "a message outlived its retention because expiry is held",
    "a message that a task moved was handed out",
    "a message was received again after its lease",
    "a message was redelivered after a restart",
    "a move task started",
    "a power cut",
    "a process kill",
    "a purge was acknowledged",
    "a quota refused a send",
    "a receive was tried again",
    "a repeated send was answered as the first",
    "a restart kept a lease",
    "a test put the clock forward",
    "a torn end was cut",
    "a send needed a remembered one at rest",
    "a visibility change was acknowledged",
    "a waiting caller went away",
    "a waiting rule held something up",
    "an answer told what an unanswered change has become",
    "an idle note",
    "an unanswered send is not there",
    "an unanswered send is there",
    "everything was reset",
    "messages expired",
    "messages of a FIFO queue rest in the store",
    "messages of groups of a standard queue rest in the store",
    "messages rest in the store",
    "more was read of a group that a window had passed over",
    "remembered sends rest in the store",
    "the disk was full for the log",
    "the disk was slow",
    "the log was trimmed",
    "the machine was suspended",
    "the wall clock was set back",
    "the wall clock was set forward",
    "the clock was confirmed",
    "whole frames behind a torn one were cut",
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(BTreeMap<&'static str, u64>);

impl Marks {
    pub(crate) fn fire(&mut self, mark: &'static str) {
        self.add(mark, 1);
    }

    pub(crate) fn add(&mut self, mark: &'static str, count: u64) {
        debug_assert!(ALL.contains(&mark), "{mark:?} is not listed");
        if count > 0 {
            *self.0.entry(mark).or_default() += count;
        }
    }

    /// How often a mark has fired.
    pub(crate) fn count(&self, mark: &str) -> u64 {
        self.0.get(mark).copied().unwrap_or(0)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(mark, count)| self.add(mark, *count));
    }

    pub(crate) fn missing(&self) -> Vec<&'static str> {
        ALL.into_iter().filter(|mark| !self.0.contains_key(mark)).collect()
    }

    /// A line for each mark with how often it fired, the rarest first.
    pub(crate) fn table(&self) -> String {
        let mut marks: Vec<(u64, &str)> =
            ALL.iter().map(|mark| (self.0.get(mark).copied().unwrap_or(0), *mark)).collect();
        marks.sort_unstable();
        marks.iter().map(|(count, mark)| format!("{count:>12}  {mark}\n")).collect()
    }
}
