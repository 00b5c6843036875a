//! How much there may be of something, as people write it: a count of messages, or bytes with or without a unit.

/// A count of messages.
///
/// # Errors
/// In words, what is possible.
pub fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("nothing could be sent; leave it out for no limit".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("a whole number of messages, such as 1000000".to_owned()),
    }
}

/// Bytes, with or without a unit of 1,024.
///
/// # Errors
/// In words, what is possible.
pub fn bytes(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("", 0)];
    let with_unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = with_unit.unwrap_or((text, 0));
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    match bytes {
        Some(0) => Err("nothing could be sent; leave it out for no limit".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("a number of bytes, or one with KiB, MiB, GiB or TiB, such as 10GiB".to_owned()),
    }
}

#[cfg(test)]
mod tests;
