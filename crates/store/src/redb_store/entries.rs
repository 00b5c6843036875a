//! The tables of message entries while changes are written into them, with the orders that are kept of them and the counts
//! of each queue.
//!
//! What always holds: a message has its entry in exactly one of the tables `line` and `aside`; what stands in `aside` has a row in each order; a queue's backlog row counts its rows in `line` and `aside`, but not those that a bulk
//! removal has taken out and that wait for their space to be given back.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use millpond_core::format::row;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::resting::delay_second;
use millpond_core::time::Timestamp;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::fault::Fault;
use super::reader::{backlog, decode};
use super::rows::{
    self, ASIDE, BACKLOGS, BacklogRow, LINE, MessageBytes, Order, Place, QueueBytes, TimeBytes,
};

type EntryTable<'t> = Table<'t, &'static MessageBytes, &'static [u8]>;
type Times<'t> = Table<'t, &'static TimeBytes, &'static [u8]>;

/// The tables of entries, open for writing.
pub(crate) struct Entries<'t> {
    line: EntryTable<'t>,
    aside: EntryTable<'t>,
    turns: Times<'t>,
    leases: Times<'t>,
    ages: Times<'t>,
    backlogs: Table<'t, &'static QueueBytes, &'static [u8]>,
    /// Backlog rows as they will be written; `None` for a queue that is gone.
    counted: BTreeMap<QueueId, Option<BacklogRow>>,
}

