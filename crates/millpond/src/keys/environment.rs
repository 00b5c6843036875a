//! Keys that the environment gives, as containers and continuous integration do.

use std::env::VarError;

use millpond_iam::secret::{MasterKey, Secret};
use millpond_server::access::RootKey;

use crate::failure::Failure;

/// The id of the root key.
pub(crate) const ROOT_ID: &str = "MILLPOND_ROOT_ACCESS_KEY_ID";
/// Its secret.
pub(crate) const ROOT_SECRET: &str = "MILLPOND_ROOT_SECRET_ACCESS_KEY";
/// The master key: 64 hex digits.
pub(crate) const MASTER_KEY: &str = "MILLPOND_MASTER_KEY";

const ID_LENGTH_MAX: usize = 128;

/// The root key of the environment.
pub(super) fn root_key() -> Result<Option<RootKey>, Failure> {
    root_key_of(variable(ROOT_ID)?, variable(ROOT_SECRET)?).map_err(Failure::new)
}

/// The master key of the environment.
pub(super) fn master_key() -> Result<Option<MasterKey>, Failure> {
    let Some(text) = variable(MASTER_KEY)? else { return Ok(None) };
    master_key_of(&text).map(Some).map_err(|reason| Failure::new(format!("{MASTER_KEY} {reason}")))
}

pub(super) fn root_key_of(id: Option<String>, secret: Option<String>) -> Result<Option<RootKey>, String> {
    match (id, secret) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(format!("{ROOT_ID} is set and {ROOT_SECRET} is not; set both or neither")),
        (None, Some(_)) => Err(format!("{ROOT_SECRET} is set and {ROOT_ID} is not; set both or neither")),
        (Some(id), Some(secret)) => {
            check_id(&id).map_err(|reason| format!("{ROOT_ID} {reason}"))?;
            check_secret(&secret).map_err(|reason| format!("{ROOT_SECRET} {reason}"))?;
            Ok(Some(RootKey { access_key_id: id, secret_access_key: Secret::new(secret) }))
        }
    }
}

/// An id is written into signatures and logs.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    let fits = (1..=ID_LENGTH_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits {
        return Ok(());
    }
    Err(format!("is no access key id: it has 1 to {ID_LENGTH_MAX} letters, digits and underscores"))
}

/// A secret is anything that can be typed.
pub(super) fn check_secret(secret: &str) -> Result<(), String> {
    if !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err("is no secret access key: it has printable characters without spaces, one at least".to_owned())
}

/// 64 hex digits.
pub(super) fn master_key_of(text: &str) -> Result<MasterKey, String> {
    let unfit = || "is no master key: it has 64 hex digits, such as `openssl rand -hex 32` prints".to_owned();
    let text = text.trim();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(unfit());
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| unfit())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| unfit())?;
    }
    Ok(MasterKey::new(bytes))
}

/// An empty variable is as good as none.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::new(format!("{name} is not a text"))),
    }
}
