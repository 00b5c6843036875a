"""`--auto-create`: a queue that is called and is not there is created, with default settings; off, it is not."""

import threading

import pytest

from millpond import Millpond


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Millpond(tmp_path_factory.mktemp("millpond"), ["--auto-create"]) as millpond:
        yield millpond


@pytest.fixture
def absent(server, unique_name):
    """A function that returns the URL of a queue that is not there."""
    return lambda end="": f"{server.endpoint}/000000000000/{unique_name()}{end}"


def is_there(sqs, url):
    name = url.rsplit("/", 1)[1]
    return url in sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", [])


CALLS = {
    "send": lambda sqs, url: sqs.send_message(QueueUrl=url, MessageBody="x"),
    "send batch": lambda sqs, url: sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}]),
    "receive": lambda sqs, url: sqs.receive_message(QueueUrl=url),
    "find": lambda sqs, url: sqs.get_queue_url(QueueName=url.rsplit("/", 1)[1]),
    "read attributes": lambda sqs, url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
    "set attributes": lambda sqs, url: sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"}),
    "purge": lambda sqs, url: sqs.purge_queue(QueueUrl=url),
    "tag": lambda sqs, url: sqs.tag_queue(QueueUrl=url, Tags={"a": "b"}),
    "tags": lambda sqs, url: sqs.list_queue_tags(QueueUrl=url),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_creates_the_queue_it_is_about(sqs, absent, call):
    url = absent()
    CALLS[call](sqs, url)
    assert is_there(sqs, url)


def test_what_was_sent_first_is_received(sqs, absent):
    url = absent()
    sqs.send_message(QueueUrl=url, MessageBody="first")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "first"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_fifo_name_makes_a_fifo_queue(sqs, absent):
    url = absent(".fifo")
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
    kind = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["FifoQueue"])["Attributes"]
    assert kind == {"FifoQueue": "true"}


def test_a_long_poll_waits_at_the_queue_it_has_created(server, sqs, absent):
    url = absent()
    received = []
    poll = threading.Thread(
        target=lambda: received.extend(server.client().receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"])
    )
    poll.start()
    while not is_there(sqs, url):
        pass
    sqs.send_message(QueueUrl=url, MessageBody="late")
    poll.join()
    assert [message["Body"] for message in received] == ["late"]


def test_what_takes_away_creates_nothing(sqs, absent):
    handle = sqs.exceptions.ClientError
    url = absent()
    calls = [
        lambda: sqs.delete_queue(QueueUrl=url),
        lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle="x"),
        lambda: sqs.untag_queue(QueueUrl=url, TagKeys=["a"]),
        lambda: sqs.remove_permission(QueueUrl=url, Label="a"),
    ]
    for call in calls:
        with pytest.raises(handle):
            call()
    assert not is_there(sqs, url)


def test_a_name_that_is_none_stays_refused(sqs):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="no such name")


def test_without_the_flag_nothing_is_created(tmp_path, protocol, request, unique_name):
    with Millpond(tmp_path) as millpond:
        query = protocol == "query"
        sqs = request.getfixturevalue("old_sdk").client(millpond.endpoint) if query else millpond.client()
        for call in CALLS.values():
            with pytest.raises(sqs.exceptions.QueueDoesNotExist):
                call(sqs, f"{millpond.endpoint}/000000000000/{unique_name()}")
        assert "QueueUrls" not in sqs.list_queues()


def test_a_receiver_that_waits_brings_no_deleted_queue_back(sqs, absent):
    url = absent()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    told = []

    def wait():
        try:
            sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        except sqs.exceptions.QueueDoesNotExist as error:
            told.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    # Whether it waits already or comes later: a receive that comes after the deletion creates the queue, so that one is
    # deleted, too, until a waiting one was told.
    while waiting.is_alive() and not told:
        if is_there(sqs, url):
            sqs.delete_queue(QueueUrl=url)
    waiting.join()
    assert told and not is_there(sqs, url)


@pytest.mark.parametrize(
    "arguments",
    [
        ("queue", "rm", "misspelt"),
        ("queue", "purge", "misspelt"),
        ("queue", "show", "misspelt"),
        ("queue", "redrive", "misspelt"),
        ("queue", "create", "jobs", "--dead-letter-queue", "misspelt"),
    ],
)
def test_a_command_about_a_queue_that_must_be_there_creates_none(server, sqs, arguments):
    done = server.run(*arguments)
    assert done.returncode == 1 and "there is no such queue" in done.stderr, done
    assert not is_there(sqs, f"{server.endpoint}/000000000000/misspelt")
