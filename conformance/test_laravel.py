"""Laravel's queue driver for SQS (`SqsQueue`, `SqsJob`), call by call as its PHP sends them: jobs pushed, put off, popped,
released, deleted; a queue's size; a queue cleared; a FIFO queue.

PHP does not run here. The parameters are those of the driver, the bytes around them those of the AWS SDK for PHP
(`conformance/test_request_shapes.py`), which compares digests, as this does.
"""

import hashlib
import json
import time

import pytest
from test_request_shapes import SHAPES

PROTOCOLS = ["json"]
SIZES = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"]


class Laravel:
    """What the driver does, by the names of its methods."""

    def __init__(self, endpoint, url):
        self._call = lambda action, **parameters: SHAPES["php"](endpoint, url, action, parameters)

    def push(self, number, **options):
        body = payload(number)
        sent = self._call("SendMessage", MessageBody=body, **options)
        assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
        return sent["MessageId"]

    def pop(self):
        found = self._call("ReceiveMessage", AttributeNames=["ApproximateReceiveCount"]).get("Messages")
        if not found:
            return None
        (job,) = found
        assert job["MD5OfBody"] == hashlib.md5(job["Body"].encode()).hexdigest()
        return job

    def delete(self, job):
        self._call("DeleteMessage", ReceiptHandle=job["ReceiptHandle"])

    def release(self, job, delay=0):
        self._call("ChangeMessageVisibility", ReceiptHandle=job["ReceiptHandle"], VisibilityTimeout=delay)

    def sizes(self):
        attributes = self._call("GetQueueAttributes", AttributeNames=SIZES)["Attributes"]
        return [int(attributes[name]) for name in SIZES]

    def clear(self):
        self._call("PurgeQueue")


def payload(number):
    """A job as Laravel writes it: JSON around what PHP serialized, zero bytes and all."""
    job = f'O:13:"App\\Jobs\\Bill":2:{{s:9:"\0*\0number";i:{number};s:5:"queue";N;}}'
    return json.dumps(
        {
            "uuid": f"6f1c4a0e-2f0c-4f0e-9d0a-{number:012}",
            "displayName": "App\\Jobs\\Bill",
            "job": "Illuminate\\Queue\\CallQueuedHandler@call",
            "maxTries": None,
            "maxExceptions": None,
            "failOnTimeout": False,
            "backoff": None,
            "timeout": None,
            "retryUntil": None,
            "data": {"commandName": "App\\Jobs\\Bill", "command": job},
        },
        separators=(",", ":"),
    ).replace("/", "\\/")


def attempts(job):
    return int(job["Attributes"]["ApproximateReceiveCount"])


@pytest.fixture
def laravel(server, queue):
    return Laravel(server.endpoint, queue)


def test_a_job_is_done_at_the_second_try(laravel):
    pushed = laravel.push(1)
    job = laravel.pop()
    assert (job["MessageId"], job["Body"], attempts(job)) == (pushed, payload(1), 1)
    assert laravel.pop() is None, "another worker does not get it"
    laravel.release(job)
    job = laravel.pop()
    assert (job["MessageId"], attempts(job)) == (pushed, 2)
    laravel.delete(job)
    assert laravel.sizes() == [0, 0, 0]


def test_a_released_job_comes_after_its_delay(laravel):
    laravel.push(1)
    laravel.release(laravel.pop(), delay=1)
    assert laravel.pop() is None
    deadline = time.monotonic() + 30
    while not (job := laravel.pop()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert attempts(job) == 2


def test_sizes_are_told_and_a_queue_is_cleared(laravel):
    laravel.push(1)
    laravel.push(2)
    laravel.push(3, DelaySeconds=900)
    assert laravel.pop()
    assert laravel.sizes() == [1, 1, 1]
    laravel.clear()
    assert laravel.sizes() == [0, 0, 0]


def test_a_fifo_queue_does_one_job_of_a_group_after_the_other(server, make_fifo):
    laravel = Laravel(server.endpoint, make_fifo())
    names = {"MessageGroupId": "customer-7", "MessageDeduplicationId": "01JD0WKQ8Q"}
    first = laravel.push(1, **names)
    assert laravel.push(1, **names) == first, "the same job again is that job"
    laravel.push(2, MessageGroupId="customer-7", MessageDeduplicationId="01JD0WKQ8R")
    job = laravel.pop()
    assert (job["MessageId"], laravel.pop()) == (first, None)
    laravel.delete(job)
    assert laravel.pop()["Body"] == payload(2)
