//! `DeleteQueue`: deletes a queue with its messages.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html>.

use millpond_core::command::Command;
use millpond_wire::error::ApiError;

use super::Reply;
use crate::prepare::{Call, Prepared};
use crate::queue_url::QueueOnly;

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let key = call.decode::<QueueOnly<'_>>()?.resolve(call)?;
    Ok(Prepared::about(key.clone(), Command::DeleteQueue { key }, Reply::Empty))
}
