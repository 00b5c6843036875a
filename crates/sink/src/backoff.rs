//! How long to wait before trying again: exponential growth with full jitter, so that many workers whose database
//! returns don't all arrive in the same instant. Pure: the attempt and the randomness are arguments.
//!
//! Source: "Exponential Backoff And Jitter", AWS Architecture Blog.

use std::time::Duration;

/// The bounds of a wait that doubles with each attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound of the first wait.
    pub base: Duration,
    /// The upper bound of every wait.
    pub cap: Duration,
}

impl Backoff {
    /// The wait before attempt `attempt` (0 is the first retry). `fraction` is a random number in 0..1.
    pub fn delay(self, attempt: u32, fraction: f64) -> Duration {
        let factor = 2u32.saturating_pow(attempt.min(20));
        let ceiling = self.base.saturating_mul(factor).min(self.cap);
        ceiling.mul_f64(fraction.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(30) };

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let ceilings: Vec<_> = (0..4).map(|n| BACKOFF.delay(n, 1.0).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 400, 800]);
        assert_eq!(BACKOFF.delay(60, 1.0), BACKOFF.cap);
        assert_eq!(BACKOFF.delay(u32::MAX, 1.0), BACKOFF.cap);
    }

    #[test]
    fn the_jitter_is_full() {
        assert_eq!(BACKOFF.delay(3, 0.0), Duration::ZERO);
        assert_eq!(BACKOFF.delay(3, 0.5).as_millis(), 400);
    }
}
