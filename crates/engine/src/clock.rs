//! The clock of a running service.
//!
//! Engine time begins at the wall clock and then follows a clock that no one sets and that goes on during suspend, so
//! it never goes back and a suspended machine is no jump. It goes forward by more only when a test asks for it; what it
//! is ahead by then is kept over a restart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use millpond_core::outage::{BootReading, NotedReading};
use millpond_core::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Tells engine time.
pub trait Clock: Send + Sync {
    /// The time now; never earlier than an earlier answer.
    fn now(&self) -> Timestamp;
    /// The machine's boot clock now.
    fn reading(&self) -> BootReading;
    /// Goes forward by so much at once.
    fn advance(&self, millis: u64);
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started_at: Timestamp,
    started_boot_millis: u64,
    boot_id: [u8; 16],
    advanced_millis: AtomicU64,
}

impl SystemClock {
    /// Starts at the wall clock, at `not_before`, or at the time that has come since the noted reading of this boot,
    /// whichever is latest: a service that was ahead of the wall clock does not go back. `unknown_boot` is random: it
    /// stands for a boot that the system does not name, so that it is taken for no other.
    #[must_use]
    pub fn starting(not_before: Timestamp, noted: Option<&NotedReading>, unknown_boot: [u8; 16]) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = Timestamp::from_millis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX));
        let now = BootReading { boot_id: boot_id().unwrap_or(unknown_boot), millis: boot_millis() };
        let noted = noted.and_then(|noted| noted.time_at(&now)).unwrap_or(not_before);
        Self {
            started_at: wall.max(not_before).max(noted),
            started_boot_millis: now.millis,
            boot_id: now.boot_id,
            advanced_millis: AtomicU64::new(0),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let passed_millis = boot_millis().saturating_sub(self.started_boot_millis);
        self.started_at.plus_millis(passed_millis).plus_millis(self.advanced_millis.load(Ordering::Relaxed))
    }

    fn reading(&self) -> BootReading {
        BootReading { boot_id: self.boot_id, millis: boot_millis() }
    }

    fn advance(&self, millis: u64) {
        self.advanced_millis.fetch_add(millis, Ordering::Relaxed);
    }
}

/// Linux names every boot by a random id, a UUID in text.
fn boot_id() -> Option<[u8; 16]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits = text.trim().replace('-', "");
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten().map(u128::to_be_bytes)
}

fn boot_millis() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let millis = time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000);
    u64::try_from(millis).unwrap_or(0)
}
