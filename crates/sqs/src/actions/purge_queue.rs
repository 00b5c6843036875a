//! `PurgeQueue`: drops all messages of a queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html>.

use millpond_core::command::Command;
use millpond_wire::error::ApiError;

use super::Reply;
use crate::prepare::{Call, Prepared};
use crate::queue_url::QueueOnly;

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let key = call.decode::<QueueOnly<'_>>()?.resolve(call)?;
    let reply = Reply::Changed { queue_name: key.name.clone() };
    Ok(Prepared::about(key.clone(), Command::PurgeQueue { key }, reply))
}
