//! Cores of their own for the generator and the server.
//!
//! The generator gets the last core that this process may use, the server's threads all the others. Threads that a
//! process starts later are where the thread is that started them. When a [`Pinned`] is dropped, both processes may use
//! again what they could use before.

use std::fs;
use std::io;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::error::BenchError;

/// How often a process's threads are gone through: one that was started meanwhile is found the next time.
const PASSES: usize = 3;

/// Processes that are pinned, with what they could use before.
#[derive(Default)]
pub(crate) struct Pinned(Vec<(u32, CpuSet)>);

impl Pinned {
    /// Pins this process to the last core, and `servers` to the others.
    ///
    /// # Errors
    /// [`BenchError::Pinning`] when there is one core only, or when a process can't be pinned.
    pub(crate) fn apart(servers: &[u32]) -> Result<Self, BenchError> {
        let failed = |error: io::Error| BenchError::Pinning { what: error.to_string() };
        let own = sched_getaffinity(None).map_err(|error| failed(error.into()))?;
        let (generator, server) =
            split(&own).ok_or_else(|| BenchError::Pinning { what: "there is one core only".into() })?;
        let mut pinned = Pinned::default();
        pinned.pin(std::process::id(), &generator).map_err(failed)?;
        for pid in servers {
            pinned.pin(*pid, &server).map_err(failed)?;
        }
        Ok(pinned)
    }

    fn pin(&mut self, pid: u32, cores: &CpuSet) -> io::Result<()> {
        let before = sched_getaffinity(thread_id(pid))?;
        self.0.push((pid, before));
        for _ in 0..PASSES {
            set_all(pid, cores)?;
        }
        Ok(())
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        for (pid, before) in &self.0 {
            // A process that has ended needs no cores.
            let _ended = set_all(*pid, before);
        }
    }
}

fn set_all(pid: u32, cores: &CpuSet) -> io::Result<()> {
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let name = entry?.file_name();
        let Some(thread) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        match sched_setaffinity(thread_id(thread), cores) {
            // A thread that has ended meanwhile.
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn thread_id(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// The last core, and the others; `None` unless there are two.
fn split(cores: &CpuSet) -> Option<(CpuSet, CpuSet)> {
    let last = (0..CpuSet::MAX_CPU).rev().find(|core| cores.is_set(*core))?;
    let (mut one, mut others) = (CpuSet::new(), *cores);
    one.set(last);
    others.unset(last);
    (others.count() > 0).then_some((one, others))
}

#[cfg(test)]
mod tests;
