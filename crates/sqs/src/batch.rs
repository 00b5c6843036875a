//! Batches: what is wrong with a batch as a whole, and how its entries' results are put together again.
//!
//! An entry that is refused before the state sees it fails alone. Its place is kept, so a reply lists results in the
//! order of the request.

use std::borrow::Cow;

use millpond_core::limits;
use millpond_core::outcome::Refusal;
use millpond_wire::error::Fault;
use millpond_wire::shape::{List, Structure, Text};
use serde::Serialize;

use crate::error::SqsError;

const MOST_ENTRIES: usize = *limits::BATCH_ENTRIES.end();

/// The entries of a request, of which no more are kept than a batch may have.
pub(crate) type Entries<T> = List<Structure<T>, MOST_ENTRIES>;

/// Checks number and ids of a batch's entries and takes the entries out.
///
/// `entry_name` is what the entry is called in texts; `id` reads the id of one.
pub(crate) fn open<T>(
    entries: Option<Entries<T>>,
    entry_name: &'static str,
    id: impl Fn(&T) -> Option<&Text<'_>>,
) -> Result<Vec<T>, SqsError> {
    let entries = entries.ok_or(SqsError::MissingParameter(Cow::Borrowed("Entries")))?;
    if entries.sent == 0 {
        return Err(SqsError::EmptyBatch(entry_name));
    }
    if entries.sent > MOST_ENTRIES {
        return Err(SqsError::TooManyEntries { sent: entries.sent });
    }
    let entries: Vec<T> = entries.items.into_iter().map(|Structure(entry)| entry).collect();
    let mut ids: Vec<&str> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let id = id(entry).ok_or_else(|| missing(entry_name, index, "Id"))?.as_str();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !limits::BATCH_ENTRY_ID_CHARS.contains(&id.len()) || !id.bytes().all(allowed) {
            return Err(SqsError::InvalidEntryId);
        }
        if ids.contains(&id) {
            return Err(SqsError::EntryIdRepeated(id.to_owned()));
        }
        ids.push(id);
    }
    Ok(entries)
}

/// A required member of the entry at `index` is missing.
pub(crate) fn missing(entry_name: &'static str, index: usize, member: &'static str) -> SqsError {
    SqsError::MissingParameter(missing_name(entry_name, index, member))
}

/// The name of an entry's member in texts.
pub(crate) fn missing_name(entry_name: &str, index: usize, member: &str) -> Cow<'static, str> {
    format!("{entry_name}.{}.{member}", index + 1).into()
}

/// What a batch's reply needs to know of its entries: for each its id, and what was kept of it or why it is refused.
#[derive(Debug)]
pub(crate) struct BatchAnswer<T> {
    entries: Vec<(String, Result<T, SqsError>)>,
}

impl<T> BatchAnswer<T> {
    /// Prepares the entries one by one. What `prepare` makes for the state is returned in order, without gaps.
    pub(crate) fn prepare<E, C>(
        entries: Vec<E>,
        id: impl Fn(&E) -> Option<&Text<'_>>,
        mut prepare: impl FnMut(usize, E) -> Result<(C, T), SqsError>,
    ) -> (Self, Vec<C>) {
        let mut asked = Vec::with_capacity(entries.len());
        let entries = entries
            .into_iter()
            .enumerate()
            .map(|(index, entry)| {
                let id = id(&entry).map_or("", Text::as_str).to_owned();
                let kept = prepare(index, entry).map(|(ask, kept)| {
                    asked.push(ask);
                    kept
                });
                (id, kept)
            })
            .collect();
        (Self { entries }, asked)
    }

    /// Puts the state's results, one per entry that it saw, back among the others.
    pub(crate) fn merge<R, S>(
        self,
        results: Vec<Result<R, Refusal>>,
        succeed: impl Fn(T, R) -> S,
        refuse: impl Fn(T, Refusal) -> SqsError,
    ) -> BatchReply<S> {
        let mut results = results.into_iter();
        let mut reply = BatchReply { successful: Vec::with_capacity(self.entries.len()), failed: Vec::new() };
        for (id, kept) in self.entries {
            let result = kept.and_then(|kept| match results.next() {
                Some(Ok(result)) => Ok(succeed(kept, result)),
                Some(Err(refusal)) => Err(refuse(kept, refusal)),
                None => Err(SqsError::Internal("an entry has no result".into())),
            });
            match result {
                Ok(result) => reply.successful.push(SuccessfulEntry { id, result }),
                Err(error) => reply.failed.push(FailedEntry::new(id, &error)),
            }
        }
        reply
    }
}

/// The reply to a batch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BatchReply<S> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    successful: Vec<SuccessfulEntry<S>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedEntry>,
}

/// The result of an entry that has nothing to tell but its id.
#[derive(Debug, Serialize)]
pub(crate) struct NoResult {}

#[derive(Debug, Serialize)]
struct SuccessfulEntry<S> {
    #[serde(rename = "Id")]
    id: String,
    #[serde(flatten)]
    result: S,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailedEntry {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

impl FailedEntry {
    fn new(id: String, error: &SqsError) -> Self {
        let kind = error.kind();
        let sender_fault = kind.fault == Fault::Sender;
        Self { id, sender_fault, code: kind.query_code, message: error.to_string() }
    }
}
