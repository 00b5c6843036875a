//! Finds the receipt handles in a reply to `ReceiveMessage`, without reading the rest of it.
//!
//! A handle is what follows the key `"ReceiptHandle"`. Inside a message's body the quotes of such a key are escaped, so
//! it is never taken for one. Handles are given as they stand in the reply, escapes included.

const KEY: &str = "\"ReceiptHandle\"";

/// The handles of `reply`, in order; none when it is no text.
pub(crate) fn receipt_handles(reply: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = std::str::from_utf8(reply).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            // A search for one byte is quick; bodies have few quotes.
            rest = &rest[rest.find('"')?..];
            let Some(value) = rest.strip_prefix(KEY).and_then(value_of) else {
                rest = &rest[1..];
                continue;
            };
            let (handle, after) = value.split_once('"')?;
            rest = after;
            return Some(handle);
        }
    })
}

/// What follows the opening quote of the text behind a colon.
fn value_of(after_key: &str) -> Option<&str> {
    after_key.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')
}

#[cfg(test)]
mod tests;
