"""Inside a group of a FIFO queue messages come in order, one lease at a time; groups do not wait for each other.

The orders are those that were recorded on the real service.
"""

import functools

import pytest

from millpond import Millpond


@pytest.fixture
def fifo(make_fifo):
    """A function that creates a FIFO queue which tells sends apart by content."""
    return functools.partial(make_fifo, ContentBasedDeduplication="true")


def send(sqs, queue, *names):
    """Sends messages such as `g1-m2`: their group is what stands before the hyphen."""
    return [
        sqs.send_message(QueueUrl=queue, MessageBody=name, MessageGroupId=name.split("-")[0])
        for name in names
    ]


def receive(sqs, queue, count=10, **options):
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=count, **options)
    return found.get("Messages", [])


def bodies(messages):
    return [message["Body"] for message in messages]


def test_a_receive_takes_all_it_can_of_one_group_before_the_next(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g2-m1", "g1-m2", "g1-m3")
    assert bodies(receive(sqs, queue)) == ["g1-m1", "g1-m2", "g1-m3", "g2-m1"]


def test_a_group_is_locked_until_all_that_was_handed_out_is_deleted(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g1-m2", "g1-m3", "g2-m1")
    first = receive(sqs, queue, 2)
    assert bodies(first) == ["g1-m1", "g1-m2"]
    assert bodies(receive(sqs, queue)) == ["g2-m1"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first[1]["ReceiptHandle"])
    assert receive(sqs, queue) == []
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first[0]["ReceiptHandle"])
    assert bodies(receive(sqs, queue)) == ["g1-m3"]


def test_a_group_given_back_goes_behind_the_others(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g2-m1")
    (first,) = receive(sqs, queue, 1)
    sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    assert bodies(receive(sqs, queue)) == ["g2-m1", "g1-m1"]


def test_a_waiting_receiver_gets_what_a_delete_unlocks(sqs, server, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g1-m2")
    (first,) = receive(sqs, queue, 1)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(receive(sqs, queue, WaitTimeSeconds=10)) == ["g1-m2"]


def test_system_attributes_of_a_message(sqs, fifo):
    queue = fifo()
    (sent,) = send(sqs, queue, "g1-m1")
    (message,) = receive(sqs, queue, MessageSystemAttributeNames=["All"])
    attributes = message["Attributes"]
    assert attributes["MessageGroupId"] == "g1"
    assert attributes["SequenceNumber"] == sent["SequenceNumber"]
    # The SHA-256 of the body.
    assert len(attributes["MessageDeduplicationId"]) == 64


def test_sequence_numbers_have_20_digits_and_grow(sqs, fifo):
    queue = fifo()
    numbers = [sent["SequenceNumber"] for sent in send(sqs, queue, "g1-m1", "g2-m1", "g1-m2")]
    assert all(len(number) == 20 and number.isdigit() for number in numbers)
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 3


def test_counts_take_messages_behind_a_locked_group_for_visible(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g1-m2", "g1-m3")
    receive(sqs, queue, 1)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    assert [found[name] for name in names] == ["2", "1"]


def test_a_message_needs_a_group(sqs, fifo):
    queue = fifo()
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    error = refused.value.response["Error"]
    assert error["Code"] == "MissingParameter"
    assert error["Message"] == "The request must contain the parameter MessageGroupId."
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "x"}])
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_a_message_has_no_delay_of_its_own(sqs, fifo):
    queue = fifo()
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="g", DelaySeconds=2)
    assert refused.value.response["Error"]["Message"] == (
        "Value 2 for parameter DelaySeconds is invalid. "
        "Reason: The request include parameter that is not valid for this queue type."
    )


def test_an_expired_handle_deletes_nothing(sqs, fifo):
    queue = fifo(VisibilityTimeout="0")
    send(sqs, queue, "g1-m1")
    (message,) = receive(sqs, queue)
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"].endswith("Reason: The receipt handle has expired.")


def test_order_and_locks_survive_a_kill(tmp_path):
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        values = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        sqs.create_queue(QueueName="orders.fifo", Attributes=values)
        send(sqs, "orders.fifo", "g1-m1", "g1-m2", "g2-m1")
        (first,) = receive(sqs, "orders.fifo", 1)
        before = send(sqs, "orders.fifo", "g3-m1")[0]
        millpond.kill()
        millpond.start()
        sqs = millpond.client()
        assert bodies(receive(sqs, "orders.fifo")) == ["g2-m1", "g3-m1"], "g1 is locked still"
        sqs.delete_message(QueueUrl="orders.fifo", ReceiptHandle=first["ReceiptHandle"])
        assert bodies(receive(sqs, "orders.fifo")) == ["g1-m2"]
        after = send(sqs, "orders.fifo", "g4-m1")[0]
        assert after["SequenceNumber"] > before["SequenceNumber"]
