"""A long poll answers as soon as a message is there, and empty when its time is over."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest


def timed_receive(sqs, queue, **options):
    start = time.monotonic()
    messages = sqs.receive_message(QueueUrl=queue, **options).get("Messages", [])
    return messages, time.monotonic() - start


def test_an_empty_poll_lasts_its_time(sqs, queue):
    messages, took_secs = timed_receive(sqs, queue, WaitTimeSeconds=1)
    assert messages == []
    assert 0.9 < took_secs < 5


def test_a_poll_answers_when_a_message_is_sent(server, sqs, queue):
    with ThreadPoolExecutor() as threads:
        poll = threads.submit(timed_receive, server.client(), queue, WaitTimeSeconds=20)
        # The poll is under way when it holds its connection; a send a moment later must wake it.
        assert not poll.done()
        time.sleep(0.3)
        sqs.send_message(QueueUrl=queue, MessageBody="wake up")
        messages, took_secs = poll.result()
    assert [message["Body"] for message in messages] == ["wake up"]
    assert took_secs < 10


def test_a_poll_does_not_wait_to_fill_its_batch(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="alone")
    messages, took_secs = timed_receive(sqs, queue, WaitTimeSeconds=20, MaxNumberOfMessages=10)
    assert len(messages) == 1
    assert took_secs < 10


def test_each_message_wakes_one_of_many_pollers(server, sqs, queue):
    pollers = 5
    with ThreadPoolExecutor(pollers) as threads:
        clients = [server.client() for _ in range(pollers)]
        started = threading.Barrier(pollers + 1)

        def poll(client):
            started.wait()
            return timed_receive(client, queue, WaitTimeSeconds=20)[0]

        polls = [threads.submit(poll, client) for client in clients]
        started.wait()
        sent = [sqs.send_message(QueueUrl=queue, MessageBody=str(number))["MessageId"] for number in range(pollers)]
        received = [message["MessageId"] for done in polls for message in done.result()]
    assert sorted(received) == sorted(sent)


def test_the_queues_wait_time_is_the_default_and_zero_overrides_it(sqs, make_queue):
    queue = make_queue(ReceiveMessageWaitTimeSeconds=2)
    assert timed_receive(sqs, queue)[1] > 1.9
    assert timed_receive(sqs, queue, WaitTimeSeconds=0)[1] < 1.5


def test_an_expired_lease_wakes_a_poll(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    assert timed_receive(sqs, queue, WaitTimeSeconds=5, VisibilityTimeout=1)[0]
    messages, took_secs = timed_receive(sqs, queue, WaitTimeSeconds=20)
    assert [message["Body"] for message in messages] == ["again"]
    assert took_secs < 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"WaitTimeSeconds": 21},
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            {"MaxNumberOfMessages": 11},
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            {"MaxNumberOfMessages": 0},
            "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
    ],
)
def test_what_is_out_of_range_is_refused(sqs, queue, options, message):
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.receive_message(QueueUrl=queue, **options)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidParameterValue", message)
