//! `millpond serve`: the queue service.

mod settings;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use millpond_core::name::{AccountId, QueueName, Region};
use millpond_embed::{Declared, Fate, Service};
use millpond_server::Limits;
use millpond_server::access::Enforcement;
use millpond_server::audit::Target;
use millpond_server::platform::{Platform, QueuesOnly};
use serde_json::json;
use std::net::SocketAddr;

use super::access::AccessOptions;
use super::quotas::QuotaOptions;
use super::transport::{self, TransportOptions};
use super::{asked_to_stop, listen, remark, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::hold;
use crate::log_lines::{self, Verbosity};
use crate::note::{self, Left, Note};
use crate::platform::Stacks;
use crate::trust;
use settings::Configured;

/// Run the queue service until interrupted.
///
/// Settings come from the flags, then from the file: ./millpond.toml when it is there, or the one that --config names.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond serve\n  millpond serve --listen 127.0.0.1:0 --ready-file ready.json\n  \
                        millpond serve --in-memory --create jobs --create orders.fifo\n  \
                        millpond serve --max-queue-messages 1000000 --max-account-bytes 20GiB\n  \
                        millpond serve --config queues.toml --update-queues\n  \
                        millpond serve --tls self-signed\n  \
                        millpond serve --tls-cert cert.pem --tls-key key.pem --audit audit.log\n  \
                        millpond serve --in-memory --auth off\n\n\
                        Keys come from the variables MILLPOND_ROOT_ACCESS_KEY_ID, MILLPOND_ROOT_SECRET_ACCESS_KEY and \
                        MILLPOND_MASTER_KEY,\nelse from files in ~/.config/millpond that the first start makes."
)]
pub(crate) struct Serve {
    /// The file with settings and queues [default: ./millpond.toml, when it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen. Port 0 takes any free port [default: 127.0.0.1:4566].
    #[arg(long, value_name = "HOST:PORT", value_parser = listen::address)]
    listen: Option<SocketAddr>,
    /// Where queues and messages are kept [default: ./millpond-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep everything in memory; nothing survives a stop.
    #[arg(long, conflicts_with = "data")]
    in_memory: bool,
    /// The region of callers that name none [default: us-east-1].
    #[arg(long, value_parser = parse_region)]
    region: Option<Region>,
    /// The account of callers that name none: 12 digits [default: 000000000000].
    #[arg(long, value_name = "DIGITS", value_parser = super::account::parse_account)]
    account_id: Option<AccountId>,
    /// A queue that is there once the service takes requests; one that exists stays as it is. Can be repeated. A name
    /// that ends in .fifo makes a FIFO queue.
    #[arg(long, value_name = "QUEUE", value_parser = parse_queue)]
    create: Vec<QueueName>,
    /// Give queues of the file that exist the settings of the file; otherwise they stay as they are, and what differs is
    /// told.
    #[arg(long, value_name = "YES", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    update_queues: Option<bool>,
    /// Create a queue when it is called and does not exist: with default settings, as a FIFO queue when its name ends in
    /// .fifo.
    #[arg(long, value_name = "YES", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    auto_create: Option<bool>,
    /// Wait as Amazon SQS does: 60 seconds from the deletion of a queue to the next one of its name, and from purge to
    /// purge.
    #[arg(long, value_name = "YES", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    aws_pacing: Option<bool>,
    /// Let callers empty the service (millpond reset) and put its clock forward (millpond clock advance). For data of
    /// tests only, and only with --auth off; with --in-memory it is then on.
    #[arg(long, value_name = "YES", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    test_controls: Option<bool>,
    /// Start without the identities of the data, when the master key that they are sealed with is lost: users, roles,
    /// policies, keys and other accounts are taken away for good. Queues and messages stay.
    #[arg(long, conflicts_with = "in_memory")]
    forget_identities: bool,
    /// A file that is written once the service takes requests: a line of JSON with the endpoint.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    access: AccessOptions,
    #[command(flatten)]
    transport: TransportOptions,
    #[command(flatten)]
    quotas: QuotaOptions,
}

fn parse_queue(text: &str) -> Result<QueueName, String> {
    QueueName::parse(text).ok_or_else(|| {
        "a queue's name has 1 to 80 letters, digits, hyphens and underscores, and may end in .fifo".to_owned()
    })
}

fn parse_region(text: &str) -> Result<Region, String> {
    Region::parse(text).ok_or_else(|| "a region looks like us-east-1".to_owned())
}

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        log_lines::start(Verbosity::Warnings);
        raise_open_files();
        let configured = self.configured()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let ended = runtime.block_on(serve(configured));
        if ended.is_err() {
            // Threads that wait for a disk without an answer must not keep the process.
            runtime.shutdown_background();
        }
        ended
    }
}

async fn serve(configured: Configured) -> Outcome {
    let Configured { settings, ready_file, .. } = &configured;
    let in_memory = settings.data.is_none();
    let mut made = Vec::new();
    let keys = |has_identities| {
        let (access, fresh) = configured.keys(has_identities).map_err(|failure| failure.to_string())?;
        made = fresh;
        Ok(access)
    };
    let service = Service::start_keyed(settings.clone(), configured.identities, keys).await?;
    trust::own(service.ca_bundle().map(Path::to_owned));
    let note = note_of(&configured, &service);
    let stacks = if in_memory {
        None
    } else {
        let (engine, access) = (service.engine().clone(), service.access().clone());
        let is_lost = service.forgotten().is_some();
        Some(Arc::new(Stacks::start(engine, access, note.clone(), is_lost).await?))
    };
    let platform: Arc<dyn Platform> = match &stacks {
        Some(stacks) => stacks.clone(),
        None => Arc::new(QueuesOnly),
    };
    service.begin(platform);
    let asked = asked_to_stop();
    let left = announce(&configured, &note, &service, &made)?;
    if let Some(text) = hold::told_at_start(service.engine()).await {
        remark(&text);
    }
    let ended = service.run(workloads_first(asked, stacks)).await;
    drop(left);
    if let Some(file) = ready_file {
        // It says that the service is ready, which it is not any more; if it is gone already, all the better.
        let _ = fs::remove_file(file);
    }
    ended.map_err(|error| Failure::of_end(&error))?;
    remark(if in_memory {
        "stopped; what was in memory is gone"
    } else {
        "stopped; everything acknowledged is on disk"
    });
    Ok(DONE)
}

