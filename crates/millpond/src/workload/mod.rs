//! Workloads: how the supervisor starts one, and what the started process does.
//!
//! A workload is this same binary with the hidden subcommand `workload`. It gets its configuration in a private file, and
//! no key: its environment names where it asks for credentials of its role, with the token to do so, as that of a
//! container at Amazon does. No secret shows in a process list.

mod condition;
mod credentials;
mod form;
mod sink;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_config::identity::IdentityCache;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region};
use millpond_server::access::Access;
use millpond_stack::driver::{Condition, Launch, Session, workload_side};
use millpond_stack::{WorkloadKind, WorkloadProblem, WorkloadRecord, WorkloadSpec};
use rustix::fs::Mode;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};
use crate::keys;
use crate::log_lines::{self, Verbosity};
use crate::note::Note;
use crate::platform::workload_token;
use crate::stop::stop_on_signal;

use credentials::RoleCredentials;

pub(crate) use condition::{QUEUE_SERVICE_AWAY, ROLE_MAY_NOT};
pub(crate) use sink::finish as run_sink;

/// Everything that a workload needs to run.
#[derive(Serialize, Deserialize)]
struct Job {
    spec: WorkloadSpec,
    endpoint: String,
    region: String,
    data: PathBuf,
}

/// How to start a workload.
pub(crate) fn launch(program: &Path, record: &WorkloadRecord, service: &Note, access: &Access) -> Launch {
    let spec = &record.spec;
    let job = Job {
        spec: spec.clone(),
        endpoint: service.endpoint.clone(),
        region: service.region.clone(),
        data: service.data.clone(),
    };
    Launch {
        program: program.to_owned(),
        args: vec!["workload".into(), spec.kind.label().into(), spec.name.as_str().into()],
        environment: environment(service, spec, &workload_token(access, record)),
        configuration: serde_json::to_vec(&job).expect("a job is plain data"),
        session: Session::EnteredByProgram,
    }
}

/// A service with a certificate of its own is trusted by its workloads, as by every AWS client; its keys stay its own, and
/// a workload asks for those of its role.
fn environment(service: &Note, spec: &WorkloadSpec, token: &str) -> BTreeMap<String, String> {
    let bundle = service.ca_bundle.as_ref().map(|path| path.display().to_string());
    let trusted = bundle.map(|path| ("AWS_CA_BUNDLE".to_owned(), path));
    let credentials = credentials::environment(&service.endpoint, &spec.name, token);
    keys::withheld().into_iter().chain(trusted).chain(credentials).collect()
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
    // What it writes lies among the data of the service: tables of SQLite, how it fares.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
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
        let reason = failure.to_string();
        condition::tell(&Condition::Failed { reason: condition::denied(&reason).unwrap_or(reason) });
    }
    ended
}

impl Job {
    /// A client that calls as the workload's role, with the SDK's own retries.
    async fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(crate::service::http_client())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .endpoint_url(&self.endpoint)
            .region(Region::new(self.region.clone()))
            .identity_cache(IdentityCache::lazy().load_timeout(credentials::LOAD_TIMEOUT).build())
            .credentials_provider(RoleCredentials::new());
        aws_sdk_sqs::Client::new(&config.load().await)
    }
}
