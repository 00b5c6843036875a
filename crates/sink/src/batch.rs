//! Gathers deliveries until a batch is worth writing. Pure: time is an argument.

use tokio::time::Instant;

use crate::{config::BatchLimits, delivery::Delivery};

/// An open batch. It is never empty: it begins with its first delivery.
#[derive(Debug)]
pub(crate) struct Batch {
    limits: BatchLimits,
    deliveries: Vec<Delivery>,
    bytes: usize,
    due: Instant,
}

impl Batch {
    /// A batch opened at `now` by its first delivery.
    pub(crate) fn open(first: Delivery, limits: BatchLimits, now: Instant) -> Self {
        let mut batch = Self { limits, deliveries: Vec::new(), bytes: 0, due: now + limits.linger };
        batch.push(first);
        batch
    }

    pub(crate) fn push(&mut self, delivery: Delivery) {
        self.bytes += delivery.row.bytes();
        self.deliveries.push(delivery);
    }

    /// Whether it has as many messages or bytes as a batch may have.
    pub(crate) fn is_full(&self) -> bool {
        self.deliveries.len() >= self.limits.messages || self.bytes >= self.limits.bytes
    }

    /// When it is written even though it is not full.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    pub(crate) fn into_deliveries(self) -> Vec<Delivery> {
        self.deliveries
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{hold::Hold, record::Row};

    async fn delivery(bytes: usize) -> Delivery {
        let hold = Hold::new(10, 1_000);
        let held = hold.hold("handle", bytes, hold.reserve(1).await, Instant::now());
        Delivery {
            message_id: "m".into(),
            ledger_key: "m".into(),
            receive_count: 1,
            row: Row(vec![Some("x".repeat(bytes)), None]),
            held,
        }
    }

    fn limits(messages: usize, bytes: usize) -> BatchLimits {
        BatchLimits { messages, bytes, linger: Duration::from_millis(50) }
    }

    #[tokio::test]
    async fn a_batch_is_full_by_count() {
        let mut batch = Batch::open(delivery(1).await, limits(2, 1_000), Instant::now());
        assert!(!batch.is_full());
        batch.push(delivery(1).await);
        assert!(batch.is_full());
        assert_eq!(batch.into_deliveries().len(), 2);
    }

    #[tokio::test]
    async fn a_batch_is_full_by_bytes_even_with_one_delivery() {
        assert!(!Batch::open(delivery(99).await, limits(500, 100), Instant::now()).is_full());
        assert!(Batch::open(delivery(100).await, limits(500, 100), Instant::now()).is_full());
    }

    #[tokio::test]
    async fn a_batch_is_due_when_its_first_delivery_has_lingered() {
        let now = Instant::now();
        let mut batch = Batch::open(delivery(1).await, limits(500, 100), now);
        batch.push(delivery(1).await);
        assert_eq!(batch.due(), now + Duration::from_millis(50));
    }
}
