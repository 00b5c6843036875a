"""A purge removes every message, whatever its state, and none that is sent afterwards."""

import pytest


def test_a_purge_removes_waiting_delayed_and_received_messages(sqs, make_queue):
    queue = make_queue(VisibilityTimeout=1)
    sqs.send_message(QueueUrl=queue, MessageBody="received")
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    sqs.send_message(QueueUrl=queue, MessageBody="waiting")
    sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=1)
    sqs.purge_queue(QueueUrl=queue)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=3)
    counts = sqs.get_queue_attributes(
        QueueUrl=queue,
        AttributeNames=[f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")],
    )["Attributes"]
    assert set(counts.values()) == {"0"}


def test_a_handle_from_before_the_purge_deletes_nothing(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="old")
    (old,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="new")
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=old["ReceiptHandle"])
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "new"


def test_what_is_sent_again_after_a_purge_is_no_duplicate(sqs, make_fifo):
    queue = make_fifo()
    names = {"MessageGroupId": "group", "MessageDeduplicationId": "same"}
    first = sqs.send_message(QueueUrl=queue, MessageBody="before", **names)
    sqs.purge_queue(QueueUrl=queue)
    again = sqs.send_message(QueueUrl=queue, MessageBody="after", **names)
    assert again["MessageId"] != first["MessageId"]
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "after"
    # The same when nothing was left to purge.
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="once more", **names)
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "once more"


def test_messages_sent_after_a_purge_stay(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="before")
    sqs.purge_queue(QueueUrl=queue)
    sent = sqs.send_message(QueueUrl=queue, MessageBody="after")
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert message["MessageId"] == sent["MessageId"]


def test_a_purge_leaves_other_queues_alone(sqs, make_queue):
    one, other = make_queue(), make_queue()
    sqs.send_message(QueueUrl=other, MessageBody="stays")
    sqs.purge_queue(QueueUrl=one)
    assert sqs.receive_message(QueueUrl=other, WaitTimeSeconds=5)["Messages"][0]["Body"] == "stays"


def test_there_must_be_a_queue(sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.purge_queue(QueueUrl=queue + "-absent")
