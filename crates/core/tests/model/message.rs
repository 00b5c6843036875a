//! A message with its whole history, and what that comes to.

use millpond_core::message::MoveNumber;
use millpond_core::name::QueueKey;
use millpond_core::time::Timestamp;

#[derive(Clone, Copy)]
pub(super) enum Happening {
    Received { at: Timestamp, until: Timestamp },
    GivenBack { at: Timestamp },
    VisibilityChanged { until: Timestamp },
}

pub(super) struct Message {
    pub(super) number: u64,
    pub(super) sent_at: Timestamp,
    pub(super) bytes: u64,
    pub(super) delayed_until: Timestamp,
    pub(super) history: Vec<Happening>,
    pub(super) past: Past,
}

/// What a message remembers of the queues that it was in before.
#[derive(Clone, Default)]
pub(super) struct Past {
    pub(super) receives: u32,
    pub(super) first_received_at: Option<Timestamp>,
    /// The queue it comes from, if it is a dead letter.
    pub(super) source: Option<QueueKey>,
    pub(super) moved: Option<MoveNumber>,
}

/// What the history of a message comes to.
pub(super) struct Standing {
    pub(super) hidden_until: Timestamp,
    pub(super) receive_count: u32,
    pub(super) deliveries: u32,
    pub(super) first_received_at: Option<Timestamp>,
    pub(super) held_since: Option<Timestamp>,
    /// It waits for its turn since then.
    pub(super) waits_since: Timestamp,
}

impl Message {
    pub(super) fn standing(&self) -> Standing {
        let mut received: Vec<Timestamp> = Vec::new();
        let (mut back, mut waits_since) = (None, self.delayed_until);
        let (mut hidden_until, mut held_since, mut deliveries) = (self.delayed_until, None, 0);
        for happening in &self.history {
            match *happening {
                Happening::Received { at, until } => {
                    received.push(at);
                    back = Some(at.plus_millis(1));
                    (hidden_until, held_since, deliveries) = (until, Some(at), deliveries + 1);
                }
                Happening::GivenBack { at } => {
                    // The place at the back is that of the latest receive, even of one that was given back, as long
                    // as three others remain.
                    received.pop().unwrap();
                    (hidden_until, held_since) = (at, None);
                    waits_since = self.sent_at;
                }
                Happening::VisibilityChanged { until } => hidden_until = until,
            }
        }
        let receive_count = self.past.receives + u32::try_from(received.len()).unwrap();
        let back = back.filter(|_| receive_count >= 3);
        Standing {
            hidden_until,
            receive_count,
            deliveries,
            first_received_at: self.past.first_received_at.or(received.first().copied()),
            held_since,
            waits_since: back.unwrap_or(waits_since),
        }
    }
}
