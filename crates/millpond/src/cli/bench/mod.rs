//! `millpond bench`: load on an SQS endpoint, and what the machine itself could do.

mod fill;
mod load;

use clap::Subcommand;
use millpond_bench::ceiling_child;

use crate::failure::{DONE, Outcome};
use fill::Fill;
use load::{Fifo, Receive, RoundTrip, Send};

/// Put load on an SQS endpoint and report rate, latency and processor time.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Send messages.
    #[command(
        after_help = "Examples:\n  millpond bench send\n  millpond bench send --ceiling --pairs 10 --seconds 20 --pin\n  \
                      millpond bench send --batch 10 --connections 16 --json\n  millpond bench send --rate 5000\n  \
                      millpond bench send --ceiling --rate 50%\n  \
                      millpond bench send --rate 70% --seconds 1800 --interval 60 --json"
    )]
    Send(Send),
    /// Receive messages and delete them, until the time is over or a queue is empty.
    #[command(
        after_help = "Examples:\n  millpond bench receive --batch 10\n  millpond bench receive --queue orders --messages 0\n  \
                      millpond bench receive --batch 10 --messages 1000000 --ceiling"
    )]
    Receive(Receive),
    /// Send messages, receive as many and delete them.
    #[command(after_help = "Examples:\n  millpond bench round-trip --batch 10\n  \
                      millpond bench round-trip --queue orders --size 200\n  \
                      millpond bench round-trip --batch 10 --queues 100 --ceiling")]
    RoundTrip(RoundTrip),
    /// The same with FIFO queues: send, receive, delete.
    #[command(after_help = "Examples:\n  millpond bench fifo --batch 10\n  \
                      millpond bench fifo --groups 1000 --batch 10 --seconds 1800 --interval 60")]
    Fifo(Fifo),
    /// Make a data directory with a backlog, without a server.
    ///
    /// Shapes: waiting (never received), returned (received once and come back, a queue for every 100,000), returned-often
    /// (received three times, in one queue), delayed (1 to 900 seconds), dead-letters (kept for 14 days), fifo-groups, tenants
    /// (message groups of a standard queue), deduplication (deleted, their ids remembered for five minutes), queues (empty
    /// ones).
    #[command(after_help = "Examples:\n  millpond bench fill ./deep --shape waiting --count 10000000\n  \
                      millpond bench fill ./groups --shape fifo-groups --count 10000000 --groups 1000000\n  \
                      millpond bench fill ./many --shape queues --count 100000")]
    Fill(Fill),
    /// The server without a queue that --ceiling measures beside.
    #[command(hide = true)]
    CeilingChild,
}

impl Bench {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Send(send) => send.run(),
            Self::Receive(receive) => receive.run(),
            Self::RoundTrip(round_trip) => round_trip.run(),
            Self::Fifo(fifo) => fifo.run(),
            Self::Fill(fill) => fill.run(),
            Self::CeilingChild => {
                ceiling_child()?;
                Ok(DONE)
            }
        }
    }
}
