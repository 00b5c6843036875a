//! Who looks at the console: a one-time address from a signed call, then a cookie.
//!
//! What always holds: an address works once, within a minute; a cookie says no more than that its bearer may look at what
//! one caller may look at. It is sealed, can't sign anything, and ends with the caller, by time, or with the master key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use millpond_iam::secret::MasterKey;
use serde::{Deserialize, Serialize};

use crate::entropy;

/// Seconds in which an address can be opened.
pub(crate) const ADDRESS_SECS: u64 = 60;
/// Seconds that a cookie lasts.
pub(crate) const COOKIE_SECS: u64 = 12 * 3_600;
/// Addresses that can be open at once; beyond it the oldest works no longer.
const ADDRESSES: usize = 1_000;
/// What cookies are sealed as.
const SEALED_AS: &str = "console cookie";

/// Temporary credentials without their secret: they name a caller and can't sign.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Bearer {
    pub(super) access_key_id: String,
    pub(super) session_token: String,
}

struct Address {
    opens_until_secs: u64,
    bearer: Bearer,
}

/// The addresses that were given out and not opened yet.
#[derive(Default)]
pub(super) struct Consoles {
    addresses: Mutex<HashMap<u128, Address>>,
}

impl std::fmt::Debug for Consoles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Consoles")
    }
}

impl Consoles {
    /// Gives out an address: the text that opens it.
    pub(super) fn address(&self, bearer: Bearer, now_secs: u64) -> String {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.retain(|_, address| address.opens_until_secs >= now_secs);
        if addresses.len() >= ADDRESSES {
            let oldest = addresses.iter().min_by_key(|(_, address)| address.opens_until_secs);
            let oldest = oldest.map(|(name, _)| *name);
            oldest.map(|name| addresses.remove(&name));
        }
        let name = entropy::draw();
        addresses.insert(name, Address { opens_until_secs: now_secs + ADDRESS_SECS, bearer });
        format!("{name:032x}")
    }

    /// Opens an address; it works no more after that.
    pub(super) fn open(&self, name: &str, now_secs: u64) -> Option<Bearer> {
        let name = u128::from_str_radix(name, 16).ok()?;
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let address = addresses.remove(&name)?;
        (address.opens_until_secs >= now_secs).then_some(address.bearer)
    }
}

impl Bearer {
    /// As the value of a cookie.
    pub(super) fn sealed(&self, master: &MasterKey) -> String {
        let plain = serde_json::to_vec(self).unwrap_or_default();
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&entropy::draw().to_le_bytes()[..12]);
        let sealed = master.seal(SEALED_AS, nonce, &plain);
        sealed.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads the value of a cookie.
    pub(super) fn open(master: &MasterKey, cookie: &str) -> Option<Self> {
        let is_hex = cookie.len().is_multiple_of(2) && cookie.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex {
            return None;
        }
        let bytes = (0..cookie.len()).step_by(2).map(|at| u8::from_str_radix(&cookie[at..at + 2], 16));
        let sealed: Vec<u8> = bytes.collect::<Result<_, _>>().ok()?;
        serde_json::from_slice(&master.open(SEALED_AS, &sealed).ok()?).ok()
    }
}
