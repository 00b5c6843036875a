"""A RedrivePolicy names a dead-letter queue that is there, fits and permits it; its sources can be listed."""

import json

import pytest


def arn_of(sqs, queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def policy(arn, count=3):
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})


def told(sqs, queue):
    reply = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])
    text = reply.get("Attributes", {}).get("RedrivePolicy")
    return json.loads(text) if text else None


def refusal(sqs, queue, text):
    """The reason why a policy is refused."""
    with pytest.raises(sqs.exceptions.ClientError) as error:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": text})
    error = error.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue"
    start = f"Value {text} for parameter RedrivePolicy is invalid. Reason: "
    assert error["Message"].startswith(start)
    return error["Message"].removeprefix(start)


@pytest.fixture
def dead(make_queue):
    """The URL of a queue for dead letters."""
    return make_queue("dead")


@pytest.mark.parametrize("count", [1, 1000, "7"])
def test_a_policy_is_told_and_taken_away(sqs, queue, dead, count):
    arn = arn_of(sqs, dead)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy(arn, count)})
    assert told(sqs, queue) == {"deadLetterTargetArn": arn, "maxReceiveCount": int(count)}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": ""})
    assert told(sqs, queue) is None


def test_the_target_is_there_and_fits(sqs, queue, dead, unique_name):
    arn = arn_of(sqs, dead)
    assert refusal(sqs, queue, policy(f"{arn}-none")) == "Dead letter target does not exist."
    assert refusal(sqs, queue, policy(arn.replace(":sqs:", ":sns:"))).startswith("Only SQS queues are valid")
    assert refusal(sqs, queue, policy("dead")) == "Invalid value for deadLetterTargetArn."
    region, account = arn.split(":")[3:5]
    assert "region" in refusal(sqs, queue, policy(arn.replace(region, "ap-south-7")))
    assert "owner" in refusal(sqs, queue, policy(arn.replace(account, "999999999999")))
    name = f"{unique_name()}.fifo"
    fifo = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    try:
        assert "same type of queue as the source" in refusal(sqs, queue, policy(arn_of(sqs, fifo)))
    finally:
        sqs.delete_queue(QueueUrl=fifo)


def test_the_target_permits_it(sqs, queue, make_queue):
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [arn_of(sqs, queue)]}
    closed = make_queue(RedriveAllowPolicy=json.dumps({"redrivePermission": "denyAll"}))
    for_one = make_queue(RedriveAllowPolicy=json.dumps(allow))
    assert refusal(sqs, queue, policy(arn_of(sqs, closed)))
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy(arn_of(sqs, for_one))})
    assert refusal(sqs, make_queue(), policy(arn_of(sqs, for_one)))


@pytest.mark.parametrize("count", [0, 1001, "x", 1.5])
def test_a_count_is_from_1_to_1000(sqs, queue, dead, count):
    reason = f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive."
    assert refusal(sqs, queue, policy(arn_of(sqs, dead), count)) == reason


def test_both_members_are_needed(sqs, queue, dead):
    assert refusal(sqs, queue, "{}") == "Redrive policy does not contain mandatory attribute: maxReceiveCount."
    only_count = json.dumps({"maxReceiveCount": 1})
    assert refusal(sqs, queue, only_count).endswith("mandatory attribute: deadLetterTargetArn.")


def test_sources_are_listed_page_by_page(sqs, dead, make_queue):
    arn = arn_of(sqs, dead)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead).get("queueUrls", []) == []
    sources = {make_queue("source", RedrivePolicy=policy(arn)) for _ in range(5)}
    assert set(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]) == sources
    paginator = sqs.get_paginator("list_dead_letter_source_queues")
    pages = list(paginator.paginate(QueueUrl=dead, PaginationConfig={"PageSize": 2}))
    assert [len(page["queueUrls"]) for page in pages] == [2, 2, 1]
    assert {url for page in pages for url in page["queueUrls"]} == sources
