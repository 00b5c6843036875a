//! The token that continues a list of queues.
//!
//! Opaque to callers: the base64url of a version byte and the last name they were given, so it stays valid whatever
//! happens to the queues.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millpond_core::name::QueueName;

const VERSION: u8 = 1;

/// The token for what comes after `last`.
pub(crate) fn encode(last: &QueueName) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(last.as_str().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The name to go on after; `None` for text that [`encode`] did not write.
pub(crate) fn decode(token: &str) -> Option<QueueName> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (VERSION, name) = bytes.split_first().map(|(version, name)| (*version, name))? else { return None };
    QueueName::parse(std::str::from_utf8(name).ok()?)
}
