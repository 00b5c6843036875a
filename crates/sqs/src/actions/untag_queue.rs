//! `UntagQueue`: removes tags of a queue. Keys that it does not have are no error.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_UntagQueue.html>.

use millpond_core::command::Command;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{List, Text};
use serde::Deserialize;

use super::Reply;
use crate::prepare::{Call, Prepared};
use crate::tags;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    tag_keys: Option<List<Text<'a>>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let given = request.tag_keys.unwrap_or_default().items;
    if given.is_empty() {
        // In the words of AWS, which takes no keys for an empty one.
        tags::check_key_length("")?;
    }
    let keys: Vec<String> = given.into_iter().map(|key| key.0.into_owned()).collect();
    keys.iter().try_for_each(|key| tags::check_key_length(key))?;
    Ok(Prepared::about(key.clone(), Command::UntagQueue { key, keys }, Reply::Empty))
}
