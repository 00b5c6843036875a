//! What the binary adds to the queue service: stacks, their workloads, and the rows that have landed.
//!
//! Stacks and workloads are documents in the same log as the queues. The supervisor follows the workload documents;
//! a change is durable before it is carried out, so after any kill the next start goes on where this one was.

mod credentials;
mod deploy;
mod deployer;
mod documents;
mod effects;
mod example;
mod reach;
mod rows;
mod stacks;
mod workloads;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use millpond_engine::EngineHandle;
use millpond_server::access::Access;
use millpond_server::platform::{NameFuture, Platform, PlatformCall, PlatformFuture, PlatformReply};
use millpond_stack::driver::ProcessDriver;
use millpond_stack::supervise::{Policy, Shutdown, Supervisor, SupervisorError};
use millpond_stack::{Desired, StackState, WorkloadRecord};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::failure::Failure;
use crate::note::Note;
use crate::workload::launch;
pub(crate) use credentials::token as workload_token;
use documents::Documents;

/// A workload's output is kept up to this size; older output goes first.
const LOG_BYTES: u64 = 8 << 20;

/// Stacks and workloads of one service.
#[derive(Debug)]
pub(crate) struct Stacks {
    documents: Documents,
    supervisor: Supervisor,
    service: Note,
    data: PathBuf,
    /// One change at a time: each begins from what the one before has saved.
    changing: Mutex<()>,
}

/// Why a call was not carried out, as HTTP has it.
#[derive(Debug)]
pub(crate) struct Refused {
    status: u16,
    message: String,
}

impl Refused {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl From<SupervisorError> for Refused {
    fn from(error: SupervisorError) -> Self {
        let status = match error {
            SupervisorError::NoSuchWorkload { .. } => 404,
            SupervisorError::ShuttingDown => 503,
        };
        Self::new(status, error.to_string())
    }
}

type Answered = Result<Value, Refused>;

impl Stacks {
    /// Starts what the documents say should run, and adopts what runs already. `master_key_is_lost`: what can't be opened is
    /// given up; a stack then takes what is there under the names of its template for its own, when it is brought up again.
    pub(crate) async fn start(
        engine: EngineHandle,
        access: Arc<Access>,
        service: Note,
        master_key_is_lost: bool,
    ) -> Result<Self, Failure> {
        let documents = Documents::new(engine, access.clone());
        if master_key_is_lost {
            for workload in documents.unsealable("workload").await? {
                documents.remove("workload", &workload).await?;
            }
            for stack in documents.unsealable("stack").await? {
                let lost = StackState { lost: true, ..StackState::default() };
                documents.put("stack", &stack, &lost).await?;
            }
        }
        let records = documents.all::<WorkloadRecord>("workload").await?;
        let data = service.data.clone();
        let driver = ProcessDriver::open(&data, LOG_BYTES)
            .map_err(|error| Failure::while_doing("cannot look after workloads", &error))?;
        let program = std::env::current_exe()?;
        let for_launch = service.clone();
        let launch = move |record: &WorkloadRecord| launch(&program, record, &for_launch, &access);
        let records = records.into_iter().map(|(_, record)| record).collect();
        let supervisor = Supervisor::start(driver, launch, records, Policy::default())
            .await
            .map_err(|error| Failure::while_doing("cannot look after workloads", &error))?;
        Ok(Self { documents, supervisor, service, data, changing: Mutex::new(()) })
    }

    /// Stops all workloads. What should run is not changed by that.
    pub(crate) async fn stop_all(&self) {
        self.supervisor.shutdown(Shutdown::StopAll).await;
    }

    async fn answer(&self, call: &PlatformCall) -> Option<Answered> {
        let path: Vec<&str> = call.path.split('/').collect();
        Some(match (call.method.as_str(), &path[..]) {
            ("GET", ["workloads"]) => self.workloads().await,
            ("POST", ["workloads", name, "start"]) => self.set_desired(name, Desired::Running).await,
            ("POST", ["workloads", name, "stop"]) => self.set_desired(name, Desired::Stopped).await,
            ("GET", ["workloads", name, "credentials"]) => self.credentials(name, call).await,
            ("GET", ["stacks"]) => self.list_stacks().await,
            ("POST", ["stacks", name]) => match parse::<deploy::Deployment>(&call.body) {
                Ok(deployment) => self.deploy(name, deployment, call).await,
                Err(refused) => Err(refused),
            },
            ("DELETE", ["stacks", name]) => self.delete_stack(name, call).await,
            ("GET", ["rows", name]) => self.rows(name, &call.query).await,
            _ => return None,
        })
    }
}

fn parse<T: for<'a> Deserialize<'a>>(body: &Bytes) -> Result<T, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| Refused::new(400, format!("the body can't be read: {error}")))
}

impl Platform for Stacks {
    fn table_of<'a>(&'a self, name: &'a str) -> NameFuture<'a> {
        // Without an answer nothing is resolved here, and nothing will be read either.
        Box::pin(async move { self.table_named(name).await.unwrap_or_else(|_| name.to_owned()) })
    }

    fn call(&self, call: PlatformCall) -> PlatformFuture<'_> {
        Box::pin(async move {
            Some(match self.answer(&call).await? {
                Ok(body) => PlatformReply { status: 200, body },
                Err(refused) => {
                    PlatformReply { status: refused.status, body: json!({ "error": refused.message }) }
                }
            })
        })
    }
}
