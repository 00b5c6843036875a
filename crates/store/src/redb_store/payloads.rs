//! The rows that say where payloads lie and what each payload file holds, while changes are written into them.
//!
//! What always holds: a row in `extents` names bytes that are durable before the transaction commits; the rows of files
//! count exactly what rows in `extents` name.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use millpond_core::format::Malformed;
use millpond_core::format::codec::{Put, Take};
use millpond_core::message::{MessageRef, QueueId, Sequence};
use redb::{ReadTransaction, ReadableTable, Table, WriteTransaction};

use super::fault::Fault;
use super::reader::decode;
use super::rows::{self, EXTENTS, MessageBytes, PAYLOAD_FILES, QueueBytes};
use crate::payload_files::{Extent, Extents, FileRow, Kind, Ledger, Writer};

type ExtentTable<'t> = Table<'t, &'static MessageBytes, &'static [u8]>;

/// Payloads and their tables, open for writing.
pub(crate) struct Payloads<'t, 'w, 'f> {
    extents: Rows<'t>,
    files: Table<'t, &'static QueueBytes, &'static [u8]>,
    writer: &'w mut Writer<'f>,
    /// Encoded bytes of all payloads.
    bytes: u64,
}

struct Rows<'t>(ExtentTable<'t>);

impl<'t, 'w, 'f> Payloads<'t, 'w, 'f> {
    pub(crate) fn open(
        transaction: &'t WriteTransaction,
        writer: &'w mut Writer<'f>,
        bytes: u64,
    ) -> Result<Self, Fault> {
        let extents = Rows(transaction.open_table(EXTENTS)?);
        Ok(Self { extents, files: transaction.open_table(PAYLOAD_FILES)?, writer, bytes })
    }

    /// Encoded bytes of all payloads.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts a payload in that is not there.
    pub(crate) fn insert(&mut self, message: MessageRef, payload: &Bytes) -> Result<(), Fault> {
        let extent = self.writer.append(Kind::New, message, payload)?;
        self.bytes += payload.len() as u64;
        self.extents.set(message, extent)
    }

    /// Puts payloads in, sorted, of which the first stands behind all others of its queue. The engine takes sorted rows at a
    /// fraction of the cost.
    pub(crate) fn append<'p>(
        &mut self,
        first: MessageRef,
        payloads: impl Iterator<Item = (MessageRef, &'p Bytes)>,
    ) -> Result<(), Fault> {
        let mut extents = self.extents.0.lower_bound_mut(Bound::Included(&rows::message_key(first)))?;
        for (message, payload) in payloads {
            let extent = self.writer.append(Kind::New, message, payload)?;
            let key = rows::message_key(message);
            extents.insert_before(&key, &rows::seal("extents", &key, encode_extent(extent))[..])?;
            self.bytes += payload.len() as u64;
        }
        extents.close()?;
        Ok(())
    }

    /// Takes the payload of a message out, if it is there.
    pub(crate) fn remove(&mut self, message: MessageRef) -> Result<(), Fault> {
        let key = rows::message_key(message);
        let removed = match self.extents.0.remove(&key)? {
            Some(row) => decode_row(&key, row.value())?,
            None => return Ok(()),
        };
        self.release(message, removed)
    }

    /// Takes the payloads of a queue in `first..end` out.
    pub(crate) fn remove_range(
        &mut self,
        queue: QueueId,
        first: Sequence,
        end: Sequence,
    ) -> Result<(), Fault> {
        let first = rows::message_key(MessageRef { queue, sequence: first });
        let end = rows::message_key(MessageRef { queue, sequence: end });
        let mut removed = Vec::new();
        let mut failed = None;
        self.extents.0.retain_in::<&MessageBytes, _>(&first..&end, |key, row| {
            match decode_row(key, row) {
                Ok(extent) => removed.push((rows::message_of(key), extent)),
                Err(fault) => drop(failed.get_or_insert(fault)),
            }
            false
        })?;
        if let Some(fault) = failed {
            return Err(fault);
        }
        removed.into_iter().try_for_each(|(message, extent)| self.release(message, extent))
    }

