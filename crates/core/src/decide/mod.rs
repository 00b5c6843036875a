//! Checks commands against the state.
//!
//! [`decide`] changes nothing: it yields the events that the command leads to and the outcome that the caller may be
//! told once those events are durable. It expects the queue it is about to be settled up to `now` (see
//! [`State::settle`]); what is not settled yet counts as not yet due. One file per behaviour.

mod attempt;
mod delete;
mod documents;
mod expire;
mod fifo;
mod move_tasks;
mod outage;
mod pacing;
mod permissions;
mod queues;
mod receive;
mod redrive;
mod remembered;
mod reset;
mod send;
mod tags;
mod visibility;

use crate::command::Command;
use crate::event::Event;
use crate::name::QueueKey;
use crate::outcome::{Outcome, Refusal};
use crate::quota::Quotas;
use crate::state::{Queue, State};
use crate::time::Timestamp;

pub use expire::has_expired;
pub(crate) use receive::runs_short;
pub(crate) use remembered::unknown_sends;

/// Events with the outcome that reveals them.
pub type Decision = (Vec<Event>, Outcome);

/// Decides one command at `now`, which is never before [`State::clock`], where nothing has a quota.
#[must_use]
pub fn decide(state: &State, now: Timestamp, command: Command) -> Decision {
    decide_within(&Quotas::NONE, state, now, command)
}

/// As [`decide`], within quotas.
#[must_use]
pub fn decide_within(quotas: &Quotas, state: &State, now: Timestamp, command: Command) -> Decision {
    match command {
        Command::Begin { receipt_key, reading } => outage::begin(state, now, receipt_key, reading),
        Command::NoteClock { reading, stopping } => outage::note_clock(state, now, reading, stopping),
        Command::NoteJump { reading } => outage::note_jump(reading),
        Command::Paced(command) => pacing::paced(quotas, state, now, *command),
        Command::Reset => reset::reset(state),
        Command::ConfirmClock => outage::confirm_clock(state, now),
        Command::CreateQueue { key, attributes, tags } => queues::create(state, key, &attributes, tags),
        Command::DeleteQueue { key } => queues::delete(state, &key),
        Command::FindQueue { key } => queues::find(state, &key),
        Command::ListQueues { account, region, prefix, after, limit } => {
            queues::list(state, account, &region, &prefix, after.as_ref(), limit)
        }
        Command::DescribeQueue { key } => queues::describe(state, now, &key),
        Command::DescribeQueues { after, limit } => queues::describe_all(state, now, after, limit),
        Command::SetQueueAttributes { key, attributes } => queues::set_attributes(state, &key, &attributes),
        Command::AddPermission { key, permission } => permissions::add(state, &key, &permission),
        Command::RemovePermission { key, label } => permissions::remove(state, &key, &label),
        Command::TagQueue { key, tags } => tags::tag(state, &key, tags),
        Command::UntagQueue { key, keys } => tags::untag(state, &key, &keys),
        Command::ListQueueTags { key } => tags::list(state, &key),
        Command::ListDeadLetterSources { key, after, limit } => {
            redrive::list_sources(state, &key, after.as_ref(), limit)
        }
        Command::ListOrigins { key } => redrive::list_origins(state, &key),
        Command::StartMoveTask { key, id, destination, back_to, messages_per_sec } => {
            let destination = destination.map(|key| *key);
            move_tasks::start(state, &key, id, destination, back_to.as_deref(), messages_per_sec)
        }
        Command::CancelMoveTask { key, id } => move_tasks::cancel(state, &key, id),
        Command::ListMoveTasks { key, limit } => move_tasks::list(state, &key, limit),
        Command::StepMoveTask { queue } => move_tasks::step(state, now, queue),
        Command::PurgeQueue { key } => queues::purge(state, &key),
        Command::Send { key, messages } => send::send(quotas, state, now, &key, messages),
        Command::Receive { key, limit, visibility_timeout_secs, attempt } => {
            receive::receive(state, now, &key, limit, visibility_timeout_secs, attempt)
        }
        Command::Delete { key, receipts } => delete::delete(state, now, &key, &receipts),
        Command::ChangeVisibility { key, changes } => visibility::change(state, now, &key, &changes),
        Command::ReturnLeases { receipts } => visibility::return_leases(state, &receipts),
        Command::Quarantine { queue, sequence } => delete::quarantine(state, queue, sequence),
        Command::Expire { queue } => expire::expire(state, now, queue),
        Command::PutDocument { key, expected, value } => documents::put(state, key, expected, value),
        Command::RemoveDocument { key, expected } => documents::remove(state, key, expected),
        Command::WriteDocuments { writes } => documents::write_all(state, writes),
        Command::GetDocument { key } => (Vec::new(), Outcome::Document(state.document(&key).cloned())),
        Command::ListDocuments { collection } => documents::list(state, &collection),
    }
}

fn refused(refusal: Refusal) -> Decision {
    (Vec::new(), Outcome::Refused(refusal))
}

/// Runs `decision` on the queue of that name, or refuses because there is none.
fn with_queue(state: &State, key: &QueueKey, decision: impl FnOnce(&Queue) -> Decision) -> Decision {
    state.queue_named(key).map_or_else(|| refused(Refusal::QueueDoesNotExist), decision)
}
