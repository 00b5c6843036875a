//! What AWS Query calls the lists and maps of SQS, in requests and replies, and where it words an error its own way.
//!
//! Source: the service model of AWS SDKs from before they spoke JSON to SQS, and
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html>.

use millpond_wire::error::{ApiError, UNKNOWN_OPERATION};
use millpond_wire::query::{Flattened, QueryService};

use crate::error::QUEUE_DOES_NOT_EXIST;

/// SQS, as AWS Query must know it.
pub static QUERY: QueryService = QueryService {
    namespace: "http://queue.amazonaws.com/doc/2012-11-05/",
    flattened: &[
        Flattened::list("AWSAccountIds", "AWSAccountId"),
        Flattened::list("Actions", "ActionName"),
        Flattened::list("AttributeNames", "AttributeName"),
        Flattened::map("Attributes", "Attribute", "Name", "Value"),
        Flattened::list("BinaryListValues", "BinaryListValue"),
        Flattened::list_of_action("Entries", "RequestEntry"),
        Flattened::list("Failed", "BatchResultErrorEntry"),
        Flattened::list("MessageAttributeNames", "MessageAttributeName"),
        Flattened::map("MessageAttributes", "MessageAttribute", "Name", "Value"),
        Flattened::list("MessageSystemAttributeNames", "MessageSystemAttributeName"),
        Flattened::map("MessageSystemAttributes", "MessageSystemAttribute", "Name", "Value"),
        Flattened::list("Messages", "Message").in_json("messages", "ReceiveMessage"),
        Flattened::list("QueueUrls", "QueueUrl").in_json("queueUrls", "ListQueues"),
        Flattened::list_of_action("Results", "ResultEntry"),
        Flattened::list("StringListValues", "StringListValue"),
        Flattened::list_of_action("Successful", "ResultEntry"),
        Flattened::list("TagKeys", "TagKey"),
        Flattened::map("Tags", "Tag", "Key", "Value"),
        Flattened::list("queueUrls", "QueueUrl"),
        Flattened::map("tags", "Tag", "Key", "Value"),
    ],
};

/// The actions that are about no queue, and that a queue's path does not take.
pub(crate) const NOT_ON_A_QUEUE: [&str; 2] = ["CreateQueue", "ListQueues"];

/// The refusal of an action that is unknown, or does not belong where it was sent.
pub(crate) fn not_valid_here(action: &str) -> ApiError {
    const LONGEST: usize = 80;
    let shown: String = action.chars().take(LONGEST).collect();
    UNKNOWN_OPERATION.because(format!("The action {shown} is not valid for this endpoint."))
}

/// The error as AWS Query words it.
pub(crate) fn reworded(error: ApiError) -> ApiError {
    if error.kind() == &QUEUE_DOES_NOT_EXIST {
        QUEUE_DOES_NOT_EXIST.because("The specified queue does not exist for this wsdl version.")
    } else {
        error
    }
}
