"""A receive from a FIFO queue whose reply was lost can be tried again by its ReceiveRequestAttemptId."""

import functools

import pytest

from millpond import Millpond


@pytest.fixture
def fifo(make_fifo):
    """A function that creates a FIFO queue which tells sends apart by content."""
    return functools.partial(make_fifo, ContentBasedDeduplication="true")


def send(sqs, queue, *names):
    """Sends messages such as `g1-m2`: their group is what stands before the hyphen."""
    for name in names:
        sqs.send_message(QueueUrl=queue, MessageBody=name, MessageGroupId=name.split("-")[0])


def receive(sqs, queue, attempt=None, count=10, **options):
    if attempt is not None:
        options["ReceiveRequestAttemptId"] = attempt
    options.setdefault("MessageSystemAttributeNames", ["ApproximateReceiveCount"])
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=count, **options)
    return found.get("Messages", [])


def bodies(messages):
    return [message["Body"] for message in messages]


def delete(sqs, queue, message):
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_the_same_messages_and_handles_come_again(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g1-m2", "g2-m1", "g3-m1")
    first = receive(sqs, queue, "try-1", count=3)
    assert bodies(first) == ["g1-m1", "g1-m2", "g2-m1"]
    again = receive(sqs, queue, "try-1", count=3)
    assert again == first
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in again] == ["1"] * 3
    for message in first:
        delete(sqs, queue, message)
    assert bodies(receive(sqs, queue)) == ["g3-m1"]


def test_another_id_is_another_receive(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g2-m1")
    assert bodies(receive(sqs, queue, "try-1", count=1)) == ["g1-m1"]
    assert bodies(receive(sqs, queue, "try-2", count=1)) == ["g2-m1"]
    assert receive(sqs, queue) == []


def test_trying_again_resets_the_visibility_timeout(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1")
    first = receive(sqs, queue, "try-1", VisibilityTimeout=600)
    assert receive(sqs, queue, "try-1", VisibilityTimeout=1) == first
    (later,) = receive(sqs, queue, WaitTimeSeconds=10)
    assert later["Body"] == "g1-m1"
    assert later["ReceiptHandle"] != first[0]["ReceiptHandle"]


def test_after_a_delete_it_is_a_receive_like_any_other(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g2-m1", "g3-m1")
    first = receive(sqs, queue, "try-1", count=2)
    delete(sqs, queue, first[0])
    assert bodies(receive(sqs, queue, "try-1", count=2)) == ["g3-m1"]
    assert bodies(receive(sqs, queue, "try-1", count=2)) == ["g3-m1"]


def test_after_a_change_of_visibility_it_is_a_receive_like_any_other(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1", "g2-m1")
    (first,) = receive(sqs, queue, "try-1", count=1)
    sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=60
    )
    assert bodies(receive(sqs, queue, "try-1", count=1)) == ["g2-m1"]


def test_a_receive_that_gave_nothing_is_not_remembered(sqs, fifo):
    queue = fifo()
    assert receive(sqs, queue, "try-1") == []
    send(sqs, queue, "g1-m1")
    assert bodies(receive(sqs, queue, "try-1")) == ["g1-m1"]


def test_a_long_poll_is_tried_again_at_once(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1")
    first = receive(sqs, queue, "try-1", WaitTimeSeconds=20)
    assert receive(sqs, queue, "try-1", WaitTimeSeconds=20) == first


@pytest.mark.parametrize("attempt", ["a b", "a" * 129, "é"])
def test_an_id_has_up_to_128_letters_digits_and_signs(sqs, fifo, attempt):
    queue = fifo()
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        receive(sqs, queue, attempt)
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue"
    assert "ReceiveRequestAttemptId" in error["Message"]


def test_all_letters_digits_and_signs_are_taken(sqs, fifo):
    queue = fifo()
    send(sqs, queue, "g1-m1")
    attempt = "azAZ09!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    first = receive(sqs, queue, attempt)
    assert bodies(first) == ["g1-m1"]
    assert receive(sqs, queue, attempt) == first


def test_a_standard_queue_takes_no_attempt_id(sqs, queue):
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        receive(sqs, queue, "try-1")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_a_receive_is_tried_again_after_a_kill(tmp_path):
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        values = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        sqs.create_queue(QueueName="orders.fifo", Attributes=values)
        send(sqs, "orders.fifo", "g1-m1", "g1-m2", "g2-m1")
        first = receive(sqs, "orders.fifo", "try-1", count=2)
        millpond.kill()
        millpond.start()
        sqs = millpond.client()
        assert receive(sqs, "orders.fifo", "try-1", count=2) == first
        assert bodies(receive(sqs, "orders.fifo", "try-2")) == ["g2-m1"]
        delete(sqs, "orders.fifo", first[0])
        assert receive(sqs, "orders.fifo", "try-1") == []