impl<'t> Entries<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            line: transaction.open_table(LINE)?,
            aside: transaction.open_table(ASIDE)?,
            turns: transaction.open_table(Order::Turns.table())?,
            leases: transaction.open_table(Order::Leases.table())?,
            ages: transaction.open_table(Order::Ages.table())?,
            backlogs: transaction.open_table(BACKLOGS)?,
            counted: BTreeMap::new(),
        })
    }

    /// All rows, those included that wait for their space to be given back.
    pub(crate) fn len(&self) -> Result<u64, Fault> {
        Ok(self.line.len()? + self.aside.len()?)
    }

    /// Writes the counts. Seconds before `clock` are of no use any more.
    pub(crate) fn finish(mut self, clock: Option<Timestamp>) -> Result<(), Fault> {
        for (queue, counted) in std::mem::take(&mut self.counted) {
            let key = rows::queue_key(queue);
            if let Some(mut counted) = counted {
                if let Some(clock) = clock {
                    counted.delayed = counted.delayed.split_off(&clock.as_secs());
                }
                self.backlogs.insert(&key, &rows::seal("backlogs", &key, counted.encode())[..])?;
            } else {
                self.backlogs.remove(&key)?;
            }
        }
        Ok(())
    }

    /// The first message of a queue in `from..to`, hidden or not.
    pub(crate) fn first_in(
        &self,
        queue: QueueId,
        from: Sequence,
        to: Sequence,
    ) -> Result<Option<Sequence>, Fault> {
        let from = rows::message_key(MessageRef { queue, sequence: from });
        let to = rows::message_key(MessageRef { queue, sequence: to });
        let mut first = None;
        for table in [&self.line, &self.aside] {
            let found = table.range::<&MessageBytes>(&from..&to)?.next().transpose()?;
            let found = found.map(|(key, _)| rows::message_of(key.value()).sequence);
            first = [first, found].into_iter().flatten().min();
        }
        Ok(first)
    }

    /// Puts an entry in that is not there.
    pub(crate) fn insert(&mut self, message: MessageRef, entry: &Entry) -> Result<(), Fault> {
        let place = Place::of(entry);
        let key = rows::message_key(message);
        let sealed = rows::seal(place.table(), &key, row::encode_entry(entry));
        self.table(place).insert(&key, &sealed[..])?;
        self.count(message.queue, entry, true)?;
        if place == Place::Aside { self.put_in_order(message, entry) } else { Ok(()) }
    }

    /// Puts an entry in that a bulk removal took out already, so that its space is given back with that of its payload.
    pub(crate) fn insert_hidden(&mut self, message: MessageRef, entry: &Entry) -> Result<(), Fault> {
        let key = rows::message_key(message);
        let sealed = rows::seal(Place::Line.table(), &key, row::encode_entry(entry));
        self.line.insert(&key, &sealed[..])?;
        Ok(())
    }

    /// Whether a message belongs behind all others of its table, so that [`Entries::append`] may take it and what follows.
    pub(crate) fn is_behind_all(&self, message: MessageRef) -> Result<bool, Fault> {
        Ok(self.first_in(message.queue, message.sequence, Sequence(u64::MAX))?.is_none())
    }

    /// Puts entries of one queue in, sorted, of which the first [is behind all](Entries::is_behind_all). The engine takes
    /// sorted rows at a fraction of the cost.
    pub(crate) fn append<'e>(
        &mut self,
        first: MessageRef,
        entries: impl Iterator<Item = (MessageRef, &'e Entry)>,
    ) -> Result<(), Fault> {
        let mut others = Vec::new();
        let mut counted = self.counted_of(first.queue)?.clone();
        let bound = rows::message_key(first);
        let mut line = self.line.lower_bound_mut(std::ops::Bound::Included(&bound))?;
        for (message, entry) in entries {
            if Place::of(entry) != Place::Line {
                others.push((message, *entry));
                continue;
            }
            let key = rows::message_key(message);
            line.insert_before(&key, &rows::seal("line", &key, row::encode_entry(entry))[..])?;
            counted.messages += 1;
            counted.bytes += u64::from(entry.payload_bytes);
        }
        line.close()?;
        self.counted.insert(first.queue, Some(counted));
        others.iter().try_for_each(|(message, entry)| self.insert(*message, entry))
    }

    /// Replaces an entry; `false` when it is not there.
    pub(crate) fn update(&mut self, message: MessageRef, entry: &Entry) -> Result<bool, Fault> {
        let known = self.remove(message)?.is_some();
        if known {
            self.insert(message, entry)?;
        }
        Ok(known)
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, message: MessageRef) -> Result<Option<Entry>, Fault> {
        let key = rows::message_key(message);
        for place in Place::ALL {
            let removed = match self.table(place).remove(&key)? {
                Some(row) => Some(decode(place.table(), &key, row.value(), row::decode_entry)?),
                None => None,
            };
            if let Some(entry) = removed {
                self.removed(message, place, &entry)?;
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Takes the entries of a queue in `first..end` out, and says how many there were.
    pub(crate) fn remove_range(
        &mut self,
        queue: QueueId,
        first: Sequence,
        end: Sequence,
    ) -> Result<u64, Fault> {
        let mut removed = Vec::new();
        for place in Place::ALL {
            self.take_range(queue, first, end, place, |message, row| {
                let key = rows::message_key(message);
                removed.push((message, place, decode(place.table(), &key, row, row::decode_entry)?));
                Ok(())
            })?;
        }
        for (message, place, entry) in &removed {
            self.removed(*message, *place, entry)?;
        }
        Ok(removed.len() as u64)
    }

    /// Gives back the space of hidden entries in `first..end`, which nothing counts or keeps in order any more.
    pub(crate) fn drop_range(
        &mut self,
        queue: QueueId,
        first: Sequence,
        end: Sequence,
    ) -> Result<u64, Fault> {
        let mut dropped = 0;
        for place in Place::ALL {
            self.take_range(queue, first, end, place, |_, _| {
                dropped += 1;
                Ok(())
            })?;
        }
        Ok(dropped)
    }

    /// Gives back the space of at most `limit` rows in each order of a queue that stand there since before `era`. Answers how
    /// many there were.
    pub(crate) fn drop_eras_before(&mut self, queue: QueueId, era: u64, limit: u64) -> Result<u64, Fault> {
        let zero = (Timestamp::EPOCH, Sequence(0));
        let (from, to) = (rows::time_key(queue, 0, zero), rows::time_key(queue, era, zero));
        let mut dropped = 0;
        for table in [&mut self.turns, &mut self.leases, &mut self.ages] {
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let last = table.range::<&TimeBytes>(&from..&to)?.take(most).last().transpose()?;
            let Some(last) = last.map(|(key, _)| *key.value()) else { continue };
            table.retain_in::<&TimeBytes, _>(&from..=&last, |_, _| {
                dropped += 1;
                false
            })?;
        }
        Ok(dropped)
    }

    /// All messages of a queue are taken out at once; what comes is of a new era. Their rows are left where they are.
    pub(crate) fn begin_era(&mut self, queue: QueueId, era: u64) {
        self.counted.insert(queue, Some(BacklogRow { era, ..BacklogRow::default() }));
    }

    /// A queue is gone.
    pub(crate) fn forget(&mut self, queue: QueueId) {
        self.counted.insert(queue, None);
    }

    fn take_range(
        &mut self,
        queue: QueueId,
        first: Sequence,
        end: Sequence,
        place: Place,
        mut take: impl FnMut(MessageRef, &[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let first = rows::message_key(MessageRef { queue, sequence: first });
        let end = rows::message_key(MessageRef { queue, sequence: end });
        let mut failed = None;
        self.table(place).retain_in::<&MessageBytes, _>(&first..&end, |key, row| {
            if let Err(fault) = take(rows::message_of(key), row) {
                failed.get_or_insert(fault);
            }
            false
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn table(&mut self, place: Place) -> &mut EntryTable<'t> {
        match place {
            Place::Line => &mut self.line,
            Place::Aside => &mut self.aside,
        }
    }

    fn removed(&mut self, message: MessageRef, place: Place, entry: &Entry) -> Result<(), Fault> {
        if place == Place::Aside {
            self.take_from_order(message, entry)?;
        }
        self.count(message.queue, entry, false)
    }

    fn put_in_order(&mut self, message: MessageRef, entry: &Entry) -> Result<(), Fault> {
        let era = self.counted_of(message.queue)?.era;
        for (order, time) in orders(entry).into_iter().flatten() {
            let key = rows::time_key(message.queue, era, (time, message.sequence));
            self.order(order).insert(&key, &rows::seal(order.name(), &key, Vec::new())[..])?;
        }
        Ok(())
    }

    fn take_from_order(&mut self, message: MessageRef, entry: &Entry) -> Result<(), Fault> {
        let era = self.counted_of(message.queue)?.era;
        for (order, time) in orders(entry).into_iter().flatten() {
            self.order(order).remove(&rows::time_key(message.queue, era, (time, message.sequence)))?;
        }
        Ok(())
    }

    fn order(&mut self, order: Order) -> &mut Times<'t> {
        match order {
            Order::Turns => &mut self.turns,
            Order::Leases => &mut self.leases,
            Order::Ages => &mut self.ages,
        }
    }

    fn count(&mut self, queue: QueueId, entry: &Entry, comes: bool) -> Result<(), Fault> {
        let counted = self.counted_of(queue)?;
        let change = |number: u64, by: u64| {
            if comes { number.saturating_add(by) } else { number.saturating_sub(by) }
        };
        counted.messages = change(counted.messages, 1);
        counted.bytes = change(counted.bytes, u64::from(entry.payload_bytes));
        if let Some(second) = delay_second(entry) {
            let left = change(counted.delayed.get(&second).copied().unwrap_or(0), 1);
            if left == 0 {
                counted.delayed.remove(&second)
            } else {
                counted.delayed.insert(second, left)
            };
        }
        Ok(())
    }

    /// The counts of a queue, with all changes.
    fn counted_of(&mut self, queue: QueueId) -> Result<&mut BacklogRow, Fault> {
        let counted = match self.counted.entry(queue) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => slot.insert(Some(backlog(&self.backlogs, queue)?)),
        };
        Ok(counted.get_or_insert_default())
    }
}

/// The orders that a message aside stands in, and where.
pub(crate) fn orders(entry: &Entry) -> [Option<(Order, Timestamp)>; 3] {
    let lease = (!entry.never_delivered()).then_some((Order::Leases, entry.visible_at));
    [Some((Order::Turns, entry.rank)), Some((Order::Ages, entry.sent_at)), lease]
}
