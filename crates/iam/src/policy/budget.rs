//! How much one evaluation may compare.
//!
//! What always holds: what is spent never comes back, so that one who writes both a policy and a request to suit it can't
//! keep the processor for longer than a moment.

use std::cell::Cell;

/// Steps of one evaluation; the policies that AWS publishes take hundreds.
const STEPS: usize = 100_000;
/// Bytes that are compared or copied in one step.
const STEP_BYTES: usize = 16;

/// What an evaluation may still cost.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<usize>,
}

impl Budget {
    pub(crate) const fn new() -> Self {
        Self { left: Cell::new(STEPS) }
    }

    /// Pays for some steps; `false` when there is not enough left, and from then on.
    pub(crate) fn spend(&self, steps: usize) -> bool {
        match self.left.get().checked_sub(steps) {
            Some(left) if left > 0 => {
                self.left.set(left);
                true
            }
            _ => {
                self.left.set(0);
                false
            }
        }
    }

    /// Pays for going through a text once.
    pub(crate) fn spend_on(&self, text: &str) -> bool {
        self.spend(1 + text.len() / STEP_BYTES)
    }

    /// Whether something could not be paid for.
    pub(crate) const fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}
