//! `millpond bench`: load on an SQS endpoint, and what the machine itself could do.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use millpond_bench::{
    BatchSize, CeilingLaunch, Credentials, PairedConfig, QueueChoice, SendConfig, ceiling_child, send,
    send_beside_ceiling, terminal_progress,
};

use super::say;
use crate::api::Signer;
use crate::failure::{DONE, Failure, Outcome};
use crate::note;
use crate::service::Service;

/// Put load on an SQS endpoint and report rate, latency and processor time.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Send messages as fast as they are acknowledged.
    #[command(after_help = "Examples:\n  millpond bench send\n  millpond bench send --ceiling --pairs 4\n  \
                            millpond bench send --batch 10 --connections 16 --json")]
    Send(Send),
    /// The server without a queue that --ceiling measures beside.
    #[command(hide = true)]
    CeilingChild,
}

/// A load of sends.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The endpoint, http://HOST:PORT; by default AWS_ENDPOINT_URL, then the service this user has started.
    #[arg(long, value_name = "URL", value_parser = crate::endpoint::parse)]
    endpoint: Option<String>,
    /// An existing queue, by name or URL; by default a fresh one that is deleted in the end.
    #[arg(long, value_name = "NAME|URL")]
    queue: Option<String>,
    /// Connections, each with one request under way.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", default_value = "64")]
    connections: NonZeroUsize,
    /// Messages in a request: 1 or 10.
    #[arg(long, value_name = "MESSAGES", default_value = "1", value_parser = ["1", "10"])]
    batch: String,
    /// Bytes of each message.
    #[arg(allow_negative_numbers = true, long, value_name = "BYTES", default_value = "1024")]
    size: NonZeroUsize,
    /// Seconds to measure.
    #[arg(allow_negative_numbers = true, long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seconds of load before the measurement.
    #[arg(allow_negative_numbers = true, long, value_name = "SECONDS", default_value_t = 2)]
    warm_up: u64,
    /// Measure alternately against the ceiling: a bare server that writes and syncs the same bytes.
    #[arg(long)]
    ceiling: bool,
    /// Pairs of runs with --ceiling.
    #[arg(
        allow_negative_numbers = true,
        long,
        value_name = "COUNT",
        default_value = "2",
        requires = "ceiling"
    )]
    pairs: NonZeroUsize,
    /// Where the ceiling writes: a directory on the same disk as the service's data; by default that data's parent.
    #[arg(long, value_name = "DIR", requires = "ceiling")]
    directory: Option<PathBuf>,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Send(send) => send.run(),
            Self::CeilingChild => {
                ceiling_child()?;
                Ok(DONE)
            }
        }
    }
}

impl Send {
    fn run(self) -> Outcome {
        let mut progress = terminal_progress();
        let config = self.config()?;
        let text = if self.ceiling {
            let ceiling = CeilingLaunch {
                program: std::env::current_exe()?,
                arguments: vec!["bench".into(), "ceiling-child".into()],
                directory: self.directory()?,
            };
            let report = send_beside_ceiling(
                &PairedConfig { send: config, pairs: self.pairs, ceiling },
                &mut progress,
            )?;
            if self.json { report.json() } else { report.table() }
        } else {
            let report = send(&config, &mut progress)?;
            if self.json { report.json() } else { report.table() }
        };
        say(&text);
        Ok(DONE)
    }

    fn config(&self) -> Result<SendConfig, Failure> {
        let find = async {
            let service =
                Service::of_queue(self.endpoint.as_deref(), self.queue.as_deref().unwrap_or_default())
                    .await?;
            let signer = service.signer().await?;
            Ok::<_, Failure>((service, signer))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (service, Signer { credentials, region }) = runtime.block_on(find)?;
        if credentials.session_token().is_some() {
            return Err(Failure::new("the load is signed without a session token; use the key of a user"));
        }
        let credentials = Credentials {
            access_key_id: credentials.access_key_id().to_owned(),
            secret_access_key: credentials.secret_access_key().to_owned(),
        };
        let mut config = SendConfig::new(service.endpoint.parse()?, region, credentials);
        config.server_pid = service.note().map(|note| note.pid);
        config.connections = self.connections;
        config.batch = if self.batch == "10" { BatchSize::Ten } else { BatchSize::One };
        config.size_bytes = self.size;
        config.duration = Duration::from_secs(self.seconds);
        config.warm_up = Duration::from_secs(self.warm_up);
        config.queue = match &self.queue {
            None => QueueChoice::Fresh,
            Some(url) if url.contains("://") => QueueChoice::Url(url.clone()),
            Some(name) => QueueChoice::Named(name.clone()),
        };
        Ok(config)
    }

    fn directory(&self) -> Result<PathBuf, Failure> {
        if let Some(directory) = &self.directory {
            return Ok(directory.clone());
        }
        let beside_data = note::read().and_then(|note| note.data.parent().map(PathBuf::from));
        beside_data.map_or_else(|| Ok(std::env::current_dir()?), Ok)
    }
}
