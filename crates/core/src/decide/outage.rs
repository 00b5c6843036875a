//! The service begins to run, notes its clock, and is told that its clock is right.
//!
//! What would expire while the service was down is kept for a grace; what would expire in time that the boot clock does
//! not account for is kept for as long as that time, or until someone confirms the clock.

use super::Decision;
use crate::event::Event;
use crate::limits;
use crate::outage::{BootReading, ExpiryHold, HoldReason};
use crate::outcome::Outcome;
use crate::state::State;
use crate::time::Timestamp;

/// A restart that takes no longer than this is no outage.
const RESTART_MILLIS: u64 = 1_000;
/// A machine that is up and has messages notes its clock this often, so that little time is unexplained after a reboot.
const NOTE_MILLIS: u64 = 30 * 60 * 1_000;

pub(super) fn begin(state: &State, now: Timestamp, receipt_key: [u8; 16], reading: BootReading) -> Decision {
    let mut events = Vec::new();
    if state.instance().receipt_key.is_none() {
        events.push(Event::Initialised { receipt_key });
    }
    if state.holds_messages() {
        events.extend(hold(state, now, &reading).map(Event::ExpiryHeld));
    }
    events.push(Event::ClockNoted { reading });
    (events, Outcome::Done)
}

/// The hold that the time since the last batch asks for.
fn hold(state: &State, now: Timestamp, reading: &BootReading) -> Option<ExpiryHold> {
    let last = state.clock();
    if now.millis_since(last) <= RESTART_MILLIS {
        return None;
    }
    let noted = state.instance().noted_reading;
    let explained = noted.and_then(|noted| noted.time_at(reading)).map_or(last, |time| time.max(last));
    let unexplained_millis = now.millis_since(explained);
    let grace = now.plus_secs(limits::EXPIRY_GRACE_SECS);
    let (until, reason) = if unexplained_millis > limits::CLOCK_JUMP_SECS * 1_000 {
        (grace.max(now.plus_millis(unexplained_millis)), HoldReason::ClockJump)
    } else {
        (grace, HoldReason::Outage)
    };
    let hold = ExpiryHold { from: last, up_at: now, until, reason };
    Some(hold.after(state.instance().expiry_hold))
}

/// Notes the clock when that is due, or `at_once`: before the service stops.
pub(super) fn note_clock(state: &State, now: Timestamp, reading: BootReading, at_once: bool) -> Decision {
    let stale_millis = now.millis_since(state.clock());
    let due = stale_millis >= if at_once { RESTART_MILLIS } else { NOTE_MILLIS };
    let event = (due && state.holds_messages()).then_some(Event::ClockNoted { reading });
    (event.into_iter().collect(), Outcome::Done)
}

/// The time went forward because a test asked for it. The note says that this time belongs to this reading, so that
/// the next start takes the jump for explained, and goes on behind it.
pub(super) fn note_jump(reading: BootReading) -> Decision {
    (vec![Event::ClockNoted { reading }], Outcome::Done)
}

/// The time is right: what a jump of the clock holds goes after the grace that every outage has.
pub(super) fn confirm_clock(state: &State, now: Timestamp) -> Decision {
    match state.instance().expiry_hold.filter(|hold| hold.until > now) {
        Some(hold) if hold.reason == HoldReason::ClockJump => {
            let until = hold.up_at.plus_secs(limits::EXPIRY_GRACE_SECS).max(now);
            let confirmed = ExpiryHold { until, reason: HoldReason::Outage, ..hold };
            (
                vec![Event::ExpiryHeld(confirmed)],
                Outcome::ExpiryHold { hold: Some(confirmed), confirmed: true },
            )
        }
        hold => (Vec::new(), Outcome::ExpiryHold { hold, confirmed: false }),
    }
}
