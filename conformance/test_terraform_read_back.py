"""What Terraform's `aws_sqs_queue` does: it creates with every attribute spelled out, and waits until all are read back."""

import json

import pytest

EXPECTED = {
    "DelaySeconds": "5",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "86400",
    "ReceiveMessageWaitTimeSeconds": "10",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "45",
}
FIFO = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "true",
    "DeduplicationScope": "messageGroup",
    "FifoThroughputLimit": "perMessageGroupId",
}
TAGS = {"Name": "orders", "Environment": "test"}


def read_back(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def subset(attributes, expected):
    return {name: attributes.get(name) for name in expected}


def policy(arn):
    statement = {
        "Sid": "first",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:000000000000:topic"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("more", [{}, FIFO], ids=["standard", "fifo"])
def test_create_read_update_delete(sqs, unique_name, more):
    end = ".fifo" if more else ""
    letters = sqs.create_queue(QueueName=unique_name("letters") + end, Attributes=dict(list(more.items())[:1]))
    target = read_back(sqs, letters["QueueUrl"])["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 4})
    expected = {**EXPECTED, **more, "RedrivePolicy": redrive}
    url = sqs.create_queue(QueueName=unique_name() + end, Attributes=expected, tags=TAGS)["QueueUrl"]
    found = read_back(sqs, url)
    # The text of a policy may be written anew; what it says may not.
    assert json.loads(found["RedrivePolicy"]) == json.loads(redrive)
    assert subset(found, {**EXPECTED, **more}) == {**EXPECTED, **more}
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == TAGS

    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(found["QueueArn"]), "VisibilityTimeout": "90"})
    found = read_back(sqs, url)
    assert json.loads(found["Policy"]) == json.loads(policy(found["QueueArn"]))
    assert found["VisibilityTimeout"] == "90"

    allow = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [found["QueueArn"]]})
    sqs.set_queue_attributes(QueueUrl=letters["QueueUrl"], Attributes={"RedriveAllowPolicy": allow})
    assert json.loads(read_back(sqs, letters["QueueUrl"])["RedriveAllowPolicy"]) == json.loads(allow)

    # An empty text takes a policy away, and with it the attribute.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": "", "RedrivePolicy": ""})
    assert not {"Policy", "RedrivePolicy"} & read_back(sqs, url).keys()

    sqs.untag_queue(QueueUrl=url, TagKeys=["Environment"])
    sqs.tag_queue(QueueUrl=url, Tags={"Owner": "mill"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"Name": "orders", "Owner": "mill"}

    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        read_back(sqs, url)
    sqs.delete_queue(QueueUrl=letters["QueueUrl"])
