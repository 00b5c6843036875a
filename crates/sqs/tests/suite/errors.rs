//! The table of errors, row by row.

use std::collections::BTreeSet;

use millpond_core::quota::{QuotaScope, QuotaUnit};
use millpond_sqs::error::{ERRORS, MessageAttributeError, SqsError};
use millpond_wire::error::{ApiError, CORAL_ERRORS, ErrorKind, Fault};

/// Shape, query code and status of every modelled error, as documented or recorded.
const DOCUMENTED: [(&str, &str, u16); 17] = [
    ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400),
    ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400),
    ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400),
    ("InvalidAddress", "InvalidAddress", 404),
    ("InvalidAttributeName", "InvalidAttributeName", 400),
    ("InvalidAttributeValue", "InvalidAttributeValue", 400),
    ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400),
    ("InvalidMessageContents", "InvalidMessageContents", 400),
    ("OverLimit", "OverLimit", 403),
    ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403),
    ("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400),
    ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400),
    ("QueueNameExists", "QueueAlreadyExists", 400),
    ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400),
    ("ResourceNotFoundException", "ResourceNotFoundException", 404),
    ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400),
    ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400),
];

#[test]
fn every_row_is_as_documented() {
    let rows: Vec<_> = ERRORS.iter().map(|kind| (kind.shape, kind.query_code, kind.status)).collect();
    assert_eq!(rows, DOCUMENTED);
    assert!(ERRORS.iter().all(|kind| kind.namespace == "com.amazonaws.sqs" && kind.fault == Fault::Sender));
}

#[test]
fn no_two_rows_are_one_error() {
    let kinds: Vec<&ErrorKind> = ERRORS.iter().copied().chain(CORAL_ERRORS).collect();
    let shapes: BTreeSet<_> = kinds.iter().map(|kind| kind.shape).collect();
    let codes: BTreeSet<_> = kinds.iter().map(|kind| kind.query_code).collect();
    assert_eq!((shapes.len(), codes.len()), (kinds.len(), kinds.len()));
}

#[test]
fn every_error_travels_as_its_row() {
    let text = String::new;
    let errors = [
        (SqsError::QueueDoesNotExist, "QueueDoesNotExist"),
        (SqsError::QueueNameExists("a"), "QueueNameExists"),
        (SqsError::QueueDeletedRecently, "QueueDeletedRecently"),
        (SqsError::PurgeQueueInProgress(text()), "PurgeQueueInProgress"),
        (SqsError::InvalidAddress(text()), "InvalidAddress"),
        (SqsError::InvalidQueueName, "InvalidParameterValueException"),
        (SqsError::EmptyQueueName, "InvalidParameterValueException"),
        (SqsError::MissingParameter("a".into()), "MissingRequiredParameterException"),
        (SqsError::UnknownAttribute(text()), "InvalidAttributeName"),
        (SqsError::OnlyForFifo("a"), "InvalidAttributeName"),
        (SqsError::InvalidAttributeValue("a"), "InvalidAttributeValue"),
        (SqsError::ResourceNotFound("a"), "ResourceNotFoundException"),
        (SqsError::TaskDoesNotExist, "ResourceNotFoundException"),
        (SqsError::InvalidArn("a"), "InvalidParameterValueException"),
        (SqsError::InvalidTaskHandle, "InvalidParameterValueException"),
        (SqsError::MoveTaskRefused("a"), "InvalidParameterValueException"),
        (SqsError::TaskHasEnded, "UnsupportedOperation"),
        (SqsError::TooManyMoveTasks { limit: 1 }, "OverLimit"),
        (SqsError::InvalidMessageContents, "InvalidMessageContents"),
        (SqsError::InvalidAttributeContents, "InvalidParameterValueException"),
        (MessageAttributeError::ListValues.into(), "InvalidParameterValueException"),
        (SqsError::MessageTooLong { limit_bytes: 1, in_batch: false }, "InvalidParameterValueException"),
        (SqsError::EmptyBatch("a"), "EmptyBatchRequest"),
        (SqsError::TooManyEntries { sent: 11 }, "TooManyEntriesInBatchRequest"),
        (SqsError::InvalidEntryId, "InvalidBatchEntryId"),
        (SqsError::EntryIdRepeated(text()), "BatchEntryIdsNotDistinct"),
        (SqsError::BatchTooLong { sent_bytes: 1 }, "BatchRequestTooLong"),
        (SqsError::ReceiptHandleIsInvalid(text()), "ReceiptHandleIsInvalid"),
        (SqsError::TooManyInFlight, "OverLimit"),
        (SqsError::QuotaExceeded { scope: QuotaScope::Queue, unit: QuotaUnit::Bytes, limit: 1 }, "OverLimit"),
        (SqsError::Internal("a".into()), "InternalFailure"),
    ];
    for (error, shape) in errors {
        let text = error.to_string();
        let error = ApiError::from(error);
        assert_eq!((error.kind().shape, error.message()), (shape, &*text));
    }
}

#[test]
fn an_error_reads_as_clients_expect() {
    let error = ApiError::from(SqsError::QueueDoesNotExist);
    let body = String::from_utf8(error.to_json()).unwrap();
    let expected =
        r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#;
    assert_eq!(body, expected);
    assert_eq!(error.query_error(), "AWS.SimpleQueueService.NonExistentQueue;Sender");
}

#[test]
fn a_failure_of_the_service_is_the_receivers() {
    let error = ApiError::from(SqsError::Internal("no".into()));
    assert_eq!((error.status(), error.query_error()), (500, "InternalFailure;Receiver".to_owned()));
    assert_eq!(error.message(), "The service failed: no. The request may be tried again.");
}

#[test]
fn a_quota_says_which_it_is_and_where_to_change_it() {
    let (scope, unit) = (QuotaScope::Account, QuotaUnit::Messages);
    let error = ApiError::from(SqsError::QuotaExceeded { scope, unit, limit: 7 });
    assert_eq!(error.status(), 403);
    let text = "The account would hold more than 7 messages, which is its quota. Delete messages, or raise \
                --max-account-messages, a setting of the service.";
    assert_eq!(error.message(), text);
}

#[test]
fn too_many_in_flight_says_what_to_do() {
    let error = ApiError::from(SqsError::TooManyInFlight);
    assert_eq!(error.status(), 403);
    assert!(error.message().contains("120000") && error.message().contains("Delete received messages"));
}
