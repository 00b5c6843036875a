//! The load generator as a small program, to measure without the `millpond` binary.
//!
//! ```text
//! bench_send send http://HOST:PORT [OPTION VALUE]…       load on an endpoint
//! bench_send ceiling http://HOST:PORT [OPTION VALUE]…    the same beside the ceiling, in pairs
//! bench_send ceiling-alone [OPTION VALUE]…               load on a ceiling, without any product
//! ```
//!
//! Options: `--seconds 10`, `--warm-up 2`, `--batch 1|10`, `--connections 64`, `--size 1024`, `--pairs 2`, `--pid PID`
//! (of the server), `--queue-url URL` (an existing queue), `--directory DIR` (where the ceiling writes),
//! `--output table|json`. It signs with the keys `test`/`test`.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use millpond_bench::{
    BatchSize, CeilingConfig, CeilingLaunch, Credentials, PairedConfig, QueueChoice, SendConfig,
    ceiling_child, send, send_beside_ceiling, terminal_progress,
};

const CEILING_CHILD: &str = "ceiling-child";

struct Options {
    send: SendConfig,
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
        ["send", endpoint, rest @ ..] => {
            let options = options(endpoint, rest)?;
            let report = send(&options.send, &mut progress)?;
            if options.json { report.json() } else { report.table() }
        }
        ["ceiling", endpoint, rest @ ..] => {
            let options = options(endpoint, rest)?;
            let ceiling = CeilingLaunch {
                program: std::env::current_exe()?,
                arguments: vec![CEILING_CHILD.into()],
                directory: options.directory.into(),
            };
            let config = PairedConfig { send: options.send, pairs: options.pairs, ceiling };
            let report = send_beside_ceiling(&config, &mut progress)?;
            if options.json { report.json() } else { report.table() }
        }
        ["ceiling-alone", rest @ ..] => {
            let mut options = options("http://127.0.0.1:1", rest)?;
            let (mut child, address) = start_ceiling(&options)?;
            options.send.endpoint = format!("http://{address}").parse()?;
            options.send.queue = QueueChoice::Url("http://127.0.0.1:4566/000000000000/bench".into());
            options.send.server_pid = Some(child.id());
            let report = send(&options.send, &mut progress);
            drop(child.stdin.take());
            child.wait()?;
            let report = report?;
            if options.json { report.json() } else { report.table() }
        }
        _ => {
            return Err(
                "usage: bench_send send|ceiling ENDPOINT, or ceiling-alone; options in the source".into()
            );
        }
    };
    Ok(writeln!(io::stdout(), "{}", text.trim_end())?)
}

fn options(endpoint: &str, words: &[&str]) -> Result<Options, Box<dyn Error>> {
    let keys = Credentials { access_key_id: "test".into(), secret_access_key: "test".into() };
    let mut send = SendConfig::new(endpoint.parse()?, "us-east-1".into(), keys);
    let mut pairs = NonZeroUsize::MIN.saturating_add(1);
    let (mut directory, mut json) = (".".to_owned(), false);
    for pair in words.chunks(2) {
        let [option, value] = pair else { return Err(format!("{} needs a value", pair[0]).into()) };
        match *option {
            "--seconds" => send.duration = Duration::from_secs_f64(value.parse()?),
            "--warm-up" => send.warm_up = Duration::from_secs_f64(value.parse()?),
            "--batch" => send.batch = if *value == "10" { BatchSize::Ten } else { BatchSize::One },
            "--connections" => send.connections = value.parse()?,
            "--size" => send.size_bytes = value.parse()?,
            "--pid" => send.server_pid = Some(value.parse()?),
            "--queue-url" => send.queue = QueueChoice::Url((*value).to_owned()),
            "--pairs" => pairs = value.parse()?,
            "--directory" => (*value).clone_into(&mut directory),
            "--output" => json = *value == "json",
            unknown => return Err(format!("unknown option {unknown}").into()),
        }
    }
    Ok(Options { send, pairs, directory, json })
}

/// A ceiling process of this same program, and the address that it prints.
fn start_ceiling(options: &Options) -> Result<(Child, String), Box<dyn Error>> {
    let config = CeilingConfig {
        directory: options.directory.clone().into(),
        segment_bytes: NonZeroU64::new(64 << 20).ok_or("a segment has bytes")?,
        segments: NonZeroU64::new(2).ok_or("there are segments")?,
        batch: options.send.batch,
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
