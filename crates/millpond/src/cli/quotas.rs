//! The quotas of `millpond serve`: what a queue and an account may hold.
//!
//! Nothing is limited unless it is asked for: Amazon SQS has no such limits, and a limit that nobody has chosen would one
//! day refuse what somebody counted on. A full disk is told and outlived without them.

use clap::Args;
use millpond_core::quota::{Quota, Quotas};
use millpond_embed::amount;

/// Quotas as they are given.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Quotas")]
pub(crate) struct QuotaOptions {
    /// Messages that each queue may hold; a send that would be one more is refused. No limit unless given.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", value_parser = amount::count)]
    max_queue_messages: Option<u64>,
    /// Bytes that the messages of each queue may take, such as 10GiB.
    #[arg(allow_negative_numbers = true, long, value_name = "BYTES", value_parser = amount::bytes)]
    max_queue_bytes: Option<u64>,
    /// Messages that all queues of an account may hold together.
    #[arg(allow_negative_numbers = true, long, value_name = "COUNT", value_parser = amount::count)]
    max_account_messages: Option<u64>,
    /// Bytes that the messages of all queues of an account may take together.
    #[arg(allow_negative_numbers = true, long, value_name = "BYTES", value_parser = amount::bytes)]
    max_account_bytes: Option<u64>,
}

impl QuotaOptions {
    /// Those given, over those of the file.
    pub(crate) fn over(self, file: Quotas) -> Quotas {
        Quotas {
            queue: Quota {
                messages: self.max_queue_messages.or(file.queue.messages),
                bytes: self.max_queue_bytes.or(file.queue.bytes),
            },
            account: Quota {
                messages: self.max_account_messages.or(file.account.messages),
                bytes: self.max_account_bytes.or(file.account.bytes),
            },
        }
    }
}
