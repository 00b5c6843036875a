//! CPU time of this process and of another one.
//!
//! Only reads the kernel's accounting; it changes nothing and pins nothing. Times are user and system together.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time that this process has used on all its threads, with the resolution of `getrusage` or better.
pub(crate) fn own() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// CPU time that process `pid` has used on all its threads, in the kernel's ticks (10 ms each as a rule).
///
/// Errors when there is no such process or `/proc` can't be read.
pub(crate) fn of_process(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = ticks_of(&stat)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its accounting has an unknown form"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// `utime + stime`, fields 14 and 15 of `/proc/PID/stat` (proc(5)). The command name, field 2, may hold anything.
fn ticks_of(stat: &str) -> Option<u64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut times = after_name.split_whitespace().skip(11).map(|field| field.parse::<u64>().ok());
    Some(times.next()?? + times.next()??)
}

#[cfg(test)]
mod tests;
