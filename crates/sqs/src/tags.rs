//! Tags of a queue, read and checked.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html> and
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-quotas.html>.

use millpond_core::limits;
use millpond_core::queue::Tags;
use millpond_wire::shape::{Map, Text};

use crate::error::SqsError;

/// What a request gives, of which no more is kept than a queue may have and one that is too many.
pub(crate) type GivenTags<'a> = Map<'a, Text<'a>, { limits::QUEUE_TAGS + 1 }>;

/// Reads the tags given for a queue.
pub(crate) fn parse(given: GivenTags<'_>, queue: &str) -> Result<Tags, SqsError> {
    if given.sent > limits::QUEUE_TAGS {
        return Err(SqsError::TooManyTags(queue.to_owned()));
    }
    let tags: Tags =
        given.entries.into_iter().map(|(key, value)| (key.into_owned(), value.0.into_owned())).collect();
    for (key, value) in &tags {
        check_key(key)?;
        check_value(value)?;
    }
    Ok(tags)
}

/// Checks the key of a tag that is to be set.
fn check_key(key: &str) -> Result<(), SqsError> {
    check_key_length(key)?;
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(SqsError::InvalidTag("Tag keys can't begin with aws:, which is reserved for AWS."));
    }
    check_letters(key)
}

/// Checks what holds for every key.
pub(crate) fn check_key_length(key: &str) -> Result<(), SqsError> {
    let fits = limits::TAG_KEY_CHARS.contains(&key.chars().count());
    fits.then_some(()).ok_or(SqsError::InvalidTag("Tag keys must be between 1 and 128 characters in length."))
}

fn check_value(value: &str) -> Result<(), SqsError> {
    if value.chars().count() > limits::TAG_VALUE_CHARS {
        return Err(SqsError::InvalidTag("Tag values must be between 0 and 256 characters in length."));
    }
    check_letters(value)
}

fn check_letters(text: &str) -> Result<(), SqsError> {
    let allowed =
        |letter: char| letter.is_alphanumeric() || letter.is_whitespace() || "_.:/=+-@".contains(letter);
    let allowed = text.chars().all(allowed);
    allowed.then_some(()).ok_or(SqsError::InvalidTag(
        "Tag keys and values can only include letters, digits, whitespace and _ . : / = + - @",
    ))
}
