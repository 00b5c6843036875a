"""The AWS CLI, in the words of its manual: a queue's life, a message's life, errors and exit codes."""

import json
import subprocess

import pytest
from aws_cli import AWS, environment


class Failed(Exception):
    """What the AWS CLI printed when a call was refused."""


@pytest.fixture
def aws(server, tmp_path):
    """A function that runs `aws sqs …` and returns what it answered, as a person would by `--output json`."""
    def run(*arguments):
        # This version of the CLI goes past AWS_ENDPOINT_URL for SQS, so the address is an argument.
        command = [AWS, "--endpoint-url", server.endpoint, "sqs", *arguments]
        finished = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=60)
        if finished.returncode:
            raise Failed(finished.stderr.strip())
        return json.loads(finished.stdout) if finished.stdout.strip() else None

    return run


@pytest.fixture
def queue(aws, unique_name):
    """The URL of a queue that the CLI created."""
    return aws("create-queue", "--queue-name", unique_name())["QueueUrl"]


def test_a_queue_lives(aws, unique_name):
    name = unique_name()
    url = aws(
        "create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=5", "--tags", "team=mill,empty="
    )["QueueUrl"]
    assert aws("get-queue-url", "--queue-name", name) == {"QueueUrl": url}
    assert url in aws("list-queues", "--queue-name-prefix", name)["QueueUrls"]
    assert aws("list-queue-tags", "--queue-url", url)["Tags"] == {"team": "mill", "empty": ""}
    aws("untag-queue", "--queue-url", url, "--tag-keys", "empty")
    aws("set-queue-attributes", "--queue-url", url, "--attributes", '{"DelaySeconds": "3"}')
    attributes = aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["DelaySeconds"]) == ("5", "3")
    assert attributes["QueueArn"].endswith(f":{name}")
    aws("delete-queue", "--queue-url", url)
    with pytest.raises(Failed, match=r"\(AWS.SimpleQueueService.NonExistentQueue\) when calling the GetQueueUrl"):
        aws("get-queue-url", "--queue-name", name)


def test_a_message_lives(aws, queue):
    attributes = {"kind": {"DataType": "String", "StringValue": "order"}}
    sent = aws(
        "send-message", "--queue-url", queue, "--message-body", "Jane,UK",
        "--message-attributes", json.dumps(attributes),
    )  # fmt: skip
    found = aws(
        "receive-message", "--queue-url", queue, "--message-attribute-names", "All", "--attribute-names", "All"
    )["Messages"]
    assert [message["Body"] for message in found] == ["Jane,UK"]
    assert found[0]["MessageId"] == sent["MessageId"]
    assert found[0]["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert found[0]["MessageAttributes"] == attributes
    handle = ("--queue-url", queue, "--receipt-handle", found[0]["ReceiptHandle"])
    aws("change-message-visibility", *handle, "--visibility-timeout", "0")
    (again,) = aws("receive-message", "--queue-url", queue)["Messages"]
    aws("delete-message", "--queue-url", queue, "--receipt-handle", again["ReceiptHandle"])
    assert aws("receive-message", "--queue-url", queue) is None


def test_batches_in_shorthand_and_json(aws, queue):
    sent = aws("send-message-batch", "--queue-url", queue, "--entries", "Id=1,MessageBody=a", "Id=2,MessageBody=b")
    assert [entry["Id"] for entry in sent["Successful"]] == ["1", "2"]
    found = aws("receive-message", "--queue-url", queue, "--max-number-of-messages", "10")["Messages"]
    entries = [{"Id": str(index), "ReceiptHandle": one["ReceiptHandle"]} for index, one in enumerate(found)]
    deleted = aws("delete-message-batch", "--queue-url", queue, "--entries", json.dumps(entries))
    assert len(deleted["Successful"]) == 2
    aws("send-message", "--queue-url", queue, "--message-body", "gone soon")
    aws("purge-queue", "--queue-url", queue)
    assert aws("receive-message", "--queue-url", queue) is None


def test_a_fifo_queue_with_dead_letters(aws, unique_name):
    make = ("create-queue", "--queue-name")
    letters = aws(*make, unique_name("letters") + ".fifo", "--attributes", "FifoQueue=true")["QueueUrl"]
    arn = aws("get-queue-attributes", "--queue-url", letters, "--attribute-names", "QueueArn")["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    attributes = {"FifoQueue": "true", "RedrivePolicy": policy, "VisibilityTimeout": "0"}
    url = aws(*make, unique_name() + ".fifo", "--attributes", json.dumps(attributes))["QueueUrl"]
    sent = aws(
        "send-message", "--queue-url", url, "--message-body", "bad", "--message-group-id", "g",
        "--message-deduplication-id", "d",
    )  # fmt: skip
    assert len(sent["SequenceNumber"]) == 20
    assert aws("receive-message", "--queue-url", url)["Messages"][0]["Body"] == "bad"
    assert aws("receive-message", "--queue-url", url) is None
    assert aws("receive-message", "--queue-url", letters)["Messages"][0]["MessageId"] == sent["MessageId"]
    assert aws("list-dead-letter-source-queues", "--queue-url", letters) == {"queueUrls": [url]}


def test_permissions(aws, queue):
    aws(
        "add-permission", "--queue-url", queue, "--label", "share", "--aws-account-ids", "111122223333",
        "--actions", "SendMessage",
    )  # fmt: skip
    found = aws("get-queue-attributes", "--queue-url", queue, "--attribute-names", "Policy")["Attributes"]["Policy"]
    assert json.loads(found)["Statement"][0]["Sid"] == "share"
    aws("remove-permission", "--queue-url", queue, "--label", "share")
    assert aws("get-queue-attributes", "--queue-url", queue, "--attribute-names", "Policy") is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--max-number-of-messages", "11"), "Value 11 for parameter MaxNumberOfMessages is invalid."),
        (("--wait-time-seconds", "21"), "Value 21 for parameter WaitTimeSeconds is invalid."),
    ],
)
def test_errors_are_the_documented_ones(aws, queue, arguments, text):
    with pytest.raises(Failed, match=r"\(InvalidParameterValue\)") as caught:
        aws("receive-message", "--queue-url", queue, *arguments)
    assert text in str(caught.value)
