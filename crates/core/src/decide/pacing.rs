//! A command that keeps to the waiting rules of Amazon SQS.
//!
//! Each rule is looked at before the command is decided, and the wait it begins follows the command's own events. A
//! command without a rule is decided as it is.

use super::{Decision, decide_within, refused};
use crate::command::Command;
use crate::event::Event;
use crate::outcome::{Outcome, Refusal};
use crate::pacing::WaitingRule;
use crate::quota::Quotas;
use crate::state::State;
use crate::time::Timestamp;

pub(super) fn paced(quotas: &Quotas, state: &State, now: Timestamp, command: Command) -> Decision {
    let waits = &state.instance().waits;
    let begins = match &command {
        Command::CreateQueue { key, .. } => {
            let held = waits.holds(WaitingRule::CreateAfterDelete, key, now);
            if held && state.queue_named(key).is_none() {
                return refused(Refusal::QueueDeletedRecently);
            }
            None
        }
        Command::PurgeQueue { key } => {
            if state.queue_named(key).is_some() && waits.holds(WaitingRule::PurgeAfterPurge, key, now) {
                return refused(Refusal::PurgeInProgress);
            }
            Some((WaitingRule::PurgeAfterPurge, key.clone()))
        }
        Command::DeleteQueue { key } => Some((WaitingRule::CreateAfterDelete, key.clone())),
        _ => None,
    };
    let (mut events, outcome) = decide_within(quotas, state, now, command);
    if let (Some((rule, key)), false) = (begins, matches!(outcome, Outcome::Refused(_))) {
        events.push(Event::WaitBegun { rule, key });
    }
    (events, outcome)
}
