//! The names of the log's files. A name carries a number in fixed width, so that the order of names is the order
//! of numbers.

/// A segment that is part of the log, or was: trimmed ones keep their name until they are recycled.
pub(super) fn segment_name(generation: u64) -> String {
    format!("segment-{generation:016x}")
}

/// A file of a segment's size, waiting for use.
pub(super) fn spare_name(number: u64) -> String {
    format!("spare-{number:016x}")
}

/// A spare that is not yet filled with zeros. Removed at the next open.
pub(super) const FILLING_FILE: &str = "spare-filling";

/// The generation of a segment's name.
pub(super) fn parse_segment_name(name: &str) -> Option<u64> {
    parse(name, "segment-")
}

/// The number of a spare's name.
pub(super) fn parse_spare_name(name: &str) -> Option<u64> {
    parse(name, "spare-")
}

fn parse(name: &str, prefix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?;
    let canonical =
        digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if canonical { u64::from_str_radix(digits, 16).ok() } else { None }
}
