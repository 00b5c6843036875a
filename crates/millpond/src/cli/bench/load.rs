//! The loads of `millpond bench`: what they have in common, and what each adds.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use millpond_bench::{
    Arrivals, Batch, CeilingLaunch, Credentials, LoadConfig, PairedConfig, QueueChoice, Work, load,
    load_beside_ceiling, terminal_progress,
};

use crate::api::Signer;
use crate::cli::say;
use crate::failure::{DONE, Failure, Outcome};
use crate::note;
use crate::service::Service;

/// A load of sends.
#[derive(Debug, Args)]
pub(crate) struct Send {
    #[command(flatten)]
    load: Load,
}

/// A load of receives and deletes.
#[derive(Debug, Args)]
pub(crate) struct Receive {
    #[command(flatten)]
    load: Load,
    /// Messages that are sent before each run, and not measured; by default 200,000 to fresh queues and none to others.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT")]
    messages: Option<u64>,
}

/// A load of round trips.
#[derive(Debug, Args)]
pub(crate) struct RoundTrip {
    #[command(flatten)]
    load: Load,
}

/// A load of round trips through FIFO queues.
#[derive(Debug, Args)]
pub(crate) struct Fifo {
    #[command(flatten)]
    load: Load,
    /// Message groups of each queue; messages take them in turn.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", default_value = "1000")]
    groups: NonZeroU64,
}

/// What all loads have in common.
#[derive(Debug, Args)]
struct Load {
    /// The endpoint, http://HOST:PORT; by default AWS_ENDPOINT_URL, then the service this user has started.
    #[arg(long, value_name = "URL", value_parser = crate::endpoint::parse)]
    endpoint: Option<String>,
    /// An existing queue, by name or URL; by default fresh ones that are deleted in the end.
    #[arg(long, value_name = "NAME|URL", conflicts_with = "queues")]
    queue: Option<String>,
    /// Fresh queues, taken in turn.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", default_value = "1")]
    queues: NonZeroUsize,
    /// Connections, each with one request under way.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", default_value = "64")]
    connections: NonZeroUsize,
    /// Messages in a request: 1 to 10.
    #[arg(allow_negative_numbers = true, long, value_name = "MESSAGES", default_value = "1", value_parser = batch)]
    batch: Batch,
    /// Bytes of each message.
    #[arg(allow_negative_numbers = true, long, value_name = "BYTES", default_value = "1024")]
    size: NonZeroUsize,
    /// Begin so many operations a second, whether earlier ones have ended or not; N% is a share of the maximum, measured
    /// before (of the ceiling's with --ceiling). By default each connection begins when it is free.
    #[arg(allow_negative_numbers = true, long, value_name = "PER_SECOND|N%", value_parser = arrivals)]
    rate: Option<Arrivals>,
    /// Seconds to measure.
    #[arg(allow_negative_numbers = true, long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seconds of load before the measurement.
    #[arg(allow_negative_numbers = true, long, value_name = "SECONDS", default_value_t = 2)]
    warm_up: u64,
    /// Also keep figures for each part of the measurement that is so many seconds long.
    #[arg(allow_negative_numbers = true, long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    interval: Option<u64>,
    /// The server's process, to report its processor time; by default that of the service this user has started.
    #[arg(allow_negative_numbers = true, long, value_name = "PID")]
    pid: Option<u32>,
    /// Keep this program on the last core and the server (with --ceiling also the ceiling) on the others, while it runs.
    #[arg(long)]
    pin: bool,
    /// Measure alternately against the ceiling: a bare server that writes and syncs as many bytes.
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
    /// Write all latencies to a file, as CSV with a row for each that was seen.
    #[arg(long, value_name = "FILE")]
    histogram: Option<PathBuf>,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Send {
    pub(crate) fn run(self) -> Outcome {
        self.load.run(Work::Send)
    }
}

impl Receive {
    pub(crate) fn run(self) -> Outcome {
        const MESSAGES_DEFAULT: u64 = 200_000;
        let default = if self.load.queue.is_none() { MESSAGES_DEFAULT } else { 0 };
        self.load.run(Work::Receive { messages: self.messages.unwrap_or(default) })
    }
}

impl RoundTrip {
    pub(crate) fn run(self) -> Outcome {
        self.load.run(Work::RoundTrip)
    }
}

impl Fifo {
    pub(crate) fn run(self) -> Outcome {
        self.load.run(Work::Fifo { groups: self.groups })
    }
}

impl Load {
    fn run(self, work: Work) -> Outcome {
        let mut progress = terminal_progress();
        let config = self.config(work)?;
        let (text, histogram, void) = if self.ceiling {
            let ceiling = CeilingLaunch {
                program: std::env::current_exe()?,
                arguments: vec!["bench".into(), "ceiling-child".into()],
                directory: self.directory()?,
            };
            let paired = PairedConfig { load: config, pairs: self.pairs, ceiling };
            let report = load_beside_ceiling(&paired, &mut progress)?;
            (if self.json { report.json() } else { report.table() }, report.histogram(), report.void())
        } else {
            let report = load(&config, &mut progress)?;
            (if self.json { report.json() } else { report.table() }, report.histogram(), report.void())
        };
        say(&text);
        if let Some(path) = &self.histogram {
            write(path, &histogram)?;
        }
        void.map_or(Ok(DONE), |why| Err(Failure::new(why)))
    }

