"""A message received as often as the redrive policy allows goes to the dead-letter queue, whole, and never gets lost."""

import json

import pytest

from millpond import Millpond


def arn(sqs, queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def redrive(sqs, target, count):
    return json.dumps({"deadLetterTargetArn": arn(sqs, target), "maxReceiveCount": count})


def look(sqs, queue, **options):
    """All messages there are, with a lease that ends at once."""
    options = {"VisibilityTimeout": 0, "MessageSystemAttributeNames": ["All"]} | options
    return sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, **options).get("Messages", [])


@pytest.fixture
def queues(sqs, make_queue):
    """A queue whose messages may be received twice, and its dead-letter queue."""
    dead = make_queue("dead")
    return make_queue("jobs", RedrivePolicy=redrive(sqs, dead, 2)), dead


def test_a_message_received_too_often_is_a_dead_letter(sqs, queues):
    jobs, dead = queues
    attributes = {"kind": {"DataType": "String", "StringValue": "poison"}}
    sent = sqs.send_message(QueueUrl=jobs, MessageBody="body", MessageAttributes=attributes)
    first = look(sqs, jobs)[0]
    assert look(sqs, jobs)[0]["Attributes"]["ApproximateReceiveCount"] == "2"
    assert look(sqs, dead) == []
    assert look(sqs, jobs) == []
    (letter,) = look(sqs, dead, MessageAttributeNames=["All"])
    assert (letter["MessageId"], letter["Body"]) == (sent["MessageId"], "body")
    assert letter["MessageAttributes"] == attributes
    assert letter["Attributes"]["ApproximateReceiveCount"] == "3"
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, jobs)
    assert letter["Attributes"]["SentTimestamp"] == first["Attributes"]["SentTimestamp"]


def test_a_waiting_receiver_of_the_dead_letter_queue_gets_it(sqs, server, queues):
    jobs, dead = queues
    sqs.send_message(QueueUrl=jobs, MessageBody="body")
    for _ in range(3):
        look(sqs, jobs)
    (letter,) = look(sqs, dead, WaitTimeSeconds=10)
    assert letter["Body"] == "body"


def test_the_sources_of_a_dead_letter_queue(sqs, queues):
    jobs, dead = queues
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [jobs]


def test_fifo_letters_unlock_their_group(sqs, make_fifo):
    dead = make_fifo("dead")
    jobs = make_fifo("jobs", RedrivePolicy=redrive(sqs, dead, 1))
    for body in ["one", "two"]:
        sqs.send_message(
            QueueUrl=jobs, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=f"id-of-{body}"
        )
    first = sqs.receive_message(QueueUrl=jobs, VisibilityTimeout=0)["Messages"][0]
    assert [message["Body"] for message in look(sqs, jobs)] == ["two"]
    (letter,) = look(sqs, dead)
    assert letter["Body"] == "one"
    assert letter["Attributes"]["MessageGroupId"] == "g"
    assert letter["Attributes"]["MessageDeduplicationId"] == first["MessageId"]


def test_a_dead_letter_survives_a_kill(tmp_path):
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        for name in ["dead", "jobs"]:
            sqs.create_queue(QueueName=name)
        sqs.set_queue_attributes(QueueUrl="jobs", Attributes={"RedrivePolicy": redrive(sqs, "dead", 1)})
        sqs.send_message(QueueUrl="jobs", MessageBody="x" * 100_000)
        look(sqs, "jobs")
        assert look(sqs, "jobs") == []
        millpond.kill()
        millpond.start()
        (letter,) = look(millpond.client(), "dead")
        assert len(letter["Body"]) == 100_000
        assert letter["Attributes"]["DeadLetterQueueSourceArn"].endswith(":jobs")
