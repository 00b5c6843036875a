//! What may enter, before it is decided.
//!
//! Space in the log is given out in reserve order: when it runs short, sends are refused first, then receives, and
//! deletes go on longest, because deletes are what makes room. A refusal is retryable and changes nothing.
//!
//! It refuses to know queues: quotas of queues and accounts are a decision of the core.

use millpond_core::command::Command;
use millpond_log::Usage;

/// Space in the log, as fractions of its budget that must be free.
const SEND_RESERVE: u64 = 8;
const RECEIVE_RESERVE: u64 = 16;
const DELETE_RESERVE: u64 = 64;

/// The limits that keep memory bounded.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Long polls parked at once.
    pub waiters: usize,
    /// Replies held at once.
    pub held_replies: usize,
    /// Bytes of events that wait for the log.
    pub pending_bytes: usize,
    /// Bytes of payloads in replies that are held.
    pub reply_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { waiters: 20_000, held_replies: 65_536, pending_bytes: 48 << 20, reply_bytes: 48 << 20 }
    }
}

/// What is there now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// The most that the log can hold, in bytes.
    pub budget_bytes: u64,
    /// What of it is free.
    pub free_bytes: u64,
    /// The disk has no room for more segments.
    pub disk_full: bool,
    /// Bytes of events that wait for the log.
    pub pending_bytes: usize,
    /// Replies that wait.
    pub held_replies: usize,
    /// Memory holds many more messages than it should because the store has not followed yet.
    pub store_is_behind: bool,
    /// Bytes of payloads in them.
    pub reply_bytes: usize,
}

impl Load {
    /// The space that a log has left. With a full disk the log can't grow to its budget: what it has is all there is,
    /// and the reserves are parts of that.
    #[must_use]
    pub fn of(usage: &Usage) -> Self {
        let (budget_bytes, free_bytes) = if usage.disk_full {
            (usage.used_bytes.saturating_add(usage.ready_bytes), usage.ready_bytes)
        } else {
            (usage.budget_bytes, usage.budget_bytes.saturating_sub(usage.used_bytes))
        };
        Self { budget_bytes, free_bytes, disk_full: usage.disk_full, ..Self::default() }
    }

    /// What the log takes with that space.
    #[must_use]
    pub fn room(&self) -> Room {
        let leaves = |reserve: u64| self.free_bytes > 0 && self.free_bytes >= self.budget_bytes / reserve;
        let most_first =
            [(SEND_RESERVE, Room::Sends), (RECEIVE_RESERVE, Room::Receives), (DELETE_RESERVE, Room::Deletes)];
        let first = most_first.into_iter().find(|(reserve, _)| leaves(*reserve));
        first.map_or(Room::None, |(_, room)| room)
    }
}

/// What a log still takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Nothing at all.
    None,
    /// Deletes, which make room.
    Deletes,
    /// Receives and deletes.
    Receives,
    /// Everything.
    Sends,
}

/// Why a command may not enter now. Each is worth a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The log has no room until older batches are checkpointed.
    #[error("the log is short of space; sends resume when a checkpoint has made room")]
    LogFull,
    /// The disk is full.
    #[error("the disk of the data directory is full; free some space, the service resumes by itself")]
    DiskFull,
    /// Messages come faster than the store takes them.
    #[error("messages come faster than the store takes them; sends resume when it has caught up")]
    StoreBehind,
    /// More is under way than memory allows.
    #[error("too many requests are under way")]
    Overloaded,
}

/// What a command needs of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    Delete,
    Receive,
    Send,
}

fn need(command: &Command) -> Need {
    match command {
        Command::Paced(command) => need(command),
        Command::Begin { .. }
        | Command::NoteClock { .. }
        | Command::NoteJump { .. }
        | Command::FindQueue { .. }
        | Command::ListQueues { .. }
        | Command::ListQueueTags { .. }
        | Command::ListDeadLetterSources { .. }
        | Command::ListOrigins { .. }
        | Command::ListMoveTasks { .. }
        | Command::DescribeQueue { .. }
        | Command::DescribeQueues { .. }
        | Command::GetDocument { .. }
        | Command::ListDocuments { .. } => Need::Nothing,
        Command::Delete { .. }
        | Command::DeleteQueue { .. }
        | Command::PurgeQueue { .. }
        | Command::RemovePermission { .. }
        | Command::UntagQueue { .. }
        | Command::Expire { .. }
        | Command::CancelMoveTask { .. }
        | Command::ConfirmClock
        | Command::Reset
        | Command::ReturnLeases { .. }
        | Command::Quarantine { .. }
        | Command::RemoveDocument { .. } => Need::Delete,
        Command::WriteDocuments { writes } if writes.iter().all(|write| write.value.is_none()) => {
            Need::Delete
        }
        Command::Receive { .. } | Command::ChangeVisibility { .. } => Need::Receive,
        Command::Send { .. }
        | Command::CreateQueue { .. }
        | Command::SetQueueAttributes { .. }
        | Command::AddPermission { .. }
        | Command::TagQueue { .. }
        | Command::StartMoveTask { .. }
        | Command::StepMoveTask { .. }
        | Command::PutDocument { .. }
        | Command::WriteDocuments { .. } => Need::Send,
    }
}

/// Whether a command may enter.
///
/// # Errors
/// [`Denied`] says what stands in the way; the caller may try again.
pub fn admit(limits: &Limits, load: &Load, command: &Command) -> Result<(), Denied> {
    if load.held_replies >= limits.held_replies {
        return Err(Denied::Overloaded);
    }
    let needed = match need(command) {
        Need::Nothing => return Ok(()),
        Need::Delete => Room::Deletes,
        Need::Receive => Room::Receives,
        Need::Send => Room::Sends,
    };
    if load.room() < needed {
        return Err(if load.disk_full { Denied::DiskFull } else { Denied::LogFull });
    }
    let is_receive = matches!(command, Command::Receive { .. });
    if load.pending_bytes >= limits.pending_bytes || (is_receive && load.reply_bytes >= limits.reply_bytes) {
        return Err(Denied::Overloaded);
    }
    Ok(())
}
