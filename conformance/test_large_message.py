"""Messages of up to 1 MiB pass whole; what is larger is refused; attributes count toward the size."""

import hashlib

import pytest

MAX_BYTES = 1_048_576


def too_long(limit_bytes):
    return f"One or more parameters are invalid. Reason: Message must be shorter than {limit_bytes} bytes."


def refusal(sqs, **message):
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(**message)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_largest_message_comes_back_whole(sqs, queue):
    # Text that no compression shortens to nothing, with characters of one to four bytes, then filled up.
    body = "".join(f"{number} é東🦆 " for number in range(50_000))
    body += "x" * (MAX_BYTES - len(body.encode()))
    assert len(body.encode()) == MAX_BYTES
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == body


def test_ten_large_messages_come_back_in_one_receive_or_more(sqs, queue):
    body = "y" * MAX_BYTES
    for _ in range(10):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    received = 0
    while received < 10:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
        assert all(message["Body"] == body for message in messages)
        received += len(messages)


def test_one_byte_more_is_refused(sqs, queue):
    expected = ("InvalidParameterValue", too_long(MAX_BYTES))
    assert refusal(sqs, QueueUrl=queue, MessageBody="x" * (MAX_BYTES + 1)) == expected


def test_bytes_count_and_not_characters(sqs, make_queue):
    queue = make_queue(MaximumMessageSize=1024)
    sqs.send_message(QueueUrl=queue, MessageBody="é" * 512)
    assert refusal(sqs, QueueUrl=queue, MessageBody="é" * 513) == ("InvalidParameterValue", too_long(1024))


def test_names_types_and_values_of_attributes_count(sqs, make_queue):
    queue = make_queue(MaximumMessageSize=1024)
    attributes = {"name": {"DataType": "String", "StringValue": "v" * 100}}
    attribute_bytes = len("name") + len("String") + 100
    body = "x" * (1024 - attribute_bytes)
    sqs.send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=attributes)
    refused = refusal(sqs, QueueUrl=queue, MessageBody=body + "x", MessageAttributes=attributes)
    assert refused == ("InvalidParameterValue", too_long(1024))


def test_system_attributes_do_not_count(sqs, make_queue):
    queue = make_queue(MaximumMessageSize=1024)
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1024, MessageSystemAttributes=header)
