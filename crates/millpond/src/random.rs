//! Random bytes of the operating system.

use crate::failure::Failure;

/// So many fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("the operating system gives no random numbers: {error}")))?;
    Ok(bytes)
}
