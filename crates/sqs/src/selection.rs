//! Which attributes of a message a receive asks for.
//!
//! Names that match nothing are no error.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.

use std::collections::BTreeSet;

use millpond_core::outcome::Delivery;
use millpond_core::payload::Payload;
use millpond_wire::shape::Text;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::arn;
use crate::fifo::SequenceNumber;
use crate::wire_text::{Shown, Uuid};

/// The system attributes asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SystemSelection {
    sender_id: bool,
    sent_timestamp: bool,
    receive_count: bool,
    first_receive_timestamp: bool,
    group_id: bool,
    deduplication_id: bool,
    sequence_number: bool,
    source: bool,
    trace_header: bool,
}

impl SystemSelection {
    pub(crate) fn parse(names: &[Text<'_>]) -> Self {
        let asked = |wanted: &str| names.iter().any(|name| name.as_str() == wanted || name.as_str() == "All");
        Self {
            sender_id: asked("SenderId"),
            sent_timestamp: asked("SentTimestamp"),
            receive_count: asked("ApproximateReceiveCount"),
            first_receive_timestamp: asked("ApproximateFirstReceiveTimestamp"),
            group_id: asked("MessageGroupId"),
            deduplication_id: asked("MessageDeduplicationId"),
            sequence_number: asked("SequenceNumber"),
            source: asked("DeadLetterQueueSourceArn"),
            trace_header: asked("AWSTraceHeader"),
        }
    }

    /// The attributes of one delivery; `None` when it has none of those asked for.
    pub(crate) fn of<'a>(
        self,
        payload: &'a Payload,
        delivery: &'a Delivery,
    ) -> Option<SystemAttributesReply<'a>> {
        let always =
            self.sender_id || self.sent_timestamp || self.receive_count || self.first_receive_timestamp;
        let group_id = self.group_id && payload.group_id.is_some();
        let trace_header = self.trace_header && payload.trace_header.is_some();
        let in_order = payload.deduplication_id.is_some() && (self.deduplication_id || self.sequence_number);
        let source = self.source && delivery.source.is_some();
        (always || group_id || in_order || source || trace_header).then_some(SystemAttributesReply {
            selection: self,
            payload,
            delivery,
        })
    }
}

/// The selected system attributes of one delivery, as a map of text.
pub(crate) struct SystemAttributesReply<'a> {
    selection: SystemSelection,
    payload: &'a Payload,
    delivery: &'a Delivery,
}

impl Serialize for SystemAttributesReply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { selection, payload, delivery } = self;
        let mut map = serializer.serialize_map(None)?;
        if selection.sender_id {
            map.serialize_entry("SenderId", &payload.sender_id)?;
        }
        if selection.sent_timestamp {
            map.serialize_entry("SentTimestamp", &Shown(delivery.sent_at.as_millis()))?;
        }
        if selection.receive_count {
            map.serialize_entry("ApproximateReceiveCount", &Shown(delivery.receive_count))?;
        }
        if selection.first_receive_timestamp {
            let first = Shown(delivery.first_received_at.as_millis());
            map.serialize_entry("ApproximateFirstReceiveTimestamp", &first)?;
        }
        if let Some(group_id) = payload.group_id.as_ref().filter(|_| selection.group_id) {
            map.serialize_entry("MessageGroupId", group_id)?;
        }
        if let Some(deduplication_id) = &payload.deduplication_id {
            let changed_queue = delivery.source.is_some() || delivery.moved.is_some();
            if selection.deduplication_id && changed_queue {
                // It is told from others by its message id, whatever its sender had told it from others by.
                map.serialize_entry("MessageDeduplicationId", &Uuid(payload.message_id))?;
            } else if selection.deduplication_id {
                map.serialize_entry("MessageDeduplicationId", deduplication_id)?;
            }
            if selection.sequence_number {
                map.serialize_entry("SequenceNumber", &SequenceNumber(delivery.sequence))?;
            }
        }
        if let Some(source) = delivery.source.as_ref().filter(|_| selection.source) {
            map.serialize_entry("DeadLetterQueueSourceArn", &arn::of_queue(source))?;
        }
        if let Some(trace_header) = payload.trace_header.as_ref().filter(|_| selection.trace_header) {
            map.serialize_entry("AWSTraceHeader", trace_header)?;
        }
        map.end()
    }
}

/// The message attributes asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AttributeSelection {
    all: bool,
    names: BTreeSet<String>,
    prefixes: BTreeSet<String>,
}

impl AttributeSelection {
    pub(crate) fn parse(names: &[Text<'_>]) -> Self {
        let mut selection = Self::default();
        for name in names.iter().map(Text::as_str) {
            match name.strip_suffix(".*") {
                _ if matches!(name, "All" | "*" | ".*") => selection.all = true,
                Some(prefix) => drop(selection.prefixes.insert(prefix.to_owned())),
                None => drop(selection.names.insert(name.to_owned())),
            }
        }
        selection
    }

    /// Whether the attribute is asked for. The cost depends on the length of the name, not on how much was asked for.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let mut beginnings = name.char_indices().map(|(end, _)| &name[..end]).chain([name]);
        self.all || self.names.contains(name) || beginnings.any(|beginning| self.prefixes.contains(beginning))
    }
}
