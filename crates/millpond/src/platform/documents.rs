//! Stacks and workloads as documents in the log.

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::document::{DocumentKey, ExpectedRevision};
use millpond_core::outcome::Outcome;
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Refused;

/// Reads and writes documents; what is written is durable when the call returns.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    engine: EngineHandle,
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
    pub(super) fn new(engine: EngineHandle) -> Self {
        Self { engine }
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
            .map(|(key, document)| Ok((key.name.clone(), read(collection, &key.name, &document.value)?)))
            .collect()
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        collection: &'static str,
        name: &str,
    ) -> Result<Option<T>, DocumentError> {
        let outcome = self.call(Command::GetDocument { key: key(collection, name) }, 0).await?;
        let Outcome::Document(Some(document)) = outcome else { return Ok(None) };
        read(collection, name, &document.value).map(Some)
    }

    pub(super) async fn put<T: Serialize>(
        &self,
        collection: &'static str,
        name: &str,
        content: &T,
    ) -> Result<(), DocumentError> {
        let format = |error| DocumentError::Format { collection, name: name.to_owned(), error };
        let value = Bytes::from(serde_json::to_vec(content).map_err(format)?);
        let size_bytes = value.len();
        let command =
            Command::PutDocument { key: key(collection, name), expected: ExpectedRevision::Any, value };
        self.call(command, size_bytes).await.map(drop)
    }

    pub(super) async fn remove(&self, collection: &'static str, name: &str) -> Result<(), DocumentError> {
        let command = Command::RemoveDocument { key: key(collection, name), expected: ExpectedRevision::Any };
        self.call(command, 0).await.map(drop)
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

fn read<T: DeserializeOwned>(collection: &'static str, name: &str, value: &[u8]) -> Result<T, DocumentError> {
    serde_json::from_slice(value).map_err(|error| DocumentError::Format {
        collection,
        name: name.to_owned(),
        error,
    })
}
