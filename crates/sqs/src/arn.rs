//! Names of queues as ARNs, `arn:aws:sqs:<region>:<account>:<name>`.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

use millpond_core::name::{AccountId, QueueKey, QueueName, Region};

/// Why a text names no queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoQueue {
    /// It is no ARN.
    NoArn,
    /// It is the ARN of something else.
    OtherService,
}

/// The ARN of a queue.
pub(crate) fn of_queue(QueueKey { account, region, name }: &QueueKey) -> String {
    format!("arn:aws:sqs:{region}:{account}:{name}")
}

/// The queue that an ARN names.
pub(crate) fn parse(arn: &str) -> Result<QueueKey, NoQueue> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [arn, "aws", service, region, account, name] = parts[..] else { return Err(NoQueue::NoArn) };
    if arn != "arn" || service.is_empty() {
        return Err(NoQueue::NoArn);
    }
    if service != "sqs" {
        return Err(NoQueue::OtherService);
    }
    let key = || {
        Some(QueueKey {
            account: AccountId::parse(account)?,
            region: Region::parse(region)?,
            name: QueueName::parse(name)?,
        })
    };
    key().ok_or(NoQueue::NoArn)
}
