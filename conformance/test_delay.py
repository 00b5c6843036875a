"""A delayed message can't be received before its time, and can right after."""

import time

import pytest

# These tests wait; the CLI would show nothing that the other clients do not.
CLIENTS = ["javascript"]


def await_message(sqs, queue):
    """The next message and how many seconds it took to come."""
    start = time.monotonic()
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    return message, time.monotonic() - start


def test_a_messages_own_delay(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=2)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    message, took_secs = await_message(sqs, queue)
    assert message["Body"] == "later"
    assert 1.5 < took_secs < 5


def test_the_queues_delay(sqs, make_queue):
    queue = make_queue(DelaySeconds=1)
    sqs.send_message(QueueUrl=queue, MessageBody="later")
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert await_message(sqs, queue)[0]["Body"] == "later"


def test_a_messages_delay_overrides_the_queues(sqs, make_queue):
    queue = make_queue(DelaySeconds=900)
    sqs.send_message(QueueUrl=queue, MessageBody="now", DelaySeconds=0)
    assert await_message(sqs, queue)[0]["Body"] == "now"


def test_an_undelayed_message_overtakes_a_delayed_one(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=2)
    sqs.send_message(QueueUrl=queue, MessageBody="now")
    bodies = [await_message(sqs, queue)[0]["Body"] for _ in range(2)]
    assert bodies == ["now", "later"]


def test_entries_of_a_batch_have_their_own_delays(sqs, queue):
    batch = [
        {"Id": "later", "MessageBody": "later", "DelaySeconds": 900},
        {"Id": "now", "MessageBody": "now"},
    ]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=batch)["Successful"]) == 2
    assert await_message(sqs, queue)[0]["Body"] == "now"
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)


@pytest.mark.parametrize("delay_secs", [-1, 901])
def test_a_delay_outside_its_range_is_refused(sqs, queue, delay_secs):
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=delay_secs)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