    fn config(&self, work: Work) -> Result<LoadConfig, Failure> {
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
        let server_pid = self.pid.or_else(|| service.note().map(|note| note.pid));
        if self.pin && server_pid.is_none() {
            return Err(Failure::usage("which process is the server's is not known; give its id with --pid"));
        }
        let config = LoadConfig::new(service.endpoint.parse()?, region, credentials);
        Ok(LoadConfig {
            work,
            arrivals: self.rate.unwrap_or(Arrivals::Closed),
            queue: match &self.queue {
                None => QueueChoice::Fresh(self.queues),
                Some(url) if url.contains("://") => QueueChoice::Url(url.clone()),
                Some(name) => QueueChoice::Named(name.clone()),
            },
            connections: self.connections,
            batch: self.batch,
            size_bytes: self.size,
            duration: Duration::from_secs(self.seconds),
            warm_up: Duration::from_secs(self.warm_up),
            interval: self.interval.map(Duration::from_secs),
            server_pid,
            pinned: self.pin,
            ..config
        })
    }

    fn directory(&self) -> Result<PathBuf, Failure> {
        if let Some(directory) = &self.directory {
            return Ok(directory.clone());
        }
        let beside_data = note::read().and_then(|note| note.data.parent().map(PathBuf::from));
        beside_data.map_or_else(|| Ok(std::env::current_dir()?), Ok)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| {
        Failure::while_doing(&format!("the latencies could not be written to {}", path.display()), &error)
    };
    std::fs::write(path, text).map_err(failed)
}

fn batch(text: &str) -> Result<Batch, String> {
    text.parse().ok().and_then(Batch::new).ok_or_else(|| "1 to 10 messages fit in a request".to_owned())
}

fn arrivals(text: &str) -> Result<Arrivals, String> {
    let wrong =
        || "a rate is a number of operations a second such as 5000, or a share such as 50%".to_owned();
    let (number, is_share) = text.strip_suffix('%').map_or((text, false), |number| (number, true));
    let number: f64 = number.parse().map_err(|_| wrong())?;
    match (number.is_finite() && number > 0.0, is_share) {
        (false, _) => Err(wrong()),
        (true, true) => Ok(Arrivals::ShareOfMaximum(number / 100.0)),
        (true, false) => Ok(Arrivals::PerSec(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, Batch, arrivals, batch};

    #[test]
    fn a_rate_is_a_number_or_a_share() {
        assert_eq!(arrivals("5000"), Ok(Arrivals::PerSec(5000.0)));
        assert_eq!(arrivals("0.5"), Ok(Arrivals::PerSec(0.5)));
        assert_eq!(arrivals("70%"), Ok(Arrivals::ShareOfMaximum(0.7)));
        for wrong in ["", "%", "0", "-1", "0%", "inf", "nan", "5000/s", "fast"] {
            assert!(arrivals(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_batch_has_1_to_10_messages() {
        assert_eq!(batch("10"), Ok(Batch::TEN));
        for wrong in ["", "0", "11", "-1", "ten"] {
            assert!(batch(wrong).is_err(), "{wrong}");
        }
    }
}
