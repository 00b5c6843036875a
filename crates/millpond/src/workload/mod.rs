//! Workloads: how the supervisor starts one, and what the started process does.
//!
//! A workload is this same binary with the hidden subcommand `workload`. It gets its configuration, keys included, in
//! a private file, so that no secret shows in a process list.

mod condition;
mod form;
mod sink;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_config::{BehaviorVersion, Region};
use millpond_stack::driver::{Condition, Launch, Session, workload_side};
use millpond_stack::{WorkloadKind, WorkloadProblem, WorkloadSpec};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};
use crate::keys;
use crate::log_lines::{self, Verbosity};
use crate::note::Note;
use crate::stop::stop_on_signal;

pub(crate) use condition::QUEUE_SERVICE_AWAY;
pub(crate) use sink::finish as run_sink;

/// Everything that a workload needs to run.
#[derive(Serialize, Deserialize)]
struct Job {
    spec: WorkloadSpec,
    endpoint: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
    data: PathBuf,
}

/// How to start a workload.
pub(crate) fn launch(program: &Path, spec: &WorkloadSpec, service: &Note) -> Launch {
    let job = Job {
        spec: spec.clone(),
        endpoint: service.endpoint.clone(),
        region: service.region.clone(),
        access_key_id: "test".to_owned(),
        secret_access_key: "test".to_owned(),
        data: service.data.clone(),
    };
    Launch {
        program: program.to_owned(),
        args: vec!["workload".into(), spec.kind.label().into(), spec.name.as_str().into()],
        environment: environment(service),
        configuration: serde_json::to_vec(&job).expect("a job is plain data"),
        session: Session::EnteredByProgram,
    }
}

/// A service with a certificate of its own is trusted by its workloads, as by every AWS client; its keys stay its own.
fn environment(service: &Note) -> BTreeMap<String, String> {
    let bundle = service.ca_bundle.as_ref().map(|path| path.display().to_string());
    let trusted = bundle.map(|path| ("AWS_CA_BUNDLE".to_owned(), path));
    keys::withheld().into_iter().chain(trusted).collect()
}

/// What the programs that run as workloads say to a specification.
pub(crate) fn check_workload(spec: &WorkloadSpec) -> Result<(), WorkloadProblem> {
    match &spec.kind {
        WorkloadKind::Form(form) => form::config(form).map(drop),
        WorkloadKind::Sink(sink) => sink::config(sink, Path::new("/")).map(drop),
    }
}

/// Runs the workload that this process was started as.
pub(crate) fn run() -> Outcome {
    if !workload_side::is_workload() {
        return Err(Failure::new(
            "this subcommand is for the supervisor; see `millpond form` and `millpond sink`",
        ));
    }
    workload_side::enter_own_session()?;
    let job: Job = serde_json::from_slice(&workload_side::configuration()?)?;
    log_lines::start(Verbosity::Work);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        let stop = stop_on_signal();
        match &job.spec.kind {
            WorkloadKind::Form(form) => form::run(form, &job, stop).await,
            WorkloadKind::Sink(sink) => sink::run(sink, &job, stop).await,
        }
    });
    if let Err(failure) = &ended {
        condition::tell(&Condition::Failed { reason: failure.to_string() });
    }
    ended
}

impl Job {
    async fn sqs(&self) -> aws_sdk_sqs::Client {
        let endpoint = millpond_sink::Endpoint {
            url: Some(self.endpoint.clone()),
            region: Some(self.region.clone()),
            keys: Some(self.keys()),
        };
        millpond_sink::connect(endpoint).await
    }

    /// As [`Job::sqs`], with the SDK's own retries: for a caller that has no loop of its own.
    async fn sqs_with_retries(&self) -> aws_sdk_sqs::Client {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(crate::service::http_client())
            .endpoint_url(&self.endpoint)
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.keys());
        aws_sdk_sqs::Client::new(&config.load().await)
    }

    fn keys(&self) -> millpond_sink::Keys {
        millpond_sink::Keys::new(&self.access_key_id, &self.secret_access_key, None, None, "millpond serve")
    }
}
