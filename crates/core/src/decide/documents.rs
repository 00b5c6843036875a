//! Writing, removing and listing documents, with a check of the revision that the writer saw.

use bytes::Bytes;

use super::{Decision, refused};
use crate::document::{Document, DocumentKey, DocumentWrite, ExpectedRevision};
use crate::event::Event;
use crate::limits;
use crate::outcome::{Outcome, Refusal};
use crate::state::State;

pub(super) fn put(state: &State, key: DocumentKey, expected: ExpectedRevision, value: Bytes) -> Decision {
    if value.len() > limits::DOCUMENT_BYTES {
        return refused(Refusal::DocumentTooLong { limit_bytes: limits::DOCUMENT_BYTES });
    }
    if let Err(refusal) = check(state, &key, expected) {
        return refused(refusal);
    }
    let revision = state.instance().next_revision;
    let outcome = Outcome::Document(Some(Document { revision, value: value.clone() }));
    (vec![Event::DocumentPut { key, revision, value }], outcome)
}

pub(super) fn remove(state: &State, key: DocumentKey, expected: ExpectedRevision) -> Decision {
    if let Err(refusal) = check(state, &key, expected) {
        return refused(refusal);
    }
    if state.document(&key).is_none() {
        return (Vec::new(), Outcome::Done);
    }
    (vec![Event::DocumentRemoved { key }], Outcome::Done)
}

/// All writes in one batch of events; the first that does not fit refuses them all.
pub(super) fn write_all(state: &State, writes: Vec<DocumentWrite>) -> Decision {
    let bytes: usize = writes.iter().filter_map(|write| write.value.as_ref()).map(Bytes::len).sum();
    if bytes > limits::DOCUMENT_BYTES {
        return refused(Refusal::DocumentTooLong { limit_bytes: limits::DOCUMENT_BYTES });
    }
    if let Some(refusal) = writes.iter().find_map(|write| check(state, &write.key, write.expected).err()) {
        return refused(refusal);
    }
    let mut revision = state.instance().next_revision;
    let mut events = Vec::with_capacity(writes.len());
    for DocumentWrite { key, expected: _, value } in writes {
        match value {
            Some(value) => {
                events.push(Event::DocumentPut { key, revision, value });
                revision += 1;
            }
            None if state.document(&key).is_some() => events.push(Event::DocumentRemoved { key }),
            None => {}
        }
    }
    (events, Outcome::Done)
}

pub(super) fn list(state: &State, collection: &str) -> Decision {
    let documents = state
        .documents()
        .filter(|(key, _)| key.collection == collection)
        .map(|(key, document)| (key.clone(), document.clone()))
        .collect();
    (Vec::new(), Outcome::Documents(documents))
}

fn check(state: &State, key: &DocumentKey, expected: ExpectedRevision) -> Result<(), Refusal> {
    let current = state.document(key).map(|document| document.revision);
    let agrees = match expected {
        ExpectedRevision::Any => true,
        ExpectedRevision::Absent => current.is_none(),
        ExpectedRevision::Exactly(revision) => current == Some(revision),
    };
    if agrees { Ok(()) } else { Err(Refusal::RevisionMismatch { current }) }
}
