"""Quotas: one queue, or one account, cannot fill the disk for all; only sends are refused, and it is said why."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from millpond import REGION, Millpond

QUEUE_MESSAGES = 3
ACCOUNT_BYTES = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    # Keys of 12 digits name accounts only there.
    quotas = ["--auth", "off", "--max-queue-messages", str(QUEUE_MESSAGES), "--max-account-bytes", str(ACCOUNT_BYTES)]
    with Millpond(tmp_path_factory.mktemp("millpond"), quotas) as millpond:
        yield millpond


def refused(send):
    with pytest.raises(ClientError) as raised:
        send()
    error = raised.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["Error"]["Code"] == "OverLimit"
    return error["Error"]["Message"]


def fill(sqs, queue):
    for number in range(QUEUE_MESSAGES):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))


def test_a_full_queue_takes_nothing_until_something_is_deleted(sqs, queue):
    fill(sqs, queue)
    said = refused(lambda: sqs.send_message(QueueUrl=queue, MessageBody="more"))
    assert f"The queue would hold more than {QUEUE_MESSAGES} messages" in said
    assert "--max-queue-messages" in said
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    refused(lambda: sqs.send_message(QueueUrl=queue, MessageBody="what is in flight is still there"))
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(QueueUrl=queue, MessageBody="fits again")
    sqs.purge_queue(QueueUrl=queue)
    fill(sqs, queue)


def test_each_entry_of_a_batch_is_refused_by_itself(sqs, queue):
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(QUEUE_MESSAGES + 2)]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["0", "1", "2"]
    assert [entry["Id"] for entry in answer["Failed"]] == ["3", "4"]
    for entry in answer["Failed"]:
        assert (entry["Code"], entry["SenderFault"]) == ("OverLimit", True)
        assert "--max-queue-messages" in entry["Message"]


def test_other_queues_go_on(sqs, make_queue):
    full, other = make_queue(), make_queue()
    fill(sqs, full)
    refused(lambda: sqs.send_message(QueueUrl=full, MessageBody="more"))
    sqs.send_message(QueueUrl=other, MessageBody="x")


def test_a_dead_letter_is_never_refused(sqs, make_queue):
    dead = make_queue()
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    queue = make_queue(RedrivePolicy=policy)
    fill(sqs, dead)
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    assert sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    counted = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
    assert int(counted["Attributes"]["ApproximateNumberOfMessages"]) == QUEUE_MESSAGES + 1
    refused(lambda: sqs.send_message(QueueUrl=dead, MessageBody="but a send is"))


def test_a_duplicate_is_no_new_message(sqs, make_fifo):
    queue = make_fifo()

    def send(name):
        return sqs.send_message(
            QueueUrl=queue, MessageBody="x", MessageGroupId="g", MessageDeduplicationId=name
        )

    first = [send(str(number)) for number in range(QUEUE_MESSAGES)]
    refused(lambda: send("new"))
    assert send("0")["MessageId"] == first[0]["MessageId"]


def test_an_account_shares_its_bytes_and_another_has_its_own(server, sqs, make_queue):
    queues = [make_queue(), make_queue()]
    half = "x" * (ACCOUNT_BYTES // 2)
    sqs.send_message(QueueUrl=queues[0], MessageBody=half)
    said = refused(lambda: sqs.send_message(QueueUrl=queues[1], MessageBody=half))
    assert f"The account would hold more than {ACCOUNT_BYTES} bytes" in said
    assert "--max-account-bytes" in said
    sqs.send_message(QueueUrl=queues[1], MessageBody="a small one still fits")
    other = boto3.client(
        "sqs",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id="123456789012",
        aws_secret_access_key="x",
    )
    theirs = other.create_queue(QueueName="theirs")["QueueUrl"]
    other.send_message(QueueUrl=theirs, MessageBody=half)
    other.delete_queue(QueueUrl=theirs)


def test_quotas_hold_after_a_restart(server, sqs, queue):
    fill(sqs, queue)
    server.restart()
    refused(lambda: sqs.send_message(QueueUrl=queue, MessageBody="more"))
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(QueueUrl=queue, MessageBody="fits again")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--max-queue-messages", "0", "leave it out"),
        ("--max-queue-messages", "many", "whole number"),
        ("--max-queue-bytes", "10GB", "10GiB"),
        ("--max-account-messages", "-1", ""),
        ("--max-account-bytes", "0", "leave it out"),
    ],
)
def test_a_quota_that_is_none_is_a_usage_error(server, option, value, said):
    answer = server.run("serve", "--in-memory", "--listen", "127.0.0.1:0", option, value)
    assert answer.returncode == 2
    assert said in answer.stderr
