//! The identities: read at the start, changed one call at a time.
//!
//! What always holds: a change counts only when it is durable, and from then on for every request; a change that fails
//! on its way leaves everything as it was; a caller that goes away does not stop a change half-way.

use std::sync::{Arc, PoisonError, RwLock};

use millpond_core::command::Command;
use millpond_core::document::{Document, DocumentKey, DocumentWrite, ExpectedRevision};
use millpond_core::name::AccountId;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;
use millpond_iam::identity::record::MASTER_KEY_CHECK;
use millpond_iam::identity::{Change, Fresh, Identities, Unreadable};
use tokio::sync::Mutex;

use super::config::{AccessConfig, LoadError};
use super::forgotten::Forgotten;
use super::moment::Moment;
use crate::entropy;

/// The collection of documents that identities are kept in.
const COLLECTION: &str = "identity";

/// Why a change did not come about.
#[derive(Debug)]
pub(super) enum NotChanged<E> {
    /// It was decided so.
    Refused(E),
    /// It could not be written.
    Engine(CallError),
    /// It was written and can't be read, or could not be kept: a mistake of this program.
    Broken(String),
}

/// The identities.
#[derive(Debug)]
pub(super) struct People {
    engine: EngineHandle,
    config: Arc<AccessConfig>,
    now: RwLock<Arc<Moment>>,
    changing: Mutex<()>,
}

impl People {
    /// Reads them, and writes down what tells a wrong master key when that is not there.
    pub(super) async fn load(
        engine: EngineHandle,
        account: AccountId,
        config: Arc<AccessConfig>,
        now_secs: u64,
    ) -> Result<Self, LoadError> {
        let mut identities = Identities::new(account);
        let mut documents = listed(&engine).await?;
        // A wrong master key is told in plain words, before it shows in a secret that can't be opened.
        documents.sort_by_key(|(key, _)| key.name != MASTER_KEY_CHECK);
        for (DocumentKey { name, .. }, document) in documents {
            let is_check = name == MASTER_KEY_CHECK;
            let change = Change::Put { name, value: document.value };
            identities.evolve(&change, &config.master).map_err(|unreadable| {
                if is_check { LoadError::OtherMasterKey } else { LoadError::Unreadable(unreadable) }
            })?;
        }
        let mut fresh = Fresh { now_secs, entropy: &mut entropy::draw, master: &config.master };
        if let Some(check) = identities.check_to_write(&mut fresh) {
            if let Some(refusal) = write(&engine, std::slice::from_ref(&check)).await? {
                return Err(refusal.into());
            }
            identities.evolve(&check, &config.master)?;
        }
        let now = RwLock::new(Arc::new(Moment::new(0, identities)));
        Ok(Self { engine, config, now, changing: Mutex::new(()) })
    }

    /// The identities as they are now.
    pub(super) fn now(&self) -> Arc<Moment> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Decides on the identities as they are, writes down what was decided, and only then lets it count. No other change
    /// comes between.
    pub(super) async fn change<T, E>(
        self: Arc<Self>,
        decide: impl FnOnce(&Moment) -> Result<(Vec<Change>, T), E> + Send + 'static,
    ) -> Result<T, NotChanged<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        // In a task of its own: whoever asked may go away in between, and the change must count all the same.
        let task = tokio::spawn(async move {
            let _alone = self.changing.lock().await;
            let moment = self.now();
            let (changes, reply) = decide(&moment).map_err(NotChanged::Refused)?;
            if changes.is_empty() {
                return Ok(reply);
            }
            let mut identities = moment.identities.clone();
            let evolve = |change| identities.evolve(change, &self.config.master);
            let evolved: Result<(), Unreadable> = changes.iter().try_for_each(evolve);
            evolved.map_err(|error| NotChanged::Broken(error.to_string()))?;
            match write(&self.engine, &changes).await {
                Ok(None) => {}
                Ok(Some(refusal)) => return Err(NotChanged::Broken(refusal.to_string())),
                Err(error) => return Err(NotChanged::Engine(error)),
            }
            let next = Arc::new(Moment::new(moment.number + 1, identities));
            *self.now.write().unwrap_or_else(PoisonError::into_inner) = next;
            Ok(reply)
        });
        task.await.unwrap_or_else(|error| Err(NotChanged::Broken(error.to_string())))
    }
}

/// The records as they are kept.
pub(super) async fn listed(engine: &EngineHandle) -> Result<Vec<(DocumentKey, Document)>, CallError> {
    let list = Command::ListDocuments { collection: COLLECTION.to_owned() };
    match engine.call(list, Wait::Secs(0), 0).await?.outcome {
        Outcome::Documents(documents) => Ok(documents),
        _ => Err(CallError::Stopped),
    }
}

/// Takes all records away at once.
pub(super) async fn forget(engine: &EngineHandle) -> Result<Forgotten, LoadError> {
    let names: Vec<String> = listed(engine).await?.into_iter().map(|(key, _)| key.name).collect();
    let forgotten = Forgotten::of(names.iter().map(String::as_str));
    let removals: Vec<Change> = names.into_iter().map(|name| Change::Remove { name }).collect();
    match write(engine, &removals).await? {
        Some(refusal) => Err(refusal.into()),
        None => Ok(forgotten),
    }
}

/// Writes changes down, all or none; they are durable when this returns.
async fn write(engine: &EngineHandle, changes: &[Change]) -> Result<Option<Refusal>, CallError> {
    let writes = changes.iter().map(|change| {
        let (name, value) = match change {
            Change::Put { name, value } => (name, Some(value.clone())),
            Change::Remove { name } => (name, None),
        };
        let key = DocumentKey { collection: COLLECTION.to_owned(), name: name.clone() };
        DocumentWrite { key, expected: ExpectedRevision::Any, value }
    });
    let writes: Vec<DocumentWrite> = writes.collect();
    let size_bytes = writes.iter().filter_map(|write| write.value.as_ref()).map(|value| value.len()).sum();
    let answer = engine.call(Command::WriteDocuments { writes }, Wait::Secs(0), size_bytes).await?;
    Ok(match answer.outcome {
        Outcome::Refused(refusal) => Some(refusal),
        _ => None,
    })
}

#[cfg(test)]
pub(super) mod tests;
