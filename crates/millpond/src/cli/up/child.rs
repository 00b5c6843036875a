//! The `serve` process that `up` has started.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::{Child, Command};

use super::secrets;
use crate::cli::access::AccessOptions;
use crate::failure::Failure;
use crate::note::{self, Note};

/// How long a service may take to recover its data and answer.
const READY: Duration = Duration::from_secs(120);
/// How long a service may take to stop its workloads and itself.
const STOP: Duration = Duration::from_secs(60);

/// Where a service that was started here says so, in its data directory: one that stays behind is replaced by the next.
const READY_FILE: &str = "run/up.ready";

/// What a service says when it is ready.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Ready {
    /// Where it is.
    pub(super) endpoint: String,
    /// What was found in its data.
    pub(super) found: String,
    /// The process, as far as it is known.
    pub(super) pid: Option<u32>,
    /// Whether callers are identified, as it said when it was started here.
    #[serde(default)]
    pub(super) auth: String,
    /// The file of settings that it has read, and what is unlike the default.
    #[serde(default)]
    pub(super) config: Option<String>,
    /// The certificate that it has made itself.
    #[serde(default)]
    pub(super) ca_bundle: Option<PathBuf>,
}

impl Ready {
    /// A service that was there before, with its note if this user has one.
    pub(super) fn of_running(endpoint: String, note: Option<Note>) -> Self {
        let found = note
            .as_ref()
            .map_or_else(|| "of the running service".to_owned(), |note| note.data.display().to_string());
        Self {
            endpoint,
            found,
            pid: note.map(|note| note.pid),
            auth: String::new(),
            config: None,
            ca_bundle: None,
        }
    }

    /// The note of a service that was started here, or what it would say if it could be left.
    pub(super) fn note(&self) -> Note {
        note::at(&self.endpoint).unwrap_or_else(|| Note {
            endpoint: self.endpoint.clone(),
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            enforced: self.auth != "off",
            root_key: None,
            ca_bundle: self.ca_bundle.clone(),
            pid: self.pid.unwrap_or_default(),
            data: PathBuf::new(),
        })
    }

    /// Host and port.
    pub(super) fn address(&self) -> Result<SocketAddr, Failure> {
        let address = self.endpoint.rsplit("://").next().unwrap_or_default();
        address.parse().map_err(|_| Failure::new(format!("{} is no address with a port", self.endpoint)))
    }
}

/// A running `serve`.
#[derive(Debug)]
pub(super) struct ServeChild {
    child: Child,
}

impl ServeChild {
    /// Starts `serve` and waits until it is ready.
    pub(super) async fn start(
        listen: SocketAddr,
        data: &Path,
        access: AccessOptions,
    ) -> Result<(Self, Ready), Failure> {
        let ready_file = data.join(READY_FILE);
        // A process group of its own: Ctrl-C is for this process, which then stops the service in order.
        let mut command = Command::new(std::env::current_exe()?);
        secrets::without_parameters(command.as_std_mut());
        let child = command
            .arg("serve")
            .arg("--listen")
            .arg(listen.to_string())
            .arg("--data")
            .arg(data)
            .arg("--ready-file")
            .arg(&ready_file)
            .args(access.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()?;
        let mut started = Self { child };
        let ready = started.ready(&ready_file).await;
        if ready.is_err() {
            started.stop().await;
        }
        Ok((started, ready?))
    }

    async fn ready(&mut self, file: &Path) -> Result<Ready, Failure> {
        let pid = self.child.id();
        let appears = async {
            loop {
                // One that an earlier service left, or that another is about to read, is not this one's.
                let read =
                    std::fs::read(file).ok().and_then(|text| serde_json::from_slice::<Ready>(&text).ok());
                if let Some(ready) = read.filter(|ready| ready.pid.is_some() && ready.pid == pid) {
                    // What stays behind is replaced by the next.
                    let _ = std::fs::remove_file(file);
                    return ready;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            ready = appears => Ok(ready),
            _ = self.child.wait() => Err(Failure::new("the queue service did not start; it says why above")),
            () = tokio::time::sleep(READY) => Err(Failure::new("the queue service did not become ready in time")),
        }
    }

    /// Waits until it has ended, and tells how.
    pub(super) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Asks it to end and waits for it.
    pub(super) async fn stop(&mut self) {
        if let Some(pid) = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
            // It may have ended by itself in this moment.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(STOP, self.child.wait()).await.is_err() {
            // An error means that it is gone.
            let _ = self.child.kill().await;
        }
    }
}
