//! The bytes of a backup: `docs/format/backup.md` in code.
//!
//! ```text
//!   header │ record 0: begin │ records: batches │ records: rows │ record n: end
//! ```
//!
//! What always holds: each record carries a checksum of its number, kind and content, so that one that is damaged,
//! missing or in another place is found; a backup without an end record is not whole.

use std::io::{self, Read};

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::Instance;
use millpond_core::format::codec::{Put, Take};
use millpond_core::format::{Malformed, fifo, row};
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_log::Position;

/// The first bytes of a backup, with the version of its format.
pub(crate) const HEADER: [u8; 16] = *b"MILLPOND-BACKUP\x01";
/// A record is not longer than this; what a batch or a message takes is far below.
const RECORD_MAX_BYTES: u32 = 64 << 20;
/// Rows and batches are collected into records of about this size.
const RECORD_BYTES: usize = 256 << 10;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Begin = 1,
    Batches = 2,
    Rows = 3,
    End = 4,
    Failed = 5,
}

impl Kind {
    fn of(tag: u8) -> Option<Self> {
        [Self::Begin, Self::Batches, Self::Rows, Self::End, Self::Failed]
            .into_iter()
            .find(|kind| *kind as u8 == tag)
    }
}

/// What a backup begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// When it was begun, in milliseconds since 1970.
    pub taken_at_millis: u64,
    /// What the rows reflect of the log.
    pub reflected: Position,
    /// The position whose state it is: rows and batches together.
    pub through: Position,
    /// The version of the program that made it.
    pub program: String,
}

/// What a backup ends with: what is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Batches that the rows do not reflect.
    pub batches: u64,
    /// Queues in the rows.
    pub queues: u64,
    /// Documents in the rows.
    pub documents: u64,
    /// Remembered sends in the rows.
    pub deduplications: u64,
    /// Messages in the rows.
    pub messages: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Messages whose payload is damaged: each is in it as it was found.
    pub damaged_payloads: u64,
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    Instance(Instance),
    Queue(QueueRecord),
    Document(DocumentKey, Document),
    Deduplication(MessageRef, Deduplication),
    Message(MessageRef, Entry, Bytes),
}

const TAG_INSTANCE: u8 = 1;
const TAG_QUEUE: u8 = 2;
const TAG_DOCUMENT: u8 = 3;
const TAG_DEDUPLICATION: u8 = 4;
const TAG_MESSAGE: u8 = 5;

impl Row {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Instance(instance) => {
                out.put_tag(TAG_INSTANCE);
                out.put_byte_string(&row::encode_instance(instance));
            }
            Self::Queue(record) => {
                out.put_tag(TAG_QUEUE);
                out.put_byte_string(&row::encode_queue(record));
            }
            Self::Document(key, document) => {
                out.put_tag(TAG_DOCUMENT);
                out.put_byte_string(key.collection.as_bytes());
                out.put_byte_string(key.name.as_bytes());
                out.put_byte_string(&row::encode_document(document));
            }
            Self::Deduplication(message, remembered) => {
                out.put_tag(TAG_DEDUPLICATION);
                put_message(out, *message);
                out.put_byte_string(&fifo::encode_deduplication(remembered));
            }
            Self::Message(message, entry, payload) => {
                out.put_tag(TAG_MESSAGE);
                put_message(out, *message);
                out.put_byte_string(&row::encode_entry(entry));
                out.put_byte_string(payload);
            }
        }
    }

    pub(crate) fn take(take: &mut Take) -> Result<Self, Malformed> {
        const WHAT: &str = "row of a backup";
        Ok(match take.tag(WHAT)? {
            TAG_INSTANCE => Self::Instance(row::decode_instance(take.byte_string(WHAT)?)?),
            TAG_QUEUE => Self::Queue(row::decode_queue(take.byte_string(WHAT)?)?),
            TAG_DOCUMENT => {
                let key = DocumentKey { collection: take.text(WHAT)?, name: take.text(WHAT)? };
                Self::Document(key, row::decode_document(take.byte_string(WHAT)?)?)
            }
            TAG_DEDUPLICATION => {
                let message = take_message(take)?;
                Self::Deduplication(message, fifo::decode_deduplication(take.byte_string(WHAT)?)?)
            }
            TAG_MESSAGE => {
                let message = take_message(take)?;
                let entry = row::decode_entry(take.byte_string(WHAT)?)?;
                Self::Message(message, entry, take.byte_string(WHAT)?)
            }
            _ => return Err(Malformed::Impossible("the kind of a row of a backup")),
        })
    }
}

