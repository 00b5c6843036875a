//! Who a request is from: signatures, signing keys, sessions and STS, through the public interface alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

mod fuzz;
mod key_cache;
mod refusals;
mod request;
mod sessions;
mod signer;
mod vectors;
