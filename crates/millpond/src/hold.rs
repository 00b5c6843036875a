//! A hold of expiry in words: what is kept longer than its retention, why, for how long, and what can be done.

use millpond_core::outage::{ExpiryHold, HoldReason};
use millpond_core::time::Timestamp;
use serde_json::Value;

use crate::table::span;

/// The hold in an answer of the service, as `docs/api.md` describes it.
pub(crate) fn read(body: &Value) -> Option<ExpiryHold> {
    let hold = body.get("expiry_hold")?;
    let time = |name: &str| hold[name].as_u64().map(Timestamp::from_millis);
    let reason = match hold["reason"].as_str()? {
        "clock_jump" => HoldReason::ClockJump,
        _ => HoldReason::Outage,
    };
    Some(ExpiryHold {
        from: time("from_millis")?,
        up_at: time("up_at_millis")?,
        until: time("until_millis")?,
        reason,
    })
}

/// What the hold means, for people.
pub(crate) fn describe(hold: &ExpiryHold, now: Timestamp) -> String {
    let rest = span(hold.until.millis_since(now) / 1000);
    match hold.reason {
        HoldReason::Outage => {
            format!("the service was down: messages whose retention ended are kept for another {rest}")
        }
        HoldReason::ClockJump => format!(
            "the time went forward by {} while the service was down, and nothing shows that this much has passed: no \
             message expires for another {rest}. If the clock is right: millpond clock confirm",
            span(hold.up_at.millis_since(hold.from) / 1000)
        ),
    }
}
