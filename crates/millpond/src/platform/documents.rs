//! Stacks and workloads as documents in the log.
//!
//! What always holds: they are written sealed with the master key, since values of `NoEcho` parameters and passwords of
//! databases are in them; one that an earlier version wrote, which is JSON, is read as it is.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::document::{DocumentKey, ExpectedRevision};
use millpond_core::outcome::Outcome;
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;
use millpond_iam::secret::Unsealable;
use millpond_server::access::Access;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Refused;

/// Reads and writes documents; what is written is durable when the call returns.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    engine: EngineHandle,
    access: Arc<Access>,
}

/// Why a document was not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    /// The engine did not take the command.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The document is not what this version writes.
    #[error("the document {collection}/{name} can't be understood: {error}")]
    Format {
        /// Its collection.
        collection: &'static str,
        /// Its name.
        name: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// The document can't be opened.
    #[error("the document {collection}/{name} can't be opened: {error}")]
    Sealed {
        /// Its collection.
        collection: &'static str,
        /// Its name.
        name: String,
        /// What is wrong.
        error: Unsealable,
    },
    /// The core refused.
    #[error("the document was refused: {0}")]
    Refused(millpond_core::outcome::Refusal),
}

impl From<DocumentError> for Refused {
    fn from(error: DocumentError) -> Self {
        let status = if matches!(error, DocumentError::Call(_)) { 503 } else { 500 };
        Self::new(status, error.to_string())
    }
}

impl Documents {
    pub(super) fn new(engine: EngineHandle, access: Arc<Access>) -> Self {
        Self { engine, access }
    }

    /// All documents of a collection, by name.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        collection: &'static str,
    ) -> Result<Vec<(String, T)>, DocumentError> {
        let outcome = self.call(Command::ListDocuments { collection: collection.into() }, 0).await?;
        let Outcome::Documents(documents) = outcome else { return Ok(Vec::new()) };
        documents
            .into_iter()
            .map(|(key, document)| Ok((key.name.clone(), self.read(collection, &key.name, &document.value)?)))
            .collect()
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        collection: &'static str,
        name: &str,
    ) -> Result<Option<T>, DocumentError> {
        let outcome = self.call(Command::GetDocument { key: key(collection, name) }, 0).await?;
        let Outcome::Document(Some(document)) = outcome else { return Ok(None) };
        self.read(collection, name, &document.value).map(Some)
    }

    pub(super) async fn put<T: Serialize>(
        &self,
        collection: &'static str,
        name: &str,
        content: &T,
    ) -> Result<(), DocumentError> {
        let format = |error| DocumentError::Format { collection, name: name.to_owned(), error };
        let plain = serde_json::to_vec(content).map_err(format)?;
        let value = Bytes::from(self.access.seal(&sealed_as(collection, name), &plain));
        let size_bytes = value.len();
        let command =
            Command::PutDocument { key: key(collection, name), expected: ExpectedRevision::Any, value };
        self.call(command, size_bytes).await.map(drop)
    }

    pub(super) async fn remove(&self, collection: &'static str, name: &str) -> Result<(), DocumentError> {
        let command = Command::RemoveDocument { key: key(collection, name), expected: ExpectedRevision::Any };
        self.call(command, 0).await.map(drop)
    }

    /// The names of those that were sealed with another key.
    pub(super) async fn unsealable(&self, collection: &'static str) -> Result<Vec<String>, DocumentError> {
        let outcome = self.call(Command::ListDocuments { collection: collection.into() }, 0).await?;
        let Outcome::Documents(documents) = outcome else { return Ok(Vec::new()) };
        let opens = |name: &str, value: &[u8]| {
            value.starts_with(b"{") || self.access.unseal(&sealed_as(collection, name), value).is_ok()
        };
        let all = documents.into_iter().map(|(key, document)| (key.name, document.value));
        Ok(all.filter(|(name, value)| !opens(name, value)).map(|(name, _)| name).collect())
    }

    /// JSON begins with a brace, sealed bytes with their version.
    fn read<T: DeserializeOwned>(
        &self,
        collection: &'static str,
        name: &str,
        value: &[u8],
    ) -> Result<T, DocumentError> {
        let plain = if value.starts_with(b"{") {
            Cow::Borrowed(value)
        } else {
            let opened = self.access.unseal(&sealed_as(collection, name), value);
            Cow::Owned(opened.map_err(|error| DocumentError::Sealed {
                collection,
                name: name.to_owned(),
                error,
            })?)
        };
        serde_json::from_slice(&plain).map_err(|error| DocumentError::Format {
            collection,
            name: name.to_owned(),
            error,
        })
    }

    async fn call(&self, command: Command, size_bytes: usize) -> Result<Outcome, DocumentError> {
        match self.engine.call(command, Wait::Secs(0), size_bytes).await?.outcome {
            Outcome::Refused(refusal) => Err(DocumentError::Refused(refusal)),
            outcome => Ok(outcome),
        }
    }
}

fn key(collection: &'static str, name: &str) -> DocumentKey {
    DocumentKey { collection: collection.into(), name: name.into() }
}

/// What a document is sealed as, so that none can be put in the place of another.
fn sealed_as(collection: &str, name: &str) -> String {
    format!("document {collection}/{name}")
}
