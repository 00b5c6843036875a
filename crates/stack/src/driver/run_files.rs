//! The files that go with one workload, below the data directory: `run/` for what is private, `logs/` for output.
//!
//! `run/NAME.json` configuration (mode 0600), `run/NAME.pid.json` which process runs, `run/NAME.lock` held by the
//! process itself for as long as it lives, `run/NAME.address` what it says it listens on, `run/NAME.condition` what it
//! says of itself, `logs/NAME.log` its output.
//! Files are replaced as a whole: written aside, synced, renamed, and the directory synced.

use super::DriverError;
use crate::workload::WorkloadName;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where the files of all workloads are.
#[derive(Debug, Clone)]
pub(super) struct RunFiles {
    run: PathBuf,
    logs: PathBuf,
}

/// Which process of a workload was started. Written without `process` before the start, so that a process whose
/// starter died in between is found by its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunRecord {
    pub(super) token: String,
    pub(super) launch_digest: String,
    pub(super) boot_id: String,
    pub(super) since_unix_ms: u64,
    pub(super) process: Option<RecordedProcess>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordedProcess {
    pub(super) pid: u32,
    pub(super) start_time_ticks: u64,
}

const RECORD_SUFFIX: &str = ".pid.json";

impl RunFiles {
    pub(super) fn open(data_dir: &Path) -> Result<RunFiles, DriverError> {
        let files = RunFiles { run: data_dir.join("run"), logs: data_dir.join("logs") };
        for directory in [&files.run, &files.logs] {
            let created = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            created.map_err(|source| failed("-", "create the directory", directory, source))?;
        }
        Ok(files)
    }

    pub(super) fn configuration(&self, name: &WorkloadName) -> PathBuf {
        self.run.join(format!("{name}.json"))
    }

    pub(super) fn address(&self, name: &WorkloadName) -> PathBuf {
        self.run.join(format!("{name}.address"))
    }

    pub(super) fn condition(&self, name: &WorkloadName) -> PathBuf {
        self.run.join(format!("{name}.condition"))
    }

    pub(super) fn lock(&self, name: &WorkloadName) -> PathBuf {
        self.run.join(format!("{name}.lock"))
    }

    pub(super) fn log(&self, name: &WorkloadName) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    fn record(&self, name: &WorkloadName) -> PathBuf {
        self.run.join(format!("{name}{RECORD_SUFFIX}"))
    }

    /// The lock that a process of this workload holds, taken for the next one; `None` while one is alive.
    pub(super) fn try_lock(&self, name: &WorkloadName) -> Result<Option<File>, DriverError> {
        let path = self.lock(name);
        let io_failed = |source| failed(name.as_str(), "lock", &path, source);
        OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(io_failed)?;
        // Read-only, because it becomes the standard input of the process.
        let file = File::open(&path).map_err(io_failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(source)) => Err(io_failed(source)),
        }
    }

    /// Replaces a file of `run/` durably; only its owner can read it.
    pub(super) fn write(&self, name: &WorkloadName, path: &Path, bytes: &[u8]) -> Result<(), DriverError> {
        let write = || -> io::Result<()> {
            let aside = path.with_extension("new");
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&aside, path)?;
            File::open(&self.run)?.sync_all()
        };
        write().map_err(|source| failed(name.as_str(), "write", path, source))
    }

    pub(super) fn write_record(&self, name: &WorkloadName, record: &RunRecord) -> Result<(), DriverError> {
        let path = self.record(name);
        let bytes = serde_json::to_vec(record);
        let bytes = bytes.map_err(|error| failed(name.as_str(), "write", &path, error.into()))?;
        self.write(name, &path, &bytes)
    }

    /// All records, `None` for one that can't be read.
    pub(super) fn records(&self) -> Result<Vec<(WorkloadName, Option<RunRecord>)>, DriverError> {
        let io_failed = |source| failed("-", "read the directory", &self.run, source);
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.run).map_err(io_failed)? {
            let file_name = entry.map_err(io_failed)?.file_name();
            let stem = file_name.to_str().and_then(|name| name.strip_suffix(RECORD_SUFFIX));
            let Some(name) = stem.and_then(|stem| WorkloadName::new(stem).ok()) else { continue };
            let bytes = fs::read(self.record(&name)).map_err(io_failed)?;
            records.push((name, serde_json::from_slice(&bytes).ok()));
        }
        records.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(records)
    }

    /// Removes what belongs to a process that has ended: its record, its configuration, its address. What it told of
    /// itself stays, because it may say why it ended.
    pub(super) fn remove(&self, name: &WorkloadName) -> Result<(), DriverError> {
        for path in [self.configuration(name), self.address(name), self.record(name)] {
            remove_file(name, &path)?;
        }
        Ok(())
    }

    /// Removes what an earlier process told of itself.
    pub(super) fn remove_condition(&self, name: &WorkloadName) -> Result<(), DriverError> {
        remove_file(name, &self.condition(name))
    }
}

fn remove_file(name: &WorkloadName, path: &Path) -> Result<(), DriverError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(failed(name.as_str(), "remove", path, source))
        }
        _ => Ok(()),
    }
}

pub(super) fn failed(name: &str, action: &'static str, path: &Path, source: io::Error) -> DriverError {
    DriverError::Io { name: name.to_owned(), action, path: path.to_owned(), source }
}
