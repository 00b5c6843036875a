//! Numbers that parameters take, and the words for those they do not.

use std::ops::RangeInclusive;

use millpond_wire::shape::Integer;

use crate::error::SqsError;

/// A number of things.
pub(crate) fn count(
    number: Integer,
    name: &'static str,
    range: RangeInclusive<u32>,
) -> Result<u32, SqsError> {
    within(number, name, range, |least, most| format!("Must be between {least} and {most}, if provided."))
}

/// A number of seconds.
pub(crate) fn seconds(
    number: Integer,
    name: &'static str,
    range: RangeInclusive<u32>,
) -> Result<u32, SqsError> {
    within(number, name, range, |least, most| format!("Must be >= {least} and <= {most}, if provided."))
}

/// A number of seconds whose refusal repeats the parameter's name, as that of `DelaySeconds` does.
pub(crate) fn named_seconds(
    number: Integer,
    name: &'static str,
    range: RangeInclusive<u32>,
) -> Result<u32, SqsError> {
    within(number, name, range, |least, most| format!("{name} must be >= {least} and <= {most}."))
}

fn within(
    Integer(number): Integer,
    name: &'static str,
    range: RangeInclusive<u32>,
    reason: impl FnOnce(u32, u32) -> String,
) -> Result<u32, SqsError> {
    match u32::try_from(number) {
        Ok(fitting) if range.contains(&fitting) => Ok(fitting),
        _ => Err(SqsError::invalid(number, name, reason(*range.start(), *range.end()))),
    }
}
