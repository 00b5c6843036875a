//! The open loop: moments at which operations begin, whatever became of earlier ones.
//!
//! Moments are evenly spaced. One is let go when it has come and taken by the connection that has waited longest; while
//! all are busy it waits, and its operation is measured from the moment itself. So a server that stalls is charged for
//! every operation that it held up (no coordinated omission). How late the generator was by itself is told apart: an
//! operation whose connection was waiting before the moment came owes its delay to nobody else.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::timer::Timer;

/// The moments of one run.
pub(super) struct Schedule {
    began: Instant,
    per_sec: f64,
    /// How many there are.
    total: u64,
    taken: AtomicU64,
    come: Semaphore,
}

/// A moment that was taken.
pub(super) struct Arrival {
    pub(super) at: Instant,
    /// How late the generator was; `None` when every connection was busy at the moment.
    pub(super) late: Option<Duration>,
}

impl Schedule {
    /// `per_sec` moments a second from `began` on, before `ends`.
    pub(super) fn new(began: Instant, ends: Instant, per_sec: f64) -> Self {
        let total = ((ends - began).as_secs_f64() * per_sec).ceil() as u64;
        Schedule { began, per_sec, total, taken: AtomicU64::new(0), come: Semaphore::new(0) }
    }

    fn at(&self, index: u64) -> Instant {
        self.began + Duration::from_secs_f64(index as f64 / self.per_sec)
    }

    /// Lets every moment go when it has come.
    pub(super) async fn let_go(&self) -> io::Result<()> {
        let mut timer = Timer::new()?;
        let mut gone = 0;
        while gone < self.total {
            timer.sleep(self.at(gone).saturating_duration_since(Instant::now())).await?;
            let due = ((self.began.elapsed().as_secs_f64() * self.per_sec) as u64 + 1).min(self.total);
            // At least the one that was slept for: its moment has come.
            let due = due.max(gone + 1);
            self.come.add_permits(usize::try_from(due - gone).unwrap_or(usize::MAX));
            gone = due;
        }
        Ok(())
    }

    /// Lets those go who still wait for a moment, so many at most.
    pub(super) fn end(&self, waiting: usize) {
        self.come.add_permits(waiting);
    }

    /// The next moment when it has come; `None` after the last.
    pub(super) async fn take(&self) -> Option<Arrival> {
        let waits_since = Instant::now();
        // Nobody closes it.
        self.come.acquire().await.ok()?.forget();
        let index = self.taken.fetch_add(1, Relaxed);
        let at = (index < self.total).then(|| self.at(index))?;
        Some(Arrival { at, late: (waits_since <= at).then(|| at.elapsed()) })
    }

    /// How many moments from `opens` on nobody has taken.
    pub(super) fn not_taken_since(&self, opens: Instant) -> u64 {
        (self.taken.load(Relaxed)..self.total).filter(|index| self.at(*index) >= opens).count() as u64
    }
}
