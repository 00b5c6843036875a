//! Makes guessing of keys slow, without ever standing in the way of who has one.
//!
//! A request is verified first. Only when it fails its source is looked up: a few failures are answered at once, further ones
//! later and later, and what comes beyond is answered at once with a request to slow down, and its connection ends. A source
//! is an IPv4 address or an IPv6 network of 64 bits.
//!
//! What always holds: a request whose signature is right is neither looked up nor delayed, from whatever address it comes; the
//! table and the replies that are held back are bounded.
//!
//! What it refuses to do: lock anyone out. So a source that guesses can still tell a right guess from a wrong one; what
//! protects a secret is its length.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use millpond_iam::auth_error::AuthError;
use millpond_wire::error::{ApiError, CORAL, ErrorKind};
use tokio::sync::Semaphore;

/// Failures of one source that are answered at once.
const AT_ONCE: u32 = 10;
/// Then one is answered in this time.
const EVERY: Duration = Duration::from_secs(1);
/// Replies to one source that are held back at a time.
const HELD_BACK: u32 = 8;
/// Replies to all sources that are held back at a time.
const HELD_BACK_IN_ALL: usize = 512;

/// Sources that share a place in the table; the one that has failed least of late gives way.
const WAYS: usize = 8;
const PLACES: usize = 512;

/// The source fails to authenticate too often. The status is that of RFC 6585; the code is one that every SDK knows.
static THROTTLED: ErrorKind = ErrorKind::new(CORAL, "ThrottlingException", "Throttling").with_status(429);

/// What becomes of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Now,
    After(Duration),
    Refuse,
}

/// Failures by their source.
struct Table {
    hasher: RandomState,
    /// Of each source the time by which all its failures will have been answered, since the table was made.
    places: Vec<[(u64, Duration); WAYS]>,
}

impl Table {
    fn new() -> Self {
        Self { hasher: RandomState::new(), places: vec![[(0, Duration::ZERO); WAYS]; PLACES] }
    }

    /// A failure at `now`.
    fn failed(&mut self, source: IpAddr, now: Duration) -> Pace {
        let hash = self.hasher.hash_one(network(source)) | 1;
        let count = self.places.len() as u64;
        let place = usize::try_from((hash >> 8) % count).unwrap_or_default();
        let ways = &mut self.places[place];
        let found = ways.iter().position(|(known, _)| *known == hash);
        let way = found.or_else(|| (0..WAYS).min_by_key(|way| ways[*way].1)).unwrap_or_default();
        if found.is_none() {
            ways[way] = (hash, Duration::ZERO);
        }
        let answered_by = ways[way].1.max(now) + EVERY;
        let late = answered_by.saturating_sub(now).saturating_sub(EVERY * AT_ONCE);
        if late > EVERY * HELD_BACK {
            return Pace::Refuse;
        }
        ways[way].1 = answered_by;
        if late.is_zero() { Pace::Now } else { Pace::After(late) }
    }
}

/// What one party has at its disposal: an address, or the smallest network that is given out.
pub(crate) fn network(source: IpAddr) -> u128 {
    match source.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64 | 1 << 63,
    }
}

/// Looks after sources that fail to authenticate.
pub(crate) struct Guessing {
    table: Mutex<Table>,
    begun: Instant,
    held_back: Semaphore,
    pub(crate) throttled: AtomicU64,
}

impl std::fmt::Debug for Guessing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guessing").field("throttled", &self.throttled).finish_non_exhaustive()
    }
}

impl Guessing {
    pub(crate) fn new() -> Self {
        Self {
            table: Mutex::new(Table::new()),
            begun: Instant::now(),
            held_back: Semaphore::new(HELD_BACK_IN_ALL),
            throttled: AtomicU64::new(0),
        }
    }

    /// Says with which error a request that failed to authenticate is answered, when it is time to. Whoever calls it holds
    /// nothing that others wait for.
    pub(crate) async fn slowed_down(&self, source: IpAddr, error: AuthError) -> Result<AuthError, ApiError> {
        // Neither what is not signed nor what is expired tries a secret.
        if !matches!(error, AuthError::UnknownKey | AuthError::WrongSignature(_)) {
            return Ok(error);
        }
        let pace = {
            let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            table.failed(source, self.begun.elapsed())
        };
        let late = match pace {
            Pace::Now => return Ok(error),
            Pace::After(late) => late,
            Pace::Refuse => return Err(self.refuse()),
        };
        let Ok(_held_back) = self.held_back.try_acquire() else { return Err(self.refuse()) };
        tokio::time::sleep(late).await;
        Ok(error)
    }

    fn refuse(&self) -> ApiError {
        self.throttled.fetch_add(1, Relaxed);
        THROTTLED.because("Rate exceeded: too many requests from this address failed to authenticate")
    }
}

#[cfg(test)]
mod tests;
