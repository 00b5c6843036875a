//! How much time consumers have spent of late, as a number that fades without being touched.
//!
//! A lease that ended in a minute weighs twice as much as one of the same length that ended in the minute before. So all
//! sums fade alike, and which of two is larger never changes while nothing is added: sums can stand in an ordered set, and
//! no clock has to visit them. This is forward decay, <https://dimacs.rutgers.edu/~graham/pubs/papers/fwddecay.pdf>.
//!
//! Whole numbers only: the same on every machine. A sum keeps its 64 highest bits, so what is older than about an hour
//! is lost beside what is recent.

use crate::time::Timestamp;

const HALVED_AFTER_MILLIS: u64 = 60_000;

/// A sum of processing times, each doubled once for every minute at whose end it was not yet over.
///
/// The value is `mantissa * 2^(exponent - 64)` milliseconds of the first minute. A mantissa has its highest bit set, or
/// everything is zero: so the order of the fields is the order of the values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProcessingTime {
    exponent: u64,
    mantissa: u64,
}

impl ProcessingTime {
    /// Nothing.
    pub(super) const ZERO: Self = Self { exponent: 0, mantissa: 0 };

    /// One lease.
    pub(super) fn of(started_at: Timestamp, ended_at: Timestamp) -> Self {
        let millis = ended_at.millis_since(started_at);
        if millis == 0 {
            return Self::ZERO;
        }
        let minute = ended_at.as_millis() / HALVED_AFTER_MILLIS;
        let shift = millis.leading_zeros();
        Self { exponent: minute + 64 - u64::from(shift), mantissa: millis << shift }
    }

    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        let (large, small) = if self > other { (self, other) } else { (other, self) };
        let lower = large.exponent - small.exponent;
        if lower >= 64 {
            return large;
        }
        match large.mantissa.overflowing_add(small.mantissa >> lower) {
            (mantissa, false) => Self { mantissa, ..large },
            (rest, true) => Self { exponent: large.exponent + 1, mantissa: rest >> 1 | 1 << 63 },
        }
    }

    /// Whether this is more than a tenth of `total`.
    pub(super) fn exceeds_tenth_of(self, total: Self) -> bool {
        match total.exponent.checked_sub(self.exponent) {
            None => true,
            // Ten is less than 2 to the fourth, and mantissas differ by less than a factor of two.
            Some(higher @ 0..5) => u128::from(self.mantissa) * 10 > u128::from(total.mantissa) << higher,
            Some(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
