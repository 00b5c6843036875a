//! The settings of a standard queue after some are given.

use millpond_core::queue::{AttributePatch, QueueAttributes};

pub(super) fn changed(current: &QueueAttributes, patch: &AttributePatch) -> QueueAttributes {
    let mut changed = current.clone();
    let AttributePatch {
        delay_secs,
        maximum_message_bytes,
        retention_secs,
        receive_wait_secs,
        visibility_timeout_secs,
        managed_sse_enabled,
        redrive,
        ..
    } = patch.clone();
    delay_secs.inspect(|given| changed.delay_secs = *given);
    maximum_message_bytes.inspect(|given| changed.maximum_message_bytes = *given);
    retention_secs.inspect(|given| changed.retention_secs = *given);
    receive_wait_secs.inspect(|given| changed.receive_wait_secs = *given);
    visibility_timeout_secs.inspect(|given| changed.visibility_timeout_secs = *given);
    redrive.inspect(|given| changed.redrive.clone_from(given));
    managed_sse_enabled.inspect(|given| changed.managed_sse_enabled = *given);
    changed
}
