//! `millpond serve`: the queue service.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use millpond_core::command::Command;
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::outcome::Outcome as CoreOutcome;
use millpond_core::queue::{AttributePatch, Tags};
use millpond_engine::EngineHandle;
use millpond_engine::driver::Running;
use millpond_engine::step::{EngineConfig, Wait};
use millpond_server::platform::{Platform, QueuesOnly};
use millpond_server::{Limits, Listening, ServerConfig, bind};
use serde_json::json;
use tokio::sync::watch;

use super::quotas::QuotaOptions;
use super::{asked_to_stop, listen, remark, say};
use crate::data::{self, Found};
use crate::failure::{DONE, Failure, Outcome};
use crate::hold;
use crate::log_lines::{self, Verbosity};
use crate::note::{self, Left, Note};
use crate::platform::Stacks;

/// Run the queue service until interrupted.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond serve\n  millpond serve --listen 127.0.0.1:0 --ready-file ready.json\n  \
                        millpond serve --in-memory --create jobs --create orders.fifo\n  \
                        millpond serve --max-queue-messages 1000000 --max-account-bytes 20GiB"
)]
pub(crate) struct Serve {
    /// Where to listen; a loopback address. Port 0 takes any free port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4566", value_parser = listen::loopback)]
    listen: SocketAddr,
    /// Where queues and messages are kept.
    #[arg(long, value_name = "DIR", default_value = "./millpond-data")]
    data: PathBuf,
    /// Keep everything in memory; nothing survives a stop.
    #[arg(long, conflicts_with = "data")]
    in_memory: bool,
    /// The region of callers that name none.
    #[arg(long, default_value = "us-east-1", value_parser = parse_region)]
    region: Region,
    /// The account of callers that name none: 12 digits.
    #[arg(long, value_name = "DIGITS", default_value = "000000000000", value_parser = parse_account)]
    account_id: AccountId,
    /// A queue that is there once the service takes requests; one that exists stays as it is. Can be repeated. A name
    /// that ends in .fifo makes a FIFO queue.
    #[arg(long, value_name = "QUEUE", value_parser = parse_queue)]
    create: Vec<QueueName>,
    /// A file that is written once the service takes requests: a line of JSON with the endpoint.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
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

fn parse_account(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account id has 12 digits".to_owned())
}

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        log_lines::start(Verbosity::Warnings);
        raise_open_files();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Outcome {
        // The address first: a port that is taken is the likelier mistake, and the data directory stays untouched.
        let listening = bind(ServerConfig {
            listen: self.listen,
            account: self.account_id,
            region: self.region.clone(),
            limits: Limits::default(),
        })
        .await?;
        let config = EngineConfig { quotas: self.quotas.quotas(), ..EngineConfig::default() };
        let (running, found) =
            if self.in_memory { data::open_in_memory(config)? } else { data::open(&self.data, config)? };
        self.create_queues(&running.handle).await?;
        let note = self.note(&format!("http://{}", listening.address()), &found);
        let stacks = if self.in_memory {
            None
        } else {
            Some(Arc::new(Stacks::start(running.handle.clone(), note.clone()).await?))
        };
        let left = self.announce(&note, &found)?;
        if let Some(text) = hold::told_at_start(&running.handle).await {
            remark(&text);
        }
        let ended = run_until_stopped(listening, running, stacks).await;
        drop(left);
        if let Some(file) = &self.ready_file {
            // It says that the service is ready, which it is not any more; if it is gone already, all the better.
            let _ = fs::remove_file(file);
        }
        ended?;
        remark(if self.in_memory {
            "stopped; what was in memory is gone"
        } else {
            "stopped; everything acknowledged is on disk"
        });
        Ok(DONE)
    }

    async fn create_queues(&self, engine: &EngineHandle) -> Result<(), Failure> {
        for name in &self.create {
            let attributes =
                AttributePatch { fifo_queue: name.is_fifo().then_some(true), ..AttributePatch::default() };
            let key = QueueKey { account: self.account_id, region: self.region.clone(), name: name.clone() };
            let command = Command::CreateQueue { key, attributes: attributes.into(), tags: Tags::default() };
            let failed =
                |reason: &str| Failure::new(format!("the queue {name} could not be created: {reason}"));
            match engine.call(command, Wait::Secs(0), 0).await {
                Ok(answer) => {
                    if let CoreOutcome::Refused(refusal) = answer.outcome {
                        return Err(failed(&refusal.to_string()));
                    }
                }
                Err(error) => return Err(failed(&error.to_string())),
            }
        }
        Ok(())
    }

    fn note(&self, endpoint: &str, found: &Found) -> Note {
        Note {
            endpoint: endpoint.to_owned(),
            region: self.region.to_string(),
            account_id: self.account_id.to_string(),
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
            pid: std::process::id(),
            data: found.path.clone().unwrap_or_default(),
        }
    }

    /// Says where the service is, to people and to the commands of this user; to these until what it returns is dropped.
    fn announce(&self, note: &Note, found: &Found) -> Result<Option<Left>, Failure> {
        let endpoint = &note.endpoint;
        let left = note::leave(note).unwrap_or_else(|error| {
            remark(&format!(
                "client commands of this user need --endpoint {endpoint}: the note for them failed: {error}"
            ));
            None
        });
        if let Some(torn) = &found.torn {
            remark(&format!(
                "the last write before the stop was interrupted and never acknowledged; it was cut: {torn}"
            ));
        }
        say(&format!("queues   {endpoint}\ndata     {}\nconsole  {endpoint}/console/", found.describe()));
        if let Some(file) = &self.ready_file {
            let ready = json!({
                "endpoint": endpoint,
                "pid": note.pid,
                "data": note.data,
                "found": found.describe(),
            });
            write_whole(file, &format!("{ready}\n"))
                .map_err(|error| Failure::while_doing(&format!("cannot write {}", file.display()), &error))?;
        }
        Ok(left)
    }
}

/// A reader of the file finds all of it or nothing.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, text)?;
    fs::rename(&fresh, path)
}

/// Answers requests until a signal asks to stop, or the engine dies.
async fn run_until_stopped(
    listening: Listening,
    running: Running,
    stacks: Option<Arc<Stacks>>,
) -> Result<(), Failure> {
    let (stop, stopped) = watch::channel(false);
    let engine = running.handle.clone();
    let receipt_key = running.receipt_key;
    let platform: Arc<dyn Platform> = match &stacks {
        Some(stacks) => stacks.clone(),
        None => Arc::new(QueuesOnly),
    };
    let server = tokio::spawn(listening.serve(engine.clone(), receipt_key, platform, stopped));
    let mut ended = tokio::task::spawn_blocking(move || running.join());
    let died = tokio::select! {
        died = &mut ended => Some(died),
        () = asked_to_stop() => None,
    };
    if let Some(died) = died {
        return died?.map_err(Failure::from);
    }
    // Workloads first: they finish what they hold while the queues still answer.
    if let Some(stacks) = stacks {
        stacks.stop_all().await;
    }
    // No receiver is left when the server has ended by itself.
    let _ = stop.send(true);
    engine.stop();
    server.await?;
    drop(engine);
    ended.await??;
    Ok(())
}

/// Every connection takes a file; the usual limit of 1,024 is soon reached.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        tracing::warn!(limit = ?limit.current, "the limit of open files could not be raised");
    }
}
