//! What must be true of the state at any time, whatever anybody was promised: sums follow from entries, indexes agree
//! with what they index.

use std::collections::BTreeMap;

use millpond_core::name::AccountId;
use millpond_core::state::{Queue, State};
use millpond_core::usage::Usage;

use crate::oracle::Broken;

pub(crate) fn check(state: &State) -> Result<(), Broken> {
    let mut accounts: BTreeMap<AccountId, Usage> = BTreeMap::new();
    let mut names = 0;
    for queue in state.queues() {
        let name = &queue.record.key.name;
        check_queue(state, queue).map_err(|broken| format!("in {name}: {broken}"))?;
        let account = accounts.entry(queue.record.key.account).or_default();
        *account = account.plus(queue.usage);
        names += 1;
        if state.queue_named(&queue.record.key).map(|named| named.record.id) != Some(queue.record.id) {
            return Err(format!("the name {name} leads to another queue"));
        }
    }
    for (account, usage) in accounts {
        let found = state.account_usage(account);
        if found != usage {
            return Err(format!("account {account} holds {found:?}, its queues {usage:?}"));
        }
    }
    let moving = state.queues().filter(|queue| queue.record.move_tasks.due_at().is_some()).count();
    if state.moving().count() != moving {
        return Err(format!("{moving} queues have a task that goes on; others are known"));
    }
    let first = state.queues().next().map(|queue| queue.record.key.clone());
    let known = first.map_or(0, |first| {
        let lowest = state.queues().map(|queue| &queue.record.key).min().unwrap_or(&first);
        state.names_from(lowest).count()
    });
    if known == names { Ok(()) } else { Err(format!("{names} queues have {known} names")) }
}

fn check_queue(state: &State, queue: &Queue) -> Result<(), Broken> {
    if let Some(resting) = queue.messages.resting() {
        return check_resting(queue, resting.messages());
    }
    let entries = queue.messages.iter();
    let usage = entries.fold(Usage::default(), |sum, (_, entry)| sum.plus(Usage::of(entry)));
    if usage != queue.usage {
        return Err(format!("its entries take {usage:?}; it says {:?}", queue.usage));
    }
    let counts = queue.messages.counts();
    let counted = (counts.visible + counts.in_flight + counts.delayed) as u64;
    if counted != usage.messages {
        return Err(format!("it holds {} messages and counts {counts:?}", usage.messages));
    }
    if let Some((last, _)) = queue.messages.iter().last()
        && last >= queue.record.next_sequence
    {
        return Err(format!("message {last:?} has a number that is still to be given"));
    }
    let available: Vec<_> = queue.messages.available(state.clock()).collect();
    if available.iter().any(|(sequence, _)| queue.messages.get(*sequence).is_none()) {
        return Err("it would hand out a message that it does not hold".to_owned());
    }
    let standard = queue.record.attributes.fifo.is_none();
    if standard && available.len() != counts.visible {
        return Err(format!("{} messages can be received, {} are counted", available.len(), counts.visible));
    }
    if queue.messages.has_available() == available.is_empty() {
        return Err("it is wrong about having anything to hand out".to_owned());
    }
    let oldest = queue.messages.by_age().next().map(|(sequence, _)| sequence);
    if oldest != queue.messages.oldest().map(|(sequence, _)| sequence) {
        return Err("it is wrong about its oldest message".to_owned());
    }
    Ok(())
}

/// What can be told while some of its messages rest.
fn check_resting(queue: &Queue, resting: u64) -> Result<(), Broken> {
    let held = queue.messages.held() as u64;
    let counts = queue.messages.counts();
    let counted = (counts.visible + counts.in_flight + counts.delayed) as u64;
    if held + resting == queue.usage.messages && counted == queue.usage.messages {
        Ok(())
    } else {
        Err(format!(
            "{held} messages in memory and {resting} at rest; it holds {:?} and counts {counts:?}",
            queue.usage
        ))
    }
}
