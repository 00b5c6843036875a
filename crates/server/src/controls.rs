//! The calls for tests: everything gone at once, time that has passed at once.
//!
//! They ask nobody whose the messages are, so they are refused unless the service was started for tests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::Access;
use crate::behaviour::TestControls;
use crate::own;
use crate::respond::{self, Reply};

/// The furthest that one call puts the clock forward: well beyond the longest retention.
const ADVANCE_SECS_MAX: f64 = 366.0 * 86_400.0;
const OFF: &str = "this service does not let its callers empty it or put its clock forward, since that takes and ages \
                   everyone's messages; start it with --auth off and --test-controls, or with --auth off \
                   --in-memory, for tests";

/// Takes away all queues, and puts those back that were declared, empty.
pub(crate) async fn reset(
    engine: &EngineHandle,
    access: &Arc<Access>,
    controls: Option<&TestControls>,
) -> Reply {
    let Some(controls) = controls else { return respond::own_error(403, OFF) };
    let emptied = controls.reset(engine, access).await;
    answered(emptied.map(|(queues, messages)| json!({ "queues": queues, "messages": messages })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

/// Puts the clock forward.
pub(crate) async fn advance_clock(
    engine: &EngineHandle,
    controls: Option<&TestControls>,
    body: &Bytes,
) -> Reply {
    if controls.is_none() {
        return respond::own_error(403, OFF);
    }
    let seconds = match serde_json::from_slice::<Advance>(body) {
        Ok(Advance { seconds }) => seconds,
        Err(error) => {
            return respond::own_error(400, &format!("send {{\"seconds\": 900}}: {error}"));
        }
    };
    if !(0.0..=ADVANCE_SECS_MAX).contains(&seconds) {
        return respond::own_error(400, "seconds is from 0 to 31622400, which is 366 days");
    }
    answered(advanced(engine, Duration::from_secs_f64(seconds)).await)
}

async fn advanced(engine: &EngineHandle, by: Duration) -> Result<Value, CallError> {
    engine.advance_clock(by).await?;
    own::clock(engine).await
}

fn answered(result: Result<Value, CallError>) -> Reply {
    match result {
        Ok(body) => respond::own(200, &body),
        Err(error) => respond::own_error(503, &error.to_string()),
    }
}
