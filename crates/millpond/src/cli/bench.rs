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
use crate::endpoint::{self, Endpoint};
use crate::failure::{DONE, Failure, Outcome};
use crate::note;

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
    #[arg(long, value_name = "URL", value_parser = endpoint::parse)]
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
        let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let found = Endpoint::find(self.endpoint.as_deref(), self.queue.as_deref())?;
        let Endpoint { url: endpoint, note, .. } = found.ok_or_else(endpoint::none_found)?;
        let keys = note
            .as_ref()
            .map_or(("test", "test"), |note| (note.access_key_id.as_str(), note.secret_access_key.as_str()));
        let credentials = Credentials {
            access_key_id: set("AWS_ACCESS_KEY_ID").unwrap_or_else(|| keys.0.to_owned()),
            secret_access_key: set("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| keys.1.to_owned()),
        };
        let region = set("AWS_REGION").or_else(|| note.as_ref().map(|note| note.region.clone()));
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let mut config = SendConfig::new(endpoint.parse()?, region, credentials);
        config.server_pid = note.map(|note| note.pid);
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