fn put_message(out: &mut Vec<u8>, message: MessageRef) {
    out.put_varint(message.queue.0);
    out.put_varint(message.sequence.0);
}

fn take_message(take: &mut Take) -> Result<MessageRef, Malformed> {
    const WHAT: &str = "message of a backup";
    Ok(MessageRef { queue: QueueId(take.varint(WHAT)?), sequence: Sequence(take.varint(WHAT)?) })
}

impl Begin {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_varint(self.taken_at_millis);
        out.put_varint(self.reflected.0);
        out.put_varint(self.through.0);
        out.put_byte_string(self.program.as_bytes());
        out
    }

    pub(crate) fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        const WHAT: &str = "begin of a backup";
        let mut take = Take::new(bytes);
        let begin = Self {
            taken_at_millis: take.varint(WHAT)?,
            reflected: Position(take.varint(WHAT)?),
            through: Position(take.varint(WHAT)?),
            program: take.text(WHAT)?,
        };
        take.finish(WHAT)?;
        Ok(begin)
    }
}

impl Totals {
    fn encode(self) -> Vec<u8> {
        let Self { batches, queues, documents, deduplications, messages, payload_bytes, damaged_payloads } =
            self;
        let mut out = Vec::new();
        for number in [batches, queues, documents, deduplications, messages, payload_bytes, damaged_payloads]
        {
            out.put_varint(number);
        }
        out
    }

    pub(crate) fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        const WHAT: &str = "end of a backup";
        let mut take = Take::new(bytes);
        let mut number = || take.varint(WHAT);
        let totals = Self {
            batches: number()?,
            queues: number()?,
            documents: number()?,
            deduplications: number()?,
            messages: number()?,
            payload_bytes: number()?,
            damaged_payloads: number()?,
        };
        take.finish(WHAT)?;
        Ok(totals)
    }
}

/// Makes records, and hands them to whoever takes bytes.
pub(crate) struct Records<'a> {
    take: &'a mut dyn FnMut(Bytes) -> io::Result<()>,
    number: u64,
    kind: Kind,
    collected: Vec<u8>,
}

impl<'a> Records<'a> {
    pub(crate) fn begin(take: &'a mut dyn FnMut(Bytes) -> io::Result<()>, begin: &Begin) -> io::Result<Self> {
        take(Bytes::from_static(&HEADER))?;
        let mut records = Self { take, number: 0, kind: Kind::Batches, collected: Vec::new() };
        records.hand_over(Kind::Begin, &begin.encode())?;
        Ok(records)
    }

    pub(crate) fn batch(&mut self, position: Position, payload: &[u8]) -> io::Result<()> {
        self.of_kind(Kind::Batches)?;
        self.collected.put_varint(position.0);
        self.collected.put_byte_string(payload);
        self.full()
    }

    pub(crate) fn row(&mut self, row: &Row) -> io::Result<()> {
        self.of_kind(Kind::Rows)?;
        row.put(&mut self.collected);
        self.full()
    }

    pub(crate) fn end(mut self, totals: Totals) -> io::Result<()> {
        self.of_kind(Kind::End)?;
        self.hand_over(Kind::End, &totals.encode())
    }

    /// Ends a backup that can't become whole, with the reason.
    pub(crate) fn failed(mut self, reason: &str) -> io::Result<()> {
        self.hand_over(Kind::Failed, reason.as_bytes())
    }

    fn of_kind(&mut self, kind: Kind) -> io::Result<()> {
        if kind != self.kind {
            self.flush()?;
            self.kind = kind;
        }
        Ok(())
    }

    fn full(&mut self) -> io::Result<()> {
        if self.collected.len() >= RECORD_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.collected.is_empty() {
            return Ok(());
        }
        let collected = std::mem::take(&mut self.collected);
        self.hand_over(self.kind, &collected)
    }