    fn release(&mut self, message: MessageRef, extent: Extent) -> Result<(), Fault> {
        self.bytes = self.bytes.saturating_sub(u64::from(extent.len_bytes));
        self.writer.release(message, extent)
    }

    /// Merges while it is due, as far as is in proportion to what changed. Answers whether it is due still.
    pub(crate) fn merge(&mut self, at_least_bytes: u64) -> Result<bool, Fault> {
        let walked_bytes = self.writer.changed_bytes() * 2 + at_least_bytes;
        self.writer.merge(&mut self.extents, walked_bytes)
    }

    /// Makes the payloads durable, and writes what the files hold now.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        for (number, row) in self.writer.finish()? {
            let key = number.to_be_bytes();
            match row {
                Some(row) => {
                    let sealed = rows::seal("payload_files", &key, encode_file(row));
                    self.files.insert(&key, &sealed[..])?;
                }
                None => drop(self.files.remove(&key)?),
            }
        }
        Ok(())
    }
}

impl Extents for Rows<'_> {
    fn get(&self, message: MessageRef) -> Result<Option<Extent>, Fault> {
        extent(&self.0, message)
    }

    fn set(&mut self, message: MessageRef, extent: Extent) -> Result<(), Fault> {
        let key = rows::message_key(message);
        self.0.insert(&key, &rows::seal("extents", &key, encode_extent(extent))[..])?;
        Ok(())
    }
}

/// Where the payload of a message lies, hidden or not.
pub(crate) fn extent(
    extents: &impl ReadableTable<&'static MessageBytes, &'static [u8]>,
    message: MessageRef,
) -> Result<Option<Extent>, Fault> {
    let key = rows::message_key(message);
    extents.get(&key)?.map(|row| decode_row(&key, row.value())).transpose()
}

/// What the engine says of all payload files.
pub(crate) fn ledger(transaction: &ReadTransaction) -> Result<Ledger, Fault> {
    let mut files = BTreeMap::new();
    for row in transaction.open_table(PAYLOAD_FILES)?.iter()? {
        let (key, value) = row?;
        files.insert(u64::from_be_bytes(*key.value()), decode_file(key.value(), value.value())?);
    }
    Ok(Ledger::of(files))
}

/// Reads a row of `extents`.
pub(crate) fn decode_row(key: &MessageBytes, row: &[u8]) -> Result<Extent, Fault> {
    decode("extents", key, row, decode_extent)
}

/// Reads a row of `payload_files`.
pub(crate) fn decode_file(key: &QueueBytes, row: &[u8]) -> Result<FileRow, Fault> {
    decode("payload_files", key, row, |value| {
        const WHAT: &str = "payload file row";
        let mut take = Take::new(value);
        let kind = match take.tag(WHAT)? {
            0 => Kind::New,
            1 => Kind::Kept,
            _ => return Err(Malformed::Impossible("the kind of a payload file")),
        };
        let (end_bytes, live_bytes) = (take.varint(WHAT)?, take.varint(WHAT)?);
        let row = FileRow { kind, end_bytes, live_bytes, merged_bytes: take.varint(WHAT)? };
        take.finish(WHAT)?;
        Ok(row)
    })
}

fn encode_file(row: FileRow) -> Vec<u8> {
    let FileRow { kind, end_bytes, live_bytes, merged_bytes } = row;
    let mut out = Vec::new();
    out.put_tag(match kind {
        Kind::New => 0,
        Kind::Kept => 1,
    });
    for number in [end_bytes, live_bytes, merged_bytes] {
        out.put_varint(number);
    }
    out
}

fn encode_extent(extent: Extent) -> Vec<u8> {
    let Extent { file, offset_bytes, len_bytes } = extent;
    let mut out = Vec::with_capacity(24);
    for number in [file, offset_bytes, u64::from(len_bytes)] {
        out.put_varint(number);
    }
    out
}

fn decode_extent(value: Bytes) -> Result<Extent, Malformed> {
    const WHAT: &str = "extent row";
    let mut take = Take::new(value);
    let (file, offset_bytes) = (take.varint(WHAT)?, take.varint(WHAT)?);
    let extent = Extent { file, offset_bytes, len_bytes: take.varint_u32(WHAT)? };
    take.finish(WHAT)?;
    Ok(extent)
}
