//! The ceiling's process, from both sides: its parent starts and stops it, the child serves.
//!
//! The parent writes the configuration as one line of JSON to the child's standard input and keeps it open; the child
//! writes `listening ADDRESS` when it serves and ends, removing its files, when its input ends. So it can't outlive its
//! parent, however that dies.

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{CeilingConfig, CeilingError, CeilingLoad, ceiling_serve};
use crate::config::LoadConfig;

const LISTENING: &str = "listening ";

/// Filling the segments takes part of a second; a loaded disk is given a minute.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How the ceiling's process is started: a program that calls [`ceiling_child`] when given `arguments`.
#[derive(Debug, Clone)]
pub struct CeilingLaunch {
    /// The program, as a rule this one.
    pub program: PathBuf,
    /// Its arguments, such as the name of a hidden subcommand.
    pub arguments: Vec<OsString>,
    /// Where the ceiling writes: a directory on the disk that the product writes to.
    pub directory: PathBuf,
}

/// A running ceiling. Dropped, it ends by itself and removes its files; [`CeilingProcess::stop`] also waits for that.
pub(crate) struct CeilingProcess {
    child: Child,
    input: ChildStdin,
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
}

impl CeilingProcess {
    pub(crate) async fn start(launch: &CeilingLaunch, load: &LoadConfig) -> Result<Self, CeilingError> {
        let config = CeilingConfig {
            directory: launch.directory.clone(),
            segment_bytes: NonZeroU64::MIN.saturating_add((64 << 20) - 1),
            segments: NonZeroU64::MIN.saturating_add(1),
            load: CeilingLoad {
                batch: load.batch,
                size_bytes: load.size_bytes.get(),
                fifo: load.work.is_fifo(),
            },
        };
        let starting = async {
            let mut child = Command::new(&launch.program)
                .args(&launch.arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let pid = child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
            let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                return Err(io::Error::other("its pipes are missing"));
            };
            input.write_all(format!("{}\n", serde_json::to_string(&config)?).as_bytes()).await?;
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).await?;
            let address = line.strip_prefix(LISTENING).and_then(|address| address.trim().parse().ok());
            let address = address.ok_or_else(|| io::Error::other("it ended without serving"))?;
            Ok(CeilingProcess { child, input, address, pid })
        };
        match timeout(START_TIMEOUT, starting).await {
            Ok(started) => started.map_err(CeilingError::Start),
            Err(_) => Err(CeilingError::Start(io::ErrorKind::TimedOut.into())),
        }
    }

    /// Ends the process and waits for it, so that its files are gone.
    pub(crate) async fn stop(mut self) -> Result<(), CeilingError> {
        drop(self.input);
        match timeout(STOP_TIMEOUT, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => {
                Err(CeilingError::Serve(io::Error::other(format!("its process ended with {status}"))))
            }
            Ok(Err(error)) => Err(CeilingError::Serve(error)),
            Err(_) => {
                // It may have ended just now; then there is nothing left to kill.
                let _ended = self.child.kill().await;
                Err(CeilingError::Serve(io::Error::other("its process did not stop and was killed")))
            }
        }
    }
}

/// The whole of the ceiling's process: reads a [`CeilingConfig`] as one line of JSON from standard input, serves, and
/// returns when standard input ends or on SIGINT or SIGTERM.
///
/// Blocks its thread on a runtime of its own; it must not be called from within one.
pub fn ceiling_child() -> Result<(), CeilingError> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(CeilingError::Start)?;
    let config: CeilingConfig =
        serde_json::from_str(&line).map_err(|error| CeilingError::Start(error.into()))?;
    let (parent_gone, input_ended) = oneshot::channel();
    thread::Builder::new()
        .name("ceiling-parent".into())
        .spawn(move || {
            // An error says what an end says: no parent is at the other side.
            let _end = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _stopped = parent_gone.send(());
        })
        .map_err(CeilingError::Serve)?;
    let announce = |address: SocketAddr| {
        // A parent that is gone is noticed at the end of the input.
        let _gone = writeln!(io::stdout(), "{LISTENING}{address}").and_then(|()| io::stdout().flush());
    };
    ceiling_serve(&config, announce, async {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        tokio::select! {
            _ = input_ended => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
