//! The attributes that only a FIFO queue has, and their values.

use millpond_core::queue::{DeduplicationScope, FifoThroughputLimit};

use crate::error::SqsError;

pub(super) fn parse_scope(value: &str) -> Result<DeduplicationScope, SqsError> {
    match value {
        "queue" => Ok(DeduplicationScope::Queue),
        "messageGroup" => Ok(DeduplicationScope::MessageGroup),
        _ => Err(SqsError::InvalidAttributeValue("DeduplicationScope")),
    }
}

pub(super) const fn scope(scope: DeduplicationScope) -> &'static str {
    match scope {
        DeduplicationScope::Queue => "queue",
        DeduplicationScope::MessageGroup => "messageGroup",
    }
}

pub(super) fn parse_limit(value: &str) -> Result<FifoThroughputLimit, SqsError> {
    match value {
        "perQueue" => Ok(FifoThroughputLimit::PerQueue),
        "perMessageGroupId" => Ok(FifoThroughputLimit::PerMessageGroupId),
        _ => Err(SqsError::InvalidAttributeValue("FifoThroughputLimit")),
    }
}

pub(super) const fn limit(limit: FifoThroughputLimit) -> &'static str {
    match limit {
        FifoThroughputLimit::PerQueue => "perQueue",
        FifoThroughputLimit::PerMessageGroupId => "perMessageGroupId",
    }
}
