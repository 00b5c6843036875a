//! What is known of outages, as bytes: readings of the boot clock, and holds of expiry.

use super::Malformed;
use super::codec::{Put, Take};
use crate::outage::{BootReading, ExpiryHold, HoldReason, NotedReading};
use crate::time::Timestamp;

const NOTHING: u8 = 0;
const PRESENT: u8 = 1;
const HELD_FOR_OUTAGE: u8 = 1;
const HELD_FOR_CLOCK_JUMP: u8 = 2;

pub(super) fn put_reading(out: &mut Vec<u8>, reading: &BootReading) {
    let BootReading { boot_id, millis } = reading;
    out.extend_from_slice(boot_id);
    out.put_varint(*millis);
}

pub(super) fn take_reading(take: &mut Take) -> Result<BootReading, Malformed> {
    const WHAT: &str = "reading of the boot clock";
    Ok(BootReading { boot_id: take.array(WHAT)?, millis: take.varint(WHAT)? })
}

pub(super) fn put_noted(out: &mut Vec<u8>, noted: Option<&NotedReading>) {
    let Some(NotedReading { at, reading }) = noted else { return out.put_tag(NOTHING) };
    out.put_tag(PRESENT);
    out.put_varint(at.as_millis());
    put_reading(out, reading);
}

pub(super) fn take_noted(take: &mut Take) -> Result<Option<NotedReading>, Malformed> {
    const WHAT: &str = "noted reading";
    match take.tag(WHAT)? {
        NOTHING => Ok(None),
        PRESENT => {
            let at = Timestamp::from_millis(take.varint(WHAT)?);
            Ok(Some(NotedReading { at, reading: take_reading(take)? }))
        }
        tag => Err(Malformed::UnknownTag { what: WHAT, tag }),
    }
}

/// A tag for the reason, 0 when there is no hold.
pub(super) fn put_hold(out: &mut Vec<u8>, hold: Option<&ExpiryHold>) {
    let Some(ExpiryHold { from, up_at, until, reason }) = hold else { return out.put_tag(NOTHING) };
    out.put_tag(match reason {
        HoldReason::Outage => HELD_FOR_OUTAGE,
        HoldReason::ClockJump => HELD_FOR_CLOCK_JUMP,
    });
    for time in [from, up_at, until] {
        out.put_varint(time.as_millis());
    }
}

pub(super) fn take_hold(take: &mut Take) -> Result<Option<ExpiryHold>, Malformed> {
    const WHAT: &str = "expiry hold";
    let reason = match take.tag(WHAT)? {
        NOTHING => return Ok(None),
        HELD_FOR_OUTAGE => HoldReason::Outage,
        HELD_FOR_CLOCK_JUMP => HoldReason::ClockJump,
        tag => return Err(Malformed::UnknownTag { what: WHAT, tag }),
    };
    let mut time = || take.varint(WHAT).map(Timestamp::from_millis);
    Ok(Some(ExpiryHold { from: time()?, up_at: time()?, until: time()?, reason }))
}
