//! What names wait for, as bytes.

use super::Malformed;
use super::codec::{Put, Take};
use super::name::{put_queue_key, take_queue_key};
use crate::event::Event;
use crate::name::QueueKey;
use crate::pacing::{WaitingRule, Waits};
use crate::time::Timestamp;

const FORGOTTEN: u8 = 0;
const CREATE_AFTER_DELETE: u8 = 1;
const PURGE_AFTER_PURGE: u8 = 2;
const WHAT: &str = "wait of a name";

/// A wait that begins, or that all are forgotten.
pub(super) fn put_wait_change(out: &mut Vec<u8>, begun: Option<(WaitingRule, &QueueKey)>) {
    let Some((rule, key)) = begun else { return out.put_tag(FORGOTTEN) };
    out.put_tag(tag(rule));
    put_queue_key(out, key);
}

pub(super) fn take_wait_change(take: &mut Take) -> Result<Event, Malformed> {
    match take.tag(WHAT)? {
        FORGOTTEN => Ok(Event::WaitsForgotten),
        tag => Ok(Event::WaitBegun { rule: rule(tag)?, key: take_queue_key(take)? }),
    }
}

pub(super) fn put_waits(out: &mut Vec<u8>, waits: &Waits) {
    out.put_varint(waits.iter().len() as u64);
    for (rule, key, since) in waits.iter() {
        out.put_tag(tag(rule));
        put_queue_key(out, key);
        out.put_varint(since.as_millis());
    }
}

pub(super) fn take_waits(take: &mut Take) -> Result<Waits, Malformed> {
    let mut waits = Waits::default();
    for _ in 0..take.count(WHAT)? {
        let rule = rule(take.tag(WHAT)?)?;
        let key = take_queue_key(take)?;
        waits.restore(rule, key, Timestamp::from_millis(take.varint(WHAT)?));
    }
    Ok(waits)
}

const fn tag(rule: WaitingRule) -> u8 {
    match rule {
        WaitingRule::CreateAfterDelete => CREATE_AFTER_DELETE,
        WaitingRule::PurgeAfterPurge => PURGE_AFTER_PURGE,
    }
}

const fn rule(tag: u8) -> Result<WaitingRule, Malformed> {
    match tag {
        CREATE_AFTER_DELETE => Ok(WaitingRule::CreateAfterDelete),
        PURGE_AFTER_PURGE => Ok(WaitingRule::PurgeAfterPurge),
        tag => Err(Malformed::UnknownTag { what: WHAT, tag }),
    }
}
