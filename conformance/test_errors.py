"""Errors as they are on the wire: status, error type, text and the headers that SDKs read."""

import re
from email.utils import parsedate_to_datetime

import pytest

import raw_http
from raw_http import call

# The requests are written here, as bytes; test_query_requests.py has those of AWS Query.
PROTOCOLS = ["json"]

SQS = "com.amazonaws.sqs#"
CORAL = "com.amazon.coral.service#"
PREFIX = "AWS.SimpleQueueService."


def cases(queue):
    """Request, then status, error type, query code and text as AWS gives them."""
    absent = queue + "-absent"
    no_queue = (400, SQS + "QueueDoesNotExist", PREFIX + "NonExistentQueue", "The specified queue does not exist.")
    return {
        "queue": ("SendMessage", {"QueueUrl": absent, "MessageBody": "x"}, *no_queue),
        "queue before handle": ("DeleteMessage", {"QueueUrl": absent, "ReceiptHandle": "made-up"}, *no_queue),
        "no queue url": ("GetQueueAttributes", {"QueueUrl": "http://somewhere-else"}, *no_queue),
        "queue name": ("GetQueueUrl", {"QueueName": absent.rsplit("/", 1)[1]}, *no_queue),
        "attribute name": (
            "GetQueueAttributes",
            {"QueueUrl": queue, "AttributeNames": ["Foobar"]},
            400,
            SQS + "InvalidAttributeName",
            "InvalidAttributeName",
            "Unknown Attribute Foobar.",
        ),
        "receipt handle": (
            "DeleteMessage",
            {"QueueUrl": queue, "ReceiptHandle": "made-up"},
            400,
            SQS + "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            'The input receipt handle "made-up" is not a valid receipt handle.',
        ),
        "empty body": (
            "SendMessage",
            {"QueueUrl": queue, "MessageBody": ""},
            400,
            CORAL + "MissingRequiredParameterException",
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ),
        "no body": (
            "SendMessage",
            {"QueueUrl": queue},
            400,
            CORAL + "MissingRequiredParameterException",
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ),
        "contents": (
            "SendMessage",
            {"QueueUrl": queue, "MessageBody": "\u0008"},
            400,
            SQS + "InvalidMessageContents",
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are "
            "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ),
        "parameter value": (
            "ReceiveMessage",
            {"QueueUrl": queue, "MaxNumberOfMessages": 11},
            400,
            CORAL + "InvalidParameterValueException",
            "InvalidParameterValue",
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        "batch": (
            "SendMessageBatch",
            {"QueueUrl": queue, "Entries": []},
            400,
            SQS + "EmptyBatchRequest",
            PREFIX + "EmptyBatchRequest",
            "There should be at least one SendMessageBatchRequestEntry in the request.",
        ),
    }


@pytest.mark.parametrize("case", cases("/name").keys())
def test_an_error_has_status_type_code_and_text(endpoint, queue, case):
    action, parameters, status, error_type, code, message = cases(queue)[case]
    reply = call(endpoint, action, parameters)
    assert reply.status == status
    assert reply.error_type() == error_type
    assert reply.message() == message
    assert reply.headers["x-amzn-query-error"] == f"{code};Sender"
    assert reply.headers["Content-Type"] == raw_http.JSON_TYPE


@pytest.mark.parametrize("status", [200, 400])
def test_every_reply_has_a_request_id_and_a_date(endpoint, queue, status):
    names = [] if status == 200 else ["Foobar"]
    reply = call(endpoint, "GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": names})
    assert reply.status == status
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", reply.headers["x-amzn-RequestId"])
    # SDKs correct their clocks by this header.
    assert parsedate_to_datetime(reply.headers["Date"])
    assert reply.headers["Content-Type"] == raw_http.JSON_TYPE


def test_request_ids_differ(endpoint, queue):
    replies = [call(endpoint, "GetQueueAttributes", {"QueueUrl": queue}) for _ in range(2)]
    assert len({reply.headers["x-amzn-RequestId"] for reply in replies}) == 2


def test_an_unknown_action_is_an_error_that_names_its_type(endpoint):
    reply = call(endpoint, "DrainQueue", {})
    assert 400 <= reply.status < 500
    assert reply.error_type()


def test_no_action_at_all_is_an_error(endpoint):
    assert 400 <= raw_http.post(endpoint, b"{}", {}).status < 500


def test_json_sent_to_the_path_of_the_queue_works(endpoint, queue):
    path = "/" + queue.split("/", 3)[3]
    body = b'{"QueueUrl": "%s", "MessageBody": "x"}' % queue.encode()
    reply = raw_http.post(endpoint, body, {"X-Amz-Target": "AmazonSQS.SendMessage"}, path)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == raw_http.JSON_TYPE
    assert reply.json()["MessageId"]
