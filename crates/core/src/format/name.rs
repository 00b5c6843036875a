//! The names of queues and their tags, as events and rows hold them.

use super::Malformed;
use super::codec::{Put, Take};
use crate::name::{AccountId, QueueKey, QueueName, Region};
use crate::queue::Tags;

pub(super) fn put_queue_key(out: &mut Vec<u8>, key: &QueueKey) {
    out.put_varint(key.account.as_number());
    out.put_byte_string(key.region.as_str().as_bytes());
    out.put_byte_string(key.name.as_str().as_bytes());
}

pub(super) fn take_queue_key(take: &mut Take) -> Result<QueueKey, Malformed> {
    const WHAT: &str = "queue name";
    let account = AccountId::from_number(take.varint(WHAT)?).ok_or(Malformed::Impossible(WHAT))?;
    let region = Region::parse(&take.text(WHAT)?).ok_or(Malformed::Impossible(WHAT))?;
    let name = QueueName::parse(&take.text(WHAT)?).ok_or(Malformed::Impossible(WHAT))?;
    Ok(QueueKey { account, region, name })
}

pub(super) fn put_tags(out: &mut Vec<u8>, tags: &Tags) {
    out.put_varint(tags.len() as u64);
    for (key, value) in tags {
        out.put_byte_string(key.as_bytes());
        out.put_byte_string(value.as_bytes());
    }
}

pub(super) fn take_tags(take: &mut Take) -> Result<Tags, Malformed> {
    const WHAT: &str = "queue tag";
    (0..take.count(WHAT)?).map(|_| Ok((take.text(WHAT)?, take.text(WHAT)?))).collect()
}