    fn hand_over(&mut self, kind: Kind, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len()).ok().filter(|length| *length <= RECORD_MAX_BYTES);
        let length = length.ok_or_else(|| io::Error::other("a record of a backup would be too long"))?;
        let mut record = Vec::with_capacity(content.len() + 9);
        record.push(kind as u8);
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(content);
        record.extend_from_slice(&checksum(self.number, &record).to_le_bytes());
        self.number += 1;
        (self.take)(Bytes::from(record))
    }
}

fn checksum(number: u64, record: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), record)
}

/// Why bytes are no whole backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It does not begin like one.
    #[error("it is no backup of Millpond")]
    NoBackup,
    /// A later version has made it.
    #[error("its format is {0}, and this version reads 1: use a newer version")]
    Newer(u8),
    /// It ends before its end record.
    #[error("it ends too early, at byte {0}: it was not written to its end")]
    Short(u64),
    /// A record does not match its checksum, or is not where it should be.
    #[error("it is damaged at byte {offset_bytes}: {what}")]
    Damaged {
        /// Where the record begins.
        offset_bytes: u64,
        /// What is wrong.
        what: String,
    },
    /// Who made it could not go on, and says why.
    #[error("it is not whole: {0}")]
    Failed(String),
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
}

/// One record, verified.
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) content: Bytes,
    /// Where it begins.
    pub(crate) offset_bytes: u64,
}

impl Record {
    /// What is wrong inside of it.
    pub(crate) fn malformed(offset_bytes: u64, malformed: &Malformed) -> BackupError {
        BackupError::Damaged { offset_bytes, what: malformed.to_string() }
    }
}

/// Reads records one by one.
pub(crate) struct RecordReader<R> {
    from: R,
    number: u64,
    offset_bytes: u64,
}

impl<R: Read> RecordReader<R> {
    pub(crate) fn begin(mut from: R) -> Result<Self, BackupError> {
        let mut header = [0; HEADER.len()];
        match from.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(BackupError::NoBackup),
            Err(error) => return Err(error.into()),
        }
        let (name, version) = header.split_at(HEADER.len() - 1);
        if name != &HEADER[..HEADER.len() - 1] {
            return Err(BackupError::NoBackup);
        }
        if version != &HEADER[HEADER.len() - 1..] {
            return Err(BackupError::Newer(version[0]));
        }
        Ok(Self { from, number: 0, offset_bytes: HEADER.len() as u64 })
    }

    pub(crate) fn next(&mut self) -> Result<Record, BackupError> {
        let offset_bytes = self.offset_bytes;
        let damaged = |what: &str| BackupError::Damaged { offset_bytes, what: what.to_owned() };
        let mut bytes = vec![0; 5];
        self.fill(&mut bytes)?;
        let length = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
        if length > RECORD_MAX_BYTES {
            return Err(damaged("a record is longer than any"));
        }
        bytes.resize(5 + length as usize, 0);
        self.fill(&mut bytes[5..])?;
        let mut stored = [0; 4];
        self.fill(&mut stored)?;
        if checksum(self.number, &bytes) != u32::from_le_bytes(stored) {
            return Err(damaged("a record does not match its checksum"));
        }
        let kind = Kind::of(bytes[0]).ok_or_else(|| damaged("a record is of an unknown kind"))?;
        self.number += 1;
        let content = Bytes::from(bytes).slice(5..);
        if kind == Kind::Failed {
            return Err(BackupError::Failed(String::from_utf8_lossy(&content).into_owned()));
        }
        Ok(Record { kind, content, offset_bytes })
    }

    /// Whether the bytes end here.
    pub(crate) fn is_at_end(&mut self) -> Result<bool, BackupError> {
        Ok(self.from.read(&mut [0; 1])? == 0)
    }

    pub(crate) fn offset_bytes(&self) -> u64 {
        self.offset_bytes
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), BackupError> {
        match self.from.read_exact(buffer) {
            Ok(()) => {
                self.offset_bytes += buffer.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(BackupError::Short(self.offset_bytes))
            }
            Err(error) => Err(error.into()),
        }
    }
}
