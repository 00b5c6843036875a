"""A message is received with what was sent, stays hidden while it is in flight, and is gone once deleted."""

import hashlib
import time

import pytest

BODIES = [
    "Jane,UK",
    " leading and trailing ",
    "line\nbreaks\r\nand\ttabs",
    "Zoë, 東京, 🦆",
    '{"quotes": "\\"and\\\\ backslashes\\""}',
    "<xml attribute='x'>&amp;</xml>",
    "\u0085\u2028\ud7ff\ue000\ufffd\U0010ffff",
]


@pytest.mark.parametrize("body", BODIES)
def test_a_body_comes_back_as_it_was_sent(sqs, queue, body):
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    md5 = hashlib.md5(body.encode()).hexdigest()
    assert sent["MD5OfMessageBody"] == md5
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == body
    assert message["MD5OfBody"] == md5
    assert message["ReceiptHandle"]


def test_an_empty_receive_has_no_messages_member(sqs, queue):
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_received_message_is_hidden(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="once")
    assert len(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_deleted_message_does_not_come_back(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="once")
    (message,) = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=1, WaitTimeSeconds=5)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)


def test_deleting_twice_succeeds(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="once")
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_every_message_is_received_once_while_in_flight(sqs, queue):
    sent = {sqs.send_message(QueueUrl=queue, MessageBody=f"body {number}")["MessageId"] for number in range(25)}
    received = []
    while len(received) < len(sent):
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        received += [message["MessageId"] for message in answer["Messages"]]
    assert sorted(received) == sorted(sent)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)


def test_a_receive_returns_no_more_than_asked_and_one_by_default(sqs, queue):
    for number in range(5):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))
    assert len(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]) == 1
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=3, WaitTimeSeconds=5)
    assert 1 <= len(answer["Messages"]) <= 3


def test_system_attributes_come_when_asked_for(sqs, queue):
    before_ms = int(time.time() * 1000)
    sqs.send_message(QueueUrl=queue, MessageBody="attributes")
    answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MessageSystemAttributeNames=["All"])
    (message,) = answer["Messages"]
    after_ms = int(time.time() * 1000)
    attributes = message["Attributes"]
    assert attributes["ApproximateReceiveCount"] == "1"
    assert attributes["SenderId"]
    # Ten milliseconds of slack: clocks may round.
    sent_ms = int(attributes["SentTimestamp"])
    first_ms = int(attributes["ApproximateFirstReceiveTimestamp"])
    assert before_ms - 10 <= sent_ms <= first_ms <= after_ms + 10


def test_the_deprecated_name_of_the_request_works_too(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="attributes")
    answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"])
    assert answer["Messages"][0]["Attributes"] == {"ApproximateReceiveCount": "1"}


def test_without_names_there_are_no_attributes(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="attributes")
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert "Attributes" not in message
    assert "MessageAttributes" not in message
    assert "MD5OfMessageAttributes" not in message


def test_a_handle_of_another_queue_is_refused(sqs, make_queue):
    one, other = make_queue(), make_queue()
    sqs.send_message(QueueUrl=one, MessageBody="mine")
    (message,) = sqs.receive_message(QueueUrl=one, WaitTimeSeconds=5)["Messages"]
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=other, ReceiptHandle=message["ReceiptHandle"])
    sqs.delete_message(QueueUrl=one, ReceiptHandle=message["ReceiptHandle"])


def test_a_made_up_handle_is_refused(sqs, queue):
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid) as refused:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="made-up")
    error = refused.value.response["Error"]
    assert error["Code"] == "ReceiptHandleIsInvalid"
    assert error["Message"] == 'The input receipt handle "made-up" is not a valid receipt handle.'


def test_the_trace_header_comes_back(sqs, queue):
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    sent = sqs.send_message(QueueUrl=queue, MessageBody="traced", MessageSystemAttributes=header)
    assert sent["MD5OfMessageSystemAttributes"]
    answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MessageSystemAttributeNames=["AWSTraceHeader"])
    assert answer["Messages"][0]["Attributes"] == {"AWSTraceHeader": trace}


def test_a_bare_queue_name_is_as_good_as_its_url(sqs, endpoint, queue):
    name = queue.rsplit("/", 1)[1]
    sent = sqs.send_message(QueueUrl=name, MessageBody="by name")
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert message["MessageId"] == sent["MessageId"]
