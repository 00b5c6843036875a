//! Finds messages of one queue in the order that is wanted, by seeking.
//!
//! Two rows of tables are merged: those in line, whose order follows from their numbers, and those aside, whose order has a
//! table of its own. Neither holds a row that a reader would have to pass over.

use std::iter::Peekable;
use std::ops::Bound;

use millpond_core::format::row;
use millpond_core::message::{Entry, GroupKey, MessageRef, QueueId, Sequence};
use millpond_core::queue::Edge;
use millpond_core::queue::turns::Turn;
use millpond_core::time::Timestamp;
use redb::{ReadOnlyTable, ReadTransaction};

use super::apply::decode_checkpoint;
use super::fault::Fault;
use super::reader::{backlog, decode, entry, hidden_below, store_row};
use super::remembered;
use super::rows::{
    self, ASIDE, BACKLOGS, CHECKPOINT_ROW, LINE, MessageBytes, Order, Place, REMOVED, TimeBytes,
};
use crate::contract::{Found, Wanted};

/// Rows that one look for messages of a group passes over at most.
const PASSED_AT_ONCE: usize = 20_000;

type Entries = ReadOnlyTable<&'static MessageBytes, &'static [u8]>;

/// The tables of one queue.
pub(crate) struct Queue<'t> {
    transaction: &'t ReadTransaction,
    queue: QueueId,
    line: Entries,
    aside: Entries,
    hidden_below: Sequence,
    era: u64,
}

/// What a queue holds that is wanted.
pub(crate) fn find(
    transaction: &ReadTransaction,
    queue: QueueId,
    wanted: &Wanted,
    limit: usize,
) -> Result<Found, Fault> {
    let tables = Queue::open(transaction, queue)?;
    let mut found = match wanted {
        Wanted::Sends(sequences) => {
            Found { sends: remembered::find(transaction, queue, sequences)?, ..Found::default() }
        }
        Wanted::Behind(edge) => tables.in_order(Order::Turns, *edge, Timestamp::MAX, limit)?,
        Wanted::SentUntil(until, edge) => tables.in_order(Order::Ages, *edge, *until, limit)?,
        Wanted::Messages(sequences) => tables.messages(sequences)?,
        Wanted::From(first) => tables.from(*first, limit)?,
        Wanted::OfGroup(group, first) => tables.of_group(*group, *first, limit)?,
    };
    let checkpoint = store_row(transaction, CHECKPOINT_ROW)?.unwrap_or_default();
    found.reflected = decode_checkpoint(checkpoint, 0)?.reflected;
    Ok(found)
}

impl<'t> Queue<'t> {
    pub(crate) fn open(transaction: &'t ReadTransaction, queue: QueueId) -> Result<Self, Fault> {
        Ok(Self {
            transaction,
            queue,
            line: transaction.open_table(LINE)?,
            aside: transaction.open_table(ASIDE)?,
            hidden_below: hidden_below(&transaction.open_table(REMOVED)?, queue)?,
            era: backlog(&transaction.open_table(BACKLOGS)?, queue)?.era,
        })
    }

    /// When the oldest message was sent, without those in line up to a number.
    pub(crate) fn oldest_sent_at(&self, line: Sequence) -> Result<Timestamp, Fault> {
        let in_line = self.line_from(line.next())?.next().transpose()?;
        let start = Edge::START.turn;
        let aside = self.times_from(Order::Ages, start)?.next().transpose()?;
        let first =
            in_line.map(|(_, entry)| entry.sent_at).into_iter().chain(aside.map(|(time, _)| time)).min();
        Ok(first.unwrap_or(Timestamp::MAX))
    }

    /// Messages aside whose latest lease ends after a time.
    pub(crate) fn leased_after(&self, time: Timestamp) -> Result<Vec<(Sequence, Entry)>, Fault> {
        let leases = self.times_from(Order::Leases, (time, Sequence(u64::MAX)))?;
        leases.map(|lease| lease.and_then(|(_, sequence)| Ok((sequence, self.aside(sequence)?)))).collect()
    }

    fn in_order(&self, order: Order, edge: Edge, until: Timestamp, limit: usize) -> Result<Found, Fault> {
        let time = |entry: &Entry| if order == Order::Ages { entry.sent_at } else { entry.rank };
        let mut line = self.line_from(edge.line.next())?.peekable();
        let mut aside = self.times_from(order, edge.turn)?.peekable();
        let (mut messages, mut end) = (Vec::new(), edge);
        let mut more = false;
        loop {
            let in_line = peek(&mut line)?.map(|(sequence, entry)| (time(&entry), sequence));
            let aside_turn = peek(&mut aside)?;
            let Some(turn) = in_line.into_iter().chain(aside_turn).min().filter(|turn| turn.0 <= until)
            else {
                break;
            };
            if messages.len() == limit {
                more = true;
                break;
            }
            let found = if in_line == Some(turn) {
                end.line = turn.1;
                line.next().transpose()?
            } else {
                aside.next();
                Some((turn.1, self.aside(turn.1)?))
            };
            end.turn = end.turn.max(turn);
            messages.extend(found);
        }
        let end = more.then_some(end);
        let oldest_sent_at = if order == Order::Ages {
            let in_line = peek(&mut line)?.map(|(_, entry)| entry.sent_at);
            let aside = peek(&mut aside)?.map(|(time, _)| time);
            in_line.into_iter().chain(aside).min().unwrap_or(Timestamp::MAX)
        } else {
            end.map_or(Ok(Timestamp::MAX), |end| self.oldest_sent_at(end.line))?
        };
        Ok(Found { messages, end, oldest_sent_at, ..Found::default() })
    }

