"""The same send to a FIFO queue is accepted once in five minutes, whatever became of its message."""

import hashlib

import pytest

from millpond import Millpond


def send(sqs, queue, body="x", group="g", **options):
    return sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=group, **options)


def drain(sqs, queue):
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in found]


def test_a_duplicate_is_answered_as_the_first_one(sqs, make_fifo):
    queue = make_fifo()
    first = send(sqs, queue, "one", MessageDeduplicationId="d")
    again = send(sqs, queue, "two", group="other", MessageDeduplicationId="d")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert drain(sqs, queue) == ["one"]
    send(sqs, queue, "three", MessageDeduplicationId="d")
    assert drain(sqs, queue) == [], "received and deleted, it still counts"


def test_content_tells_sends_apart_where_the_queue_says_so(sqs, make_fifo):
    queue = make_fifo(ContentBasedDeduplication="true")
    send(sqs, queue, "same")
    send(sqs, queue, "same", MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}})
    send(sqs, queue, "other")
    send(sqs, queue, "same", MessageDeduplicationId="given")
    assert drain(sqs, queue) == ["same", "other", "same"]


def test_the_id_that_follows_from_the_body_is_its_sha_256(sqs, make_fifo):
    queue = make_fifo(ContentBasedDeduplication="true")
    send(sqs, queue, "body", MessageDeduplicationId=hashlib.sha256(b"body").hexdigest())
    send(sqs, queue, "body")
    assert drain(sqs, queue) == ["body"]


def test_without_an_id_or_content_a_send_is_refused(sqs, make_fifo):
    queue = make_fifo()
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        send(sqs, queue)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert refused.value.response["Error"]["Message"] == (
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )


def test_groups_have_sends_of_their_own_where_the_queue_says_so(sqs, make_fifo):
    queue = make_fifo(DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    for group in ["g1", "g2", "g1"]:
        send(sqs, queue, group, group=group, MessageDeduplicationId="d")
    assert drain(sqs, queue) == ["g1", "g2"]


def test_duplicates_of_one_batch(sqs, make_fifo):
    queue = make_fifo()
    entry = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    batch = [{"Id": name, "MessageBody": name} | entry for name in ["a", "b"]]
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=batch)["Successful"]
    assert len({one["MessageId"] for one in sent}) == 1
    assert drain(sqs, queue) == ["a"]


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, "é"])
def test_an_id_has_1_to_128_letters_digits_and_punctuation(sqs, make_fifo, bad):
    queue = make_fifo()
    for options in [{"MessageDeduplicationId": bad}, {"group": bad, "MessageDeduplicationId": "d"}]:
        with pytest.raises(sqs.exceptions.ClientError) as refused:
            send(sqs, queue, **options)
        assert refused.value.response["Error"]["Code"] in ("InvalidParameterValue", "MissingParameter")


def test_what_was_sent_is_remembered_after_a_kill(tmp_path):
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        sqs.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})
        first = send(sqs, "orders.fifo", MessageDeduplicationId="d")
        assert drain(sqs, "orders.fifo") == ["x"]
        millpond.kill()
        millpond.start()
        again = send(millpond.client(), "orders.fifo", MessageDeduplicationId="d")
        assert again["MessageId"] == first["MessageId"]
        assert drain(millpond.client(), "orders.fifo") == []
