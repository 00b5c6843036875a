//! The quotas of `millpond serve`: what a queue and an account may hold.
//!
//! Nothing is limited unless it is asked for: Amazon SQS has no such limits, and a limit that nobody has chosen would one
//! day refuse what somebody counted on. A full disk is told and outlived without them.

use clap::Args;
use millpond_core::quota::{Quota, Quotas};

/// Quotas as they are given.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Quotas")]
pub(crate) struct QuotaOptions {
    /// Messages that each queue may hold; a send that would be one more is refused. No limit unless given.
    #[arg(long, value_name = "COUNT", value_parser = parse_count)]
    max_queue_messages: Option<u64>,
    /// Bytes that the messages of each queue may take, such as 10GiB.
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    max_queue_bytes: Option<u64>,
    /// Messages that all queues of an account may hold together.
    #[arg(long, value_name = "COUNT", value_parser = parse_count)]
    max_account_messages: Option<u64>,
    /// Bytes that the messages of all queues of an account may take together.
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    max_account_bytes: Option<u64>,
}

impl QuotaOptions {
    /// As the engine takes them.
    pub(crate) const fn quotas(self) -> Quotas {
        Quotas {
            queue: Quota { messages: self.max_queue_messages, bytes: self.max_queue_bytes },
            account: Quota { messages: self.max_account_messages, bytes: self.max_account_bytes },
        }
    }
}

fn parse_count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("nothing could be sent; leave the option out for no limit".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("a whole number of messages, such as 1000000".to_owned()),
    }
}

/// Bytes, with or without a unit of 1,024.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("", 0)];
    let with_unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = with_unit.unwrap_or((text, 0));
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    match bytes {
        Some(0) => Err("nothing could be sent; leave the option out for no limit".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("a number of bytes, or one with KiB, MiB, GiB or TiB, such as 10GiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_bytes, parse_count};

    #[test]
    fn bytes_may_have_a_unit() {
        let parsed = ["7", "2KiB", "3MiB", "1GiB", "1TiB"].map(|text| parse_bytes(text).unwrap_or_default());
        assert_eq!(parsed, [7, 2_048, 3 << 20, 1 << 30, 1 << 40]);
        for wrong in ["", "GiB", "1 GiB", "1GB", "-1", "1.5GiB", "99999999999TiB", "0", "0KiB"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_quota_of_nothing_is_none() {
        assert_eq!(parse_count("1"), Ok(1));
        assert!(parse_count("0").is_err_and(|why| why.contains("leave the option out")));
    }
}