/// Workloads finish what they hold while the queues still answer.
async fn workloads_first(asked: impl Future<Output = ()>, stacks: Option<Arc<Stacks>>) {
    asked.await;
    if let Some(stacks) = stacks {
        stacks.stop_all().await;
    }
}

fn note_of(configured: &Configured, service: &Service) -> Note {
    let settings = &configured.settings;
    Note {
        endpoint: reachable(service.endpoint()),
        region: settings.region.to_string(),
        account_id: settings.account.to_string(),
        enforced: settings.access.enforcement == Enforcement::On,
        root_key: configured.root_key.file(),
        ca_bundle: service.ca_bundle().map(Path::to_owned),
        pid: std::process::id(),
        data: service.found().path.clone().unwrap_or_default(),
    }
}

/// Where it listens, with the port that it was given when any would do.
fn listening_at(service: &Service) -> Option<SocketAddr> {
    service.endpoint().rsplit("://").next()?.parse().ok()
}

/// The endpoint as this machine reaches it.
fn reachable(endpoint: &str) -> String {
    let parts = endpoint.split_once("://");
    let parts = parts.and_then(|(scheme, address)| Some((scheme, listen::reachable(address.parse().ok()?))));
    parts.map_or_else(|| endpoint.to_owned(), |(scheme, address)| format!("{scheme}://{address}"))
}

/// Says where the service is, to people and to the commands of this user; to these until what it returns is dropped.
fn announce(
    configured: &Configured,
    note: &Note,
    service: &Service,
    made: &[PathBuf],
) -> Result<Option<Left>, Failure> {
    let (endpoint, found) = (&note.endpoint, service.found());
    let left = note::leave(note)
        .inspect_err(|error| {
            remark(&format!(
                "client commands of this user need --endpoint {endpoint}: the note for them failed: {error}"
            ));
        })
        .ok();
    if let Some(torn) = &found.torn {
        remark(&format!(
            "the last write before the stop was interrupted and never acknowledged; it was cut: {torn}"
        ));
    }
    if let Some(others) = &found.others {
        remark(others);
    }
    let config = configured.described().map(|config| format!("\nconfig   {config}")).unwrap_or_default();
    let tell = told_to(configured);
    tell(&format!(
        "queues   {endpoint}{config}\ndata     {}\nconsole  {endpoint}/console/",
        found.describe()
    ));
    transport::tell(service, tell);
    if let Some(forgotten) = service.forgotten() {
        remark(&format!(
            "the identities of the data were given up: {forgotten}. Queues and messages are there as before; the root key \
             may do everything, nobody else may do anything.\n  `millpond up` makes anew what stacks had, `millpond account \
             create` the other accounts. Leave out --forget-identities from the next start on"
        ));
    }
    configured.warnings(made, listening_at(service)).iter().for_each(|warning| remark(warning));
    service.declared().iter().filter_map(difference).for_each(|difference| remark(&difference));
    if let Some(file) = &configured.ready_file {
        let ready = json!({
            "endpoint": endpoint,
            "pid": note.pid,
            "ca_bundle": note.ca_bundle,
            "config": configured.described(),
            "data": note.data,
            "found": found.describe(),
            "auth": if note.enforced { "on" } else { "off" },
        });
        write_whole(file, &format!("{ready}\n"))
            .map_err(|error| Failure::while_doing(&format!("cannot write {}", file.display()), &error))?;
    }
    Ok(left)
}

/// Where people are told: standard output, unless that holds the audit log.
fn told_to(configured: &Configured) -> fn(&str) {
    let audit = configured.settings.transport.audit.as_ref();
    if audit.is_some_and(|audit| audit.target == Target::StandardOutput) { remark } else { say }
}

/// A queue that was there and was not as declared, in words.
fn difference(declared: &Declared) -> Option<String> {
    let name = &declared.name;
    let (differences, ending) = match &declared.fate {
        Fate::Created | Fate::Found => return None,
        Fate::Kept(differences) => (differences, "it stays as it is; --update-queues changes it"),
        Fate::Updated(differences) => (differences, "it is as declared now"),
    };
    let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
    Some(format!("the queue {name} differs from the file: {}; {ending}", differences.join("; ")))
}

/// A reader of the file finds all of it or nothing.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, text)?;
    fs::rename(&fresh, path)
}

/// Every connection takes a file; the usual limit of 1,024 is soon reached. Where it can't be raised far enough that is
/// said, with how many connections fit.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let is_raised = limit.current == limit.maximum || setrlimit(Resource::Nofile, raised).is_ok();
    let allowed = if is_raised { limit.maximum } else { limit.current };
    let wanted = Limits::default().connections as u64 + FILES_BESIDE_CONNECTIONS;
    if let Some(allowed) = allowed.filter(|allowed| *allowed < wanted) {
        remark(&format!(
            "open files are limited to {allowed}, so about {} connections fit; for more, raise the limit (ulimit -n {wanted})",
            allowed.saturating_sub(FILES_BESIDE_CONNECTIONS)
        ));
    }
}

/// The log, the store, what the runtime has open, with room to spare.
const FILES_BESIDE_CONNECTIONS: u64 = 64;
