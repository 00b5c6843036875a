//! What is new: unique ids, access keys and secrets, made of randomness that is given.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::record::KeyRecord;
use crate::secret::{MasterKey, Secret};

/// Time, randomness and the seal of one decision.
pub struct Fresh<'a> {
    /// Seconds since 1970.
    pub now_secs: u64,
    /// 128 random bits a call, never the same.
    pub entropy: &'a mut dyn FnMut() -> u128,
    /// Seals secrets.
    pub master: &'a MasterKey,
}

/// What the name of a sealed secret begins with.
const SEALED_AS: &str = "access-key/";

/// What a unique id is of, by what it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdOf {
    User,
    Role,
    Policy,
}

impl IdOf {
    const fn prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Role => "AROA",
            Self::Policy => "ANPA",
        }
    }
}

impl Fresh<'_> {
    /// A unique id: 21 letters, of which 17 are random.
    pub(super) fn id(&mut self, of: IdOf) -> String {
        self.letters(of.prefix(), 17)
    }

    /// An access key that begins now, and its secret.
    pub(super) fn key(&mut self) -> (KeyRecord, Secret) {
        let id = self.letters("AKIA", 16);
        let mut random = [0; 32];
        random[..16].copy_from_slice(&(self.entropy)().to_le_bytes());
        random[16..].copy_from_slice(&(self.entropy)().to_le_bytes());
        let secret = Secret::new(STANDARD.encode(&random[..30]));
        let sealed = self.seal(&sealed_as(&id), secret.expose().as_bytes());
        (KeyRecord { id, sealed, active: true, created_secs: self.now_secs }, secret)
    }

    pub(super) fn seal(&mut self, name: &str, plain: &[u8]) -> String {
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&(self.entropy)().to_le_bytes()[..12]);
        STANDARD.encode(self.master.seal(name, nonce, plain))
    }

    fn letters(&mut self, prefix: &str, count: usize) -> String {
        letters(prefix, count, (self.entropy)())
    }
}

/// Letters of unique ids, five bits each.
fn letters(prefix: &str, count: usize, mut bits: u128) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = prefix.to_owned();
    for _ in 0..count {
        text.push(char::from(LETTERS[usize::try_from(bits % 32).unwrap_or_default()]));
        bits /= 32;
    }
    text
}

/// The unique id of a policy that AWS manages: it follows from its ARN.
pub(crate) fn policy_id(arn: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, arn.as_bytes());
    let mut bits = [0; 16];
    bits.copy_from_slice(&digest.as_ref()[..16]);
    letters(IdOf::Policy.prefix(), 17, u128::from_le_bytes(bits))
}

fn sealed_as(key: &str) -> String {
    format!("{SEALED_AS}{key}")
}

/// Opens what was sealed, or says why not, without the secret.
pub(super) fn open(master: &MasterKey, name: &str, sealed: &str) -> Result<Vec<u8>, String> {
    let sealed = STANDARD.decode(sealed).map_err(|_| "a sealed value is no base64".to_owned())?;
    master.open(name, &sealed).map_err(|error| format!("a secret is {error}"))
}

/// The secret of an access key.
pub(super) fn secret(master: &MasterKey, key: &KeyRecord) -> Result<Secret, String> {
    let plain = open(master, &sealed_as(&key.id), &key.sealed)?;
    String::from_utf8(plain).map(Secret::new).map_err(|_| "a secret is no text".to_owned())
}
