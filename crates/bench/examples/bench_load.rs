//! The load generator as a small program, to measure without the `millpond` binary.
//!
//! ```text
//! bench_load one http://HOST:PORT [OPTION VALUE]…       load on an endpoint
//! bench_load ceiling http://HOST:PORT [OPTION VALUE]…    the same beside the ceiling, in pairs
//! bench_load ceiling-alone [OPTION VALUE]…               load on a ceiling, without any product
//! ```
//!
//! Options: `--work send|receive|round-trip`, `--seconds 10`, `--warm-up 2`, `--batch 1` to `10`, `--connections 64`, `--size 1024`, `--pairs 2`, `--pid PID`
//! (of the server), `--queue-url URL` (an existing queue), `--directory DIR` (where the ceiling writes),
//! `--output table|json`. It signs with the keys `test`/`test`.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use millpond_bench::{
    Batch, CeilingConfig, CeilingLaunch, CeilingLoad, Credentials, LoadConfig, PairedConfig, QueueChoice,
    Work, ceiling_child, load, load_beside_ceiling, terminal_progress,
};

const CEILING_CHILD: &str = "ceiling-child";

struct Options {
    load: LoadConfig,
    pairs: NonZeroUsize,
    directory: String,
    json: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut progress = terminal_progress();
    let text = match words.as_slice() {
        [CEILING_CHILD] => return Ok(ceiling_child()?),
        ["one", endpoint, rest @ ..] => {
            let options = options(endpoint, rest)?;
            let report = load(&options.load, &mut progress)?;
            if options.json { report.json() } else { report.table() }
        }
        ["ceiling", endpoint, rest @ ..] => {
            let options = options(endpoint, rest)?;
            let ceiling = CeilingLaunch {
                program: std::env::current_exe()?,
                arguments: vec![CEILING_CHILD.into()],
                directory: options.directory.into(),
            };
            let config = PairedConfig { load: options.load, pairs: options.pairs, ceiling };
            let report = load_beside_ceiling(&config, &mut progress)?;
            if options.json { report.json() } else { report.table() }
        }
        ["ceiling-alone", rest @ ..] => {
            let mut options = options("http://127.0.0.1:1", rest)?;
            let (mut child, address) = start_ceiling(&options)?;
            options.load.endpoint = format!("http://{address}").parse()?;
            options.load.queue = QueueChoice::Url("http://127.0.0.1:4566/000000000000/bench".into());
            options.load.server_pid = Some(child.id());
            let report = load(&options.load, &mut progress);
            drop(child.stdin.take());
            child.wait()?;
            let report = report?;
            if options.json { report.json() } else { report.table() }
        }
        _ => {
            return Err(
                "usage: bench_load one|ceiling ENDPOINT, or ceiling-alone; options in the source".into()
            );
        }
    };
    Ok(writeln!(io::stdout(), "{}", text.trim_end())?)
}

fn options(endpoint: &str, words: &[&str]) -> Result<Options, Box<dyn Error>> {
    let keys = Credentials { access_key_id: "test".into(), secret_access_key: "test".into() };
    let mut load = LoadConfig::new(endpoint.parse()?, "us-east-1".into(), keys);
    let mut pairs = NonZeroUsize::MIN.saturating_add(1);
    let (mut directory, mut json) = (".".to_owned(), false);
    for pair in words.chunks(2) {
        let [option, value] = pair else { return Err(format!("{} needs a value", pair[0]).into()) };
        match *option {
            "--seconds" => load.duration = Duration::from_secs_f64(value.parse()?),
            "--warm-up" => load.warm_up = Duration::from_secs_f64(value.parse()?),
            "--batch" => load.batch = Batch::new(value.parse()?).ok_or("a batch has 1 to 10 messages")?,
            "--connections" => load.connections = value.parse()?,
            "--size" => load.size_bytes = value.parse()?,
            "--work" => {
                load.work = match *value {
                    "send" => Work::Send,
                    "round-trip" => Work::RoundTrip,
                    "receive" => Work::Receive { messages: 0 },
                    unknown => return Err(format!("unknown work {unknown}").into()),
                };
            }
            "--pid" => load.server_pid = Some(value.parse()?),
            "--queue-url" => load.queue = QueueChoice::Url((*value).to_owned()),
            "--pairs" => pairs = value.parse()?,
            "--directory" => (*value).clone_into(&mut directory),
            "--output" => json = *value == "json",
            unknown => return Err(format!("unknown option {unknown}").into()),
        }
    }
    Ok(Options { load, pairs, directory, json })
}

/// A ceiling process of this same program, and the address that it prints.
fn start_ceiling(options: &Options) -> Result<(Child, String), Box<dyn Error>> {
    let config = CeilingConfig {
        directory: options.directory.clone().into(),
        segment_bytes: NonZeroU64::new(64 << 20).ok_or("a segment has bytes")?,
        segments: NonZeroU64::new(2).ok_or("there are segments")?,
        load: CeilingLoad {
            batch: options.load.batch,
            size_bytes: options.load.size_bytes.get(),
            fifo: false,
        },
    };
    let mut child = Command::new(std::env::current_exe()?)
        .arg(CEILING_CHILD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let input = child.stdin.as_mut().ok_or("the child has an input")?;
    writeln!(input, "{}", serde_json::to_string(&config)?)?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("the child has an output")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening ").ok_or("the ceiling did not start")?;
    Ok((child, address.to_owned()))
}