    fn messages(&self, sequences: &[Sequence]) -> Result<Found, Fault> {
        let mut messages = Vec::new();
        for sequence in sequences.iter().copied().filter(|sequence| *sequence >= self.hidden_below) {
            let message = MessageRef { queue: self.queue, sequence };
            let in_line = entry(&self.line, Place::Line, message)?;
            let found = match in_line {
                Some(entry) => Some(entry),
                None => entry(&self.aside, Place::Aside, message)?,
            };
            messages.extend(found.map(|entry| (sequence, entry)));
        }
        Ok(Found { messages, ..Found::default() })
    }

    fn from(&self, first: Sequence, limit: usize) -> Result<Found, Fault> {
        let mut rows = self.by_number(first)?;
        let mut messages = Vec::new();
        while messages.len() < limit {
            let Some(found) = rows.next_row()? else { return Ok(Found { messages, ..Found::default() }) };
            messages.push(found);
        }
        let last = messages.last().map_or(first, |(last, _)| *last);
        let end = rows.next_row()?.map(|_| behind(last));
        Ok(Found { messages, end, ..Found::default() })
    }

    fn of_group(&self, group: GroupKey, first: Sequence, limit: usize) -> Result<Found, Fault> {
        let mut rows = self.by_number(first)?;
        let mut messages = Vec::new();
        let mut last = first;
        for _ in 0..PASSED_AT_ONCE.max(limit) {
            let Some((sequence, entry)) = rows.next_row()? else {
                return Ok(Found { messages, ..Found::default() });
            };
            last = sequence;
            if entry.group == Some(group) {
                messages.push((sequence, entry));
                if messages.len() == limit {
                    break;
                }
            }
        }
        Ok(Found { messages, end: Some(behind(last)), ..Found::default() })
    }

    fn by_number(&self, first: Sequence) -> Result<ByNumber<impl Rows + use<>, impl Rows + use<>>, Fault> {
        Ok(ByNumber {
            line: self.line_from(first)?.peekable(),
            aside: self.rows_from(&self.aside, Place::Aside, first)?.peekable(),
        })
    }

    fn aside(&self, sequence: Sequence) -> Result<Entry, Fault> {
        let message = MessageRef { queue: self.queue, sequence };
        entry(&self.aside, Place::Aside, message)?.ok_or_else(|| {
            let (queue, sequence) = (self.queue.0, sequence.0);
            Fault::Rows(format!(
                "message {sequence} of queue {queue} stands in an order, but its row is missing"
            ))
        })
    }

    fn line_from(
        &self,
        first: Sequence,
    ) -> Result<impl Iterator<Item = Result<(Sequence, Entry), Fault>> + use<>, Fault> {
        self.rows_from(&self.line, Place::Line, first)
    }

    fn rows_from(
        &self,
        table: &Entries,
        place: Place,
        first: Sequence,
    ) -> Result<impl Iterator<Item = Result<(Sequence, Entry), Fault>> + use<>, Fault> {
        let key = |sequence| rows::message_key(MessageRef { queue: self.queue, sequence });
        let (from, to) = (key(first.max(self.hidden_below)), key(Sequence(u64::MAX)));
        Ok(table.range::<&MessageBytes>(&from..=&to)?.map(move |row| {
            let (key, value) = row?;
            let entry = decode(place.table(), key.value(), value.value(), row::decode_entry)?;
            Ok((rows::message_of(key.value()).sequence, entry))
        }))
    }

    /// The rows of an order that stand behind a turn.
    fn times_from(
        &self,
        order: Order,
        behind: Turn,
    ) -> Result<impl Iterator<Item = Result<Turn, Fault>> + use<>, Fault> {
        let key = |turn| rows::time_key(self.queue, self.era, turn);
        let (from, to) = (key(behind), key((Timestamp::MAX, Sequence(u64::MAX))));
        let range = (Bound::Excluded(&from), Bound::Included(&to));
        let rows = self.transaction.open_table(order.table())?.range::<&TimeBytes>(range)?;
        Ok(rows.map(move |row| {
            let (key, value) = row?;
            rows::open(order.name(), key.value(), value.value())?;
            Ok(rows::turn_of(key.value()))
        }))
    }
}

trait Rows: Iterator<Item = Result<(Sequence, Entry), Fault>> {}
impl<R: Iterator<Item = Result<(Sequence, Entry), Fault>>> Rows for R {}

/// All rows of a queue in the order of their numbers.
struct ByNumber<L: Rows, A: Rows> {
    line: Peekable<L>,
    aside: Peekable<A>,
}

impl<L: Rows, A: Rows> ByNumber<L, A> {
    fn next_row(&mut self) -> Result<Option<(Sequence, Entry)>, Fault> {
        let in_line = peek(&mut self.line)?.map(|(sequence, _)| sequence);
        let aside = peek(&mut self.aside)?.map(|(sequence, _)| sequence);
        let takes_line = match (in_line, aside) {
            (Some(in_line), Some(aside)) => in_line < aside,
            (in_line, _) => in_line.is_some(),
        };
        if takes_line { self.line.next() } else { self.aside.next() }.transpose()
    }
}

/// Behind a number.
fn behind(line: Sequence) -> Edge {
    Edge { turn: (Timestamp::EPOCH, line), line }
}

/// What comes next, a fault at once.
fn peek<T: Copy>(rows: &mut Peekable<impl Iterator<Item = Result<T, Fault>>>) -> Result<Option<T>, Fault> {
    match rows.peek() {
        Some(Ok(next)) => Ok(Some(*next)),
        None => Ok(None),
        Some(Err(_)) => rows.next().transpose(),
    }
}
