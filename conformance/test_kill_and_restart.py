"""After a kill at any moment and a restart, the state is the one that the acknowledged replies imply."""

import pytest

from millpond import Millpond

BODIES = [f"order {number}" for number in range(30)]


@pytest.fixture
def server(tmp_path):
    """A server that only this test kills; there is nothing to compare with another endpoint."""
    with Millpond(tmp_path) as millpond:
        yield millpond


def receive_all(sqs, queue, count, **options):
    messages = []
    while len(messages) < count:
        answer = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=10,
            MessageSystemAttributeNames=["All"],
            **options,
        )
        messages += answer["Messages"]
    return messages


def test_what_was_acknowledged_is_there(server):
    sqs = server.client()
    queue = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "120"})["QueueUrl"]
    sent = [sqs.send_message(QueueUrl=queue, MessageBody=body)["MessageId"] for body in BODIES]
    first = receive_all(sqs, queue, 20)
    deleted, leased = first[:10], first[10:20]
    for message in deleted:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    gone = {message["MessageId"] for message in deleted}
    held = {message["MessageId"] for message in leased}

    server.restart()

    assert sqs.list_queues()["QueueUrls"] == [queue]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert attributes == {"VisibilityTimeout": "120"}
    rest = {message["MessageId"] for message in receive_all(sqs, queue, 10)}
    assert rest == set(sent) - gone - held
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    for message in leased:
        # A handle from before the kill still works.
        sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    again = receive_all(sqs, queue, 10)
    assert {message["MessageId"] for message in again} == held
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in again} == {"2"}
    before = {message["MessageId"]: message["Attributes"] for message in leased}
    for message in again:
        for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId"):
            assert message["Attributes"][name] == before[message["MessageId"]][name]


def test_a_delay_goes_on_over_a_kill(server):
    sqs = server.client()
    queue = sqs.create_queue(QueueName="later")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="much later", DelaySeconds=900)
    sqs.send_message(QueueUrl=queue, MessageBody="soon", DelaySeconds=2)
    server.restart()
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "soon"


def test_deleted_and_purged_things_stay_away(server):
    sqs = server.client()
    deleted = sqs.create_queue(QueueName="deleted")["QueueUrl"]
    purged = sqs.create_queue(QueueName="purged")["QueueUrl"]
    for queue in (deleted, purged):
        sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.delete_queue(QueueUrl=deleted)
    sqs.purge_queue(QueueUrl=purged)
    server.restart()
    assert sqs.list_queues()["QueueUrls"] == [purged]
    assert "Messages" not in sqs.receive_message(QueueUrl=purged, WaitTimeSeconds=1)


def test_attributes_of_messages_come_back_as_they_were(server):
    sqs = server.client()
    queue = sqs.create_queue(QueueName="attributes")["QueueUrl"]
    attributes = {
        "text": {"DataType": "String", "StringValue": "ümlaut"},
        "bytes": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    server.restart()
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


def test_a_clean_stop_loses_nothing_and_exits_with_zero(server):
    sqs = server.client()
    queue = sqs.create_queue(QueueName="clean")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="kept")
    assert server.stop() == 0
    server.start()
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"] == "kept"
