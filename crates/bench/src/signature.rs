//! AWS Signature Version 4 for one kind of request: a `POST` to `/` without a query.
//!
//! Source: AWS General Reference, "Create a signed AWS API request". What a day's signatures have in common, the
//! derived key with its first hash blocks, is computed once, so that a signature costs little more than the hash of
//! the body.

use sha2::{Digest, Sha256};

use crate::config::Credentials;

/// Signs for one key, region and service on one day.
pub(crate) struct SigningKey {
    hmac: HmacKey,
    /// `DAY/REGION/SERVICE/aws4_request`.
    place: String,
    access_key_id: String,
}

impl SigningKey {
    /// `day` is `YYYYMMDD`.
    pub(crate) fn derive(credentials: &Credentials, region: &str, service: &str, day: &str) -> Self {
        let secret = format!("AWS4{}", credentials.secret_access_key);
        let key = [day, region, service, "aws4_request"]
            .iter()
            .fold(secret.into_bytes(), |key, part| HmacKey::new(&key).authenticate(part.as_bytes()).to_vec());
        SigningKey {
            hmac: HmacKey::new(&key),
            place: format!("{day}/{region}/{service}/aws4_request"),
            access_key_id: credentials.access_key_id.clone(),
        }
    }

    /// The value of the `Authorization` header. `amz_date` is that of the key's day; `headers` are all that is signed:
    /// lower-case names, in order of name.
    pub(crate) fn authorization(&self, amz_date: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut canonical = String::with_capacity(512);
        canonical.push_str("POST\n/\n\n");
        for (name, value) in headers {
            canonical.extend([name, ":", value, "\n"]);
        }
        canonical.extend(["\n", &names, "\n", &hex(&Sha256::digest(body))]);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{amz_date}\n{}\n{}",
            self.place,
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={names}, Signature={}",
            self.access_key_id,
            self.place,
            hex(&self.hmac.authenticate(to_sign.as_bytes()))
        )
    }
}

/// HMAC as RFC 2104 defines it, over SHA-256, with the key's blocks already taken in.
struct HmacKey {
    inner: Sha256,
    outer: Sha256,
}

impl HmacKey {
    fn new(key: &[u8]) -> Self {
        const BLOCK_BYTES: usize = 64;
        let mut block = [0_u8; BLOCK_BYTES];
        if key.len() > BLOCK_BYTES {
            block[..32].copy_from_slice(&Sha256::digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        HmacKey {
            inner: Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)),
            outer: Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)),
        }
    }

    fn authenticate(&self, message: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(message).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests;
