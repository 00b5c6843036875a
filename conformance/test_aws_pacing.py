"""`--aws-pacing`: the waiting rules of Amazon SQS, over a kill and to their end; without it nothing waits.

The minute passes by the clock that `--test-controls` lets a test put forward.
"""

import pytest

from millpond import Millpond
from raw_http import own

MINUTE = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Millpond(tmp_path_factory.mktemp("millpond"), ["--aws-pacing", "--auth", "off", "--test-controls"]) as millpond:
        yield millpond


def pass_secs(server, secs):
    reply = own(server.endpoint, "clock/advance", {"seconds": secs})
    assert reply.status == 200, reply


def refusal(sqs, call):
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        call()
    response = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


DELETED = (
    400,
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
)


def test_a_deleted_name_waits_a_minute(server, sqs, unique_name):
    name = unique_name()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.delete_queue(QueueUrl=url)
    create = lambda: sqs.create_queue(QueueName=name)  # noqa: E731
    assert refusal(sqs, create) == DELETED
    pass_secs(server, MINUTE - 5)
    assert refusal(sqs, create) == DELETED
    pass_secs(server, 5)
    assert create()["QueueUrl"] == url


def test_a_queue_is_purged_once_a_minute(server, sqs, queue, make_queue):
    sqs.purge_queue(QueueUrl=queue)
    sqs.send_message(QueueUrl=queue, MessageBody="stays")
    name = queue.rsplit("/", 1)[1]
    purge = lambda: sqs.purge_queue(QueueUrl=queue)  # noqa: E731
    expected = (
        403,
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.",
    )
    assert refusal(sqs, purge) == expected
    sqs.purge_queue(QueueUrl=make_queue())
    assert sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0]["Body"] == "stays"
    pass_secs(server, MINUTE)
    purge()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_the_exceptions_have_their_classes(sqs, queue, unique_name):
    sqs.purge_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
        sqs.purge_queue(QueueUrl=queue)
    name = unique_name()
    sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName=name)["QueueUrl"])
    with pytest.raises(sqs.exceptions.QueueDeletedRecently):
        sqs.create_queue(QueueName=name)


def test_the_waits_outlive_a_kill(tmp_path, unique_name):
    arguments = ["--aws-pacing", "--auth", "off", "--test-controls"]
    with Millpond(tmp_path, arguments) as millpond:
        sqs = millpond.client()
        gone, kept = unique_name("gone"), unique_name("kept")
        sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName=gone)["QueueUrl"])
        sqs.purge_queue(QueueUrl=sqs.create_queue(QueueName=kept)["QueueUrl"])
        millpond.restart()
        sqs = millpond.client()
        with pytest.raises(sqs.exceptions.QueueDeletedRecently):
            sqs.create_queue(QueueName=gone)
        with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
            sqs.purge_queue(QueueUrl=kept)
        pass_secs(millpond, MINUTE)
        sqs.create_queue(QueueName=gone)
        sqs.purge_queue(QueueUrl=kept)


def test_a_reset_ends_every_wait(server, sqs, unique_name):
    name = unique_name()
    sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName=name)["QueueUrl"])
    assert own(server.endpoint, "reset", {}).status == 200
    sqs.create_queue(QueueName=name)


def test_without_the_flag_nothing_waits(tmp_path, unique_name):
    with Millpond(tmp_path) as millpond:
        sqs, name = millpond.client(), unique_name()
        for _ in range(3):
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            sqs.purge_queue(QueueUrl=url)
            sqs.purge_queue(QueueUrl=url)
            sqs.delete_queue(QueueUrl=url)
