//! `TagQueue`: sets tags of a queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_TagQueue.html>.

use millpond_core::command::Command;
use millpond_wire::error::ApiError;
use millpond_wire::shape::Text;
use serde::Deserialize;

use super::Reply;
use crate::error::SqsError;
use crate::prepare::{Call, Prepared};
use crate::tags::{self, GivenTags};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    tags: Option<GivenTags<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let given = request.tags.filter(|tags| tags.sent > 0);
    let given = given.ok_or(SqsError::MissingParameter("Tags".into()))?;
    let tags = tags::parse(given, key.name.as_str())?;
    let reply = Reply::Changed { queue_name: key.name.clone() };
    Ok(Prepared::about(key.clone(), Command::TagQueue { key, tags }, reply))
}
