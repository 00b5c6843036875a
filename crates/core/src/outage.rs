//! What the service knows of its own outages, as data.
//!
//! Retention is not a trap: time in which nobody could receive, or in which the machine's clock was set forward, takes
//! no message away. Who may expire when is answered by [`ExpiryHold`]; when a hold begins stands in [`crate::decide`].

use crate::time::Timestamp;

/// A reading of the machine's boot clock, which goes on during suspend and which nobody sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BootReading {
    /// Which boot of the machine; readings of different boots can't be compared.
    pub boot_id: [u8; 16],
    /// Milliseconds since that boot.
    pub millis: u64,
}

/// A reading, and the time of the service at which it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotedReading {
    /// The service's time.
    pub at: Timestamp,
    /// The reading.
    pub reading: BootReading,
}

impl NotedReading {
    /// The service's time at a later reading, if it is of the same boot.
    #[must_use]
    pub fn time_at(&self, later: &BootReading) -> Option<Timestamp> {
        let same_boot = self.reading.boot_id == later.boot_id;
        same_boot.then(|| self.at.plus_millis(later.millis.saturating_sub(self.reading.millis)))
    }
}

/// Why nothing expires for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldReason {
    /// The service was down.
    Outage,
    /// Time went forward by more than can be explained: the clock may have been set.
    ClockJump,
}

/// A window in which nothing expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExpiryHold {
    /// Its begin: the last time the service is known to have been up.
    pub from: Timestamp,
    /// When the service was up again; of holds that have met, the last time.
    pub up_at: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Why.
    pub reason: HoldReason,
}

impl ExpiryHold {
    /// When a message really expires whose retention ends at `natural`.
    #[must_use]
    pub fn expires_at(&self, natural: Timestamp) -> Timestamp {
        if natural >= self.from && natural < self.until { self.until } else { natural }
    }

    /// This hold together with one that began before it. A message that the earlier one still keeps must not expire
    /// because a second outage begins before that ends.
    #[must_use]
    pub fn after(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(earlier) if earlier.until >= self.from => {
                let longer = if earlier.until > self.until { earlier } else { self };
                // The grace counts from the latest start, also when the clock is confirmed that made the earlier one longer.
                Self { from: earlier.from.min(self.from), up_at: self.up_at, ..longer }
            }
            _ => self,
        }
    }
}
