//! A hold of expiry in words: what is kept longer than its retention, why, for how long, and what can be done.

use millpond_core::command::Command;
use millpond_core::outage::{ExpiryHold, HoldReason};
use millpond_core::outcome::Outcome;
use millpond_core::time::Timestamp;
use millpond_engine::EngineHandle;
use millpond_engine::step::Wait;
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

/// What a service that starts has to tell of the time that it was down: nothing when no message outlived its retention by
/// it and the clock is not in doubt.
pub(crate) async fn told_at_start(engine: &EngineHandle) -> Option<String> {
    let status = engine.status().await.ok()?;
    let hold = status.expiry_hold?;
    let matters = hold.reason == HoldReason::ClockJump || any_outlived(engine).await;
    matters.then(|| describe(&hold, status.now))
}

/// Whether any message is kept past its retention. When that can't be told it is taken to be so.
async fn any_outlived(engine: &EngineHandle) -> bool {
    let mut after = None;
    loop {
        let command = Command::DescribeQueues { after, limit: QUEUES_PER_CALL };
        match engine.call(command, Wait::Secs(0), 0).await.map(|answer| answer.outcome) {
            Ok(Outcome::Descriptions { queues, more_after }) => {
                if queues.iter().any(|queue| queue.outlived > 0) {
                    return true;
                }
                let Some(last) = more_after else { return false };
                after = Some(last);
            }
            _ => return true,
        }
    }
}

const QUEUES_PER_CALL: usize = 1_000;

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
