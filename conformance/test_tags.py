"""Queues carry tags: set, replaced and removed one by one, and compared with nothing."""

import pytest


def tags_of(sqs, queue):
    return sqs.list_queue_tags(QueueUrl=queue).get("Tags", {})


def test_a_fresh_queue_has_no_tags(sqs, queue):
    assert tags_of(sqs, queue) == {}


def test_tags_are_set_replaced_and_removed(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={"team": "mill", "stage": "", "Größe": "a b/c@d"})
    sqs.tag_queue(QueueUrl=queue, Tags={"team": "pond", "Team": "case counts"})
    assert tags_of(sqs, queue) == {"team": "pond", "Team": "case counts", "stage": "", "Größe": "a b/c@d"}
    sqs.untag_queue(QueueUrl=queue, TagKeys=["team", "Größe", "never there"])
    assert tags_of(sqs, queue) == {"Team": "case counts", "stage": ""}


def test_a_queue_is_created_with_tags_which_are_not_compared(sqs, unique_name):
    name = unique_name()
    url = sqs.create_queue(QueueName=name, tags={"team": "mill"})["QueueUrl"]
    try:
        assert sqs.create_queue(QueueName=name, tags={"team": "other"})["QueueUrl"] == url
        assert tags_of(sqs, url) == {"team": "mill"}
    finally:
        sqs.delete_queue(QueueUrl=url)


def test_fifty_tags_are_the_most(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={f"key{number}": "" for number in range(50)})
    with pytest.raises(sqs.exceptions.ClientError) as error:
        sqs.tag_queue(QueueUrl=queue, Tags={"one more": ""})
    assert error.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert len(tags_of(sqs, queue)) == 50


@pytest.mark.parametrize("tags", [{"aws:reserved": "x"}, {"k" * 129: "x"}, {"k": "v" * 257}, {"": "x"}, {"#": "x"}])
def test_other_tags_are_refused_as_a_whole(sqs, queue, tags):
    with pytest.raises(sqs.exceptions.ClientError) as error:
        sqs.tag_queue(QueueUrl=queue, Tags={**tags, "good": "one"})
    assert error.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert tags_of(sqs, queue) == {}


def test_tagging_is_no_change_of_attributes(sqs, queue):
    before = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    sqs.tag_queue(QueueUrl=queue, Tags={"team": "mill"})
    assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"] == before
