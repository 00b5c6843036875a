"""A message that is not deleted in time comes back; its timeout can be changed while it is in flight."""

import time

import pytest

# These tests wait; the CLI would show nothing that the other clients do not.
CLIENTS = ["javascript"]


def receive_one(sqs, queue, **options):
    (message,) = sqs.receive_message(
        QueueUrl=queue, WaitTimeSeconds=10, MessageSystemAttributeNames=["ApproximateReceiveCount"], **options
    )["Messages"]
    return message


def test_a_message_comes_back_after_its_timeout_with_a_new_handle(sqs, make_queue):
    queue = make_queue(VisibilityTimeout=1)
    sent = sqs.send_message(QueueUrl=queue, MessageBody="again")
    first = receive_one(sqs, queue)
    received_at = time.monotonic()
    second = receive_one(sqs, queue)
    # Measured after the reply, so a little less than the timeout may have been seen from here.
    assert time.monotonic() - received_at > 0.9
    assert first["MessageId"] == second["MessageId"] == sent["MessageId"]
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    counts = [message["Attributes"]["ApproximateReceiveCount"] for message in (first, second)]
    assert counts == ["1", "2"]


def test_the_timeout_of_a_receive_overrides_the_queues(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    first = receive_one(sqs, queue, VisibilityTimeout=1)
    assert receive_one(sqs, queue)["MessageId"] == first["MessageId"]


def test_a_timeout_of_zero_leaves_the_message_visible(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="peek")
    first = receive_one(sqs, queue, VisibilityTimeout=0)
    assert receive_one(sqs, queue)["MessageId"] == first["MessageId"]


def test_zero_gives_a_message_back_at_once(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="given back")
    first = receive_one(sqs, queue)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    answer = sqs.receive_message(QueueUrl=queue)
    assert [message["MessageId"] for message in answer["Messages"]] == [first["MessageId"]]


def test_a_timeout_can_be_extended(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="slow work")
    message = receive_one(sqs, queue, VisibilityTimeout=1)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=60)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_a_changed_timeout_is_not_remembered_for_the_next_receive(sqs, make_queue):
    queue = make_queue(VisibilityTimeout=1)
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    first = receive_one(sqs, queue)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    second = receive_one(sqs, queue)
    assert receive_one(sqs, queue)["MessageId"] == second["MessageId"]


def test_an_expired_handle_still_deletes_if_nobody_received_the_message_since(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="late delete")
    message = receive_one(sqs, queue, VisibilityTimeout=0)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)


def test_an_earlier_handle_changes_the_timeout_of_the_latest_receive(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="handed out twice")
    earlier = receive_one(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"]
    receive_one(sqs, queue, VisibilityTimeout=1)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=earlier, VisibilityTimeout=60)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)
    entry = {"Id": "1", "ReceiptHandle": earlier, "VisibilityTimeout": 0}
    assert "Failed" not in sqs.change_message_visibility_batch(QueueUrl=queue, Entries=[entry])
    assert receive_one(sqs, queue)["MessageId"] == sent["MessageId"]


def test_an_earlier_handle_of_a_fifo_queue_changes_nothing(sqs, make_fifo):
    queue = make_fifo(ContentBasedDeduplication="true")
    sqs.send_message(QueueUrl=queue, MessageBody="handed out twice", MessageGroupId="group")
    earlier = receive_one(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"]
    receive_one(sqs, queue)
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=earlier, VisibilityTimeout=0)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_a_deleted_message_has_no_timeout_to_change(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="gone")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=10)
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"] == (
        f"Value {handle} for parameter ReceiptHandle is invalid. "
        "Reason: Message does not exist or is not available for visibility timeout change."
    )


@pytest.mark.parametrize("timeout_secs", [-1, 43201])
def test_a_timeout_outside_its_range_is_refused(sqs, queue, timeout_secs):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    for use in (
        lambda: sqs.receive_message(QueueUrl=queue, VisibilityTimeout=timeout_secs),
        lambda: sqs.change_message_visibility(
            QueueUrl=queue,
            ReceiptHandle=receive_one(sqs, queue)["ReceiptHandle"],
            VisibilityTimeout=timeout_secs,
        ),
    ):
        with pytest.raises(sqs.exceptions.ClientError) as refused:
            use()
        assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
