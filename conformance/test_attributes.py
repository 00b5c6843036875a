"""Queue attributes: the defaults of a fresh queue, which may be set to what, and counts that add up."""

import time

import pytest

DEFAULTS = {
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}

RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1048576),
    "MessageRetentionPeriod": (60, 1209600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43200),
}


def attributes_of(sqs, queue, *names):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(names)).get("Attributes", {})


def test_a_fresh_queue_has_the_defaults_and_nothing_more(sqs, queue):
    attributes = attributes_of(sqs, queue, "All")
    account, name = queue.split("/")[-2:]
    now_secs = time.time()
    for stamp in ("CreatedTimestamp", "LastModifiedTimestamp"):
        assert now_secs - 60 < int(attributes.pop(stamp)) < now_secs + 2
    assert attributes.pop("QueueArn") == f"arn:aws:sqs:us-east-1:{account}:{name}"
    assert attributes == DEFAULTS


def test_no_names_answer_nothing(sqs, queue):
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue)


def test_only_the_named_attributes_come(sqs, queue):
    assert attributes_of(sqs, queue, "VisibilityTimeout") == {"VisibilityTimeout": "30"}


def test_an_unknown_name_is_refused(sqs, queue):
    with pytest.raises(sqs.exceptions.InvalidAttributeName) as refused:
        sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Foobar"])
    assert refused.value.response["Error"]["Message"] == "Unknown Attribute Foobar."


def test_attributes_are_set_at_creation_and_later(sqs, make_queue):
    queue = make_queue(VisibilityTimeout=5, DelaySeconds=2)
    assert attributes_of(sqs, queue, "VisibilityTimeout", "DelaySeconds") == {
        "VisibilityTimeout": "5",
        "DelaySeconds": "2",
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "6"})
    assert attributes_of(sqs, queue, "VisibilityTimeout", "DelaySeconds") == {
        "VisibilityTimeout": "6",
        "DelaySeconds": "2",
    }


@pytest.mark.parametrize("name", RANGES)
def test_both_ends_of_a_range_are_allowed(sqs, queue, name):
    for value in map(str, RANGES[name]):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: value})
        assert attributes_of(sqs, queue, name) == {name: value}


@pytest.mark.parametrize("name", RANGES)
def test_values_outside_a_range_are_refused_and_change_nothing(sqs, queue, unique_name, name):
    low, high = RANGES[name]
    for value in (str(low - 1), str(high + 1), "ten", "", "1.5"):
        with pytest.raises(sqs.exceptions.InvalidAttributeValue) as refused:
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: value})
        assert refused.value.response["Error"]["Message"] == f"Invalid value for the parameter {name}."
        with pytest.raises(sqs.exceptions.InvalidAttributeValue):
            sqs.create_queue(QueueName=unique_name(), Attributes={name: value})
    assert attributes_of(sqs, queue, name) == {name: DEFAULTS[name]}


@pytest.mark.parametrize("name", ["QueueArn", "CreatedTimestamp", "ApproximateNumberOfMessages", "Foobar"])
def test_what_can_not_be_set_is_refused(sqs, queue, name):
    with pytest.raises(sqs.exceptions.InvalidAttributeName) as refused:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: "1"})
    assert refused.value.response["Error"]["Message"] == f"Unknown Attribute {name}."


def test_counts_follow_messages_from_delayed_to_gone(sqs, queue):
    def counts():
        names = ("", "NotVisible", "Delayed")
        attributes = attributes_of(sqs, queue, *[f"ApproximateNumberOfMessages{name}" for name in names])
        return tuple(int(attributes[f"ApproximateNumberOfMessages{name}"]) for name in names)

    sqs.send_message(QueueUrl=queue, MessageBody="now")
    sqs.send_message(QueueUrl=queue, MessageBody="now")
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=900)
    assert counts() == (2, 0, 1)
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert counts() == (1, 1, 1)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert counts() == (1, 0, 1)


def test_setting_attributes_moves_the_time_of_change_only(sqs, queue):
    before = attributes_of(sqs, queue, "All")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "9"})
    after = attributes_of(sqs, queue, "All")
    assert after["CreatedTimestamp"] == before["CreatedTimestamp"]
    assert int(after["LastModifiedTimestamp"]) >= int(before["LastModifiedTimestamp"])
