//! Whole messages that have no queue to lie in, as lines of JSON beside the new data.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use millpond_core::message::MessageRef;
use millpond_core::payload::{AttributeValue, Payload};
use serde_json::{Map, Value, json};

/// The file's name in the new directory.
pub const UNPLACED_FILE: &str = "unplaced.jsonl";

/// The file, which is there once it has a line.
pub(super) struct Unplaced {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    failure: Option<io::Error>,
    lines: u64,
}

impl Unplaced {
    pub(super) fn in_directory(directory: &Path) -> Self {
        Self { path: directory.join(UNPLACED_FILE), file: None, failure: None, lines: 0 }
    }

    /// Takes a message whose payload is whole.
    pub(super) fn put(&mut self, message: MessageRef, payload: &Bytes, why: &str) {
        if self.failure.is_some() {
            return;
        }
        if let Err(error) = self.write(message, payload, why) {
            self.failure = Some(error);
        }
    }

    fn write(&mut self, message: MessageRef, payload: &Bytes, why: &str) -> io::Result<()> {
        let Ok(payload) = Payload::decode(payload) else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?;
                self.file.insert(BufWriter::new(file))
            }
        };
        self.lines += 1;
        writeln!(file, "{}", json_of(message, &payload, why))
    }

    /// Makes the file durable. Answers how many messages are in it.
    pub(super) fn finish(&mut self) -> io::Result<u64> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if let Some(mut file) = self.file.take() {
            file.flush()?;
            file.get_ref().sync_all()?;
        }
        Ok(self.lines)
    }
}

fn json_of(message: MessageRef, payload: &Payload, why: &str) -> Value {
    let attributes: Map<String, Value> = payload
        .attributes
        .iter()
        .map(|attribute| {
            let (member, value) = match &attribute.value {
                AttributeValue::Text(text) => ("StringValue", text.clone()),
                AttributeValue::Binary(bytes) => ("BinaryValue", STANDARD.encode(bytes)),
            };
            (attribute.name.clone(), json!({ "DataType": attribute.data_type, member: value }))
        })
        .collect();
    json!({
        "message_id": payload.message_id.to_string(),
        "queue_number": message.queue.0,
        "sequence": message.sequence.0,
        "why": why,
        "sender_id": payload.sender_id,
        "group_id": payload.group_id,
        "deduplication_id": payload.deduplication_id,
        "attributes": attributes,
        "body": String::from_utf8_lossy(&payload.body),
    })
}
