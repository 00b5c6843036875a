"""Queues are created once, found by name, listed by prefix, and gone when deleted."""

import pytest


def test_create_answers_a_url_at_the_callers_endpoint(sqs, endpoint, unique_name):
    name = unique_name()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url.startswith(endpoint + "/")
    account, last = url.removeprefix(endpoint + "/").split("/")
    assert len(account) == 12 and account.isdigit()
    assert last == name


def test_create_again_without_attributes_answers_the_same_url(sqs, unique_name):
    name = unique_name()
    first = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == first
    assert sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"] == first


def test_create_again_with_another_attribute_is_refused(sqs, unique_name):
    name = unique_name()
    sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})
    with pytest.raises(sqs.exceptions.QueueNameExists) as refused:
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "8"})
    error = refused.value.response["Error"]
    assert error["Code"] == "QueueAlreadyExists"
    assert error["Message"] == (
        "A queue already exists with the same name and a different value for attribute VisibilityTimeout"
    )


@pytest.mark.parametrize("length", [1, 80])
def test_names_have_1_to_80_characters(sqs, length):
    name = "a-Z_9" * 16 if length == 80 else "q"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url.endswith("/" + name)
    sqs.delete_queue(QueueUrl=url)


@pytest.mark.parametrize("name", ["a" * 81, "with space", "dot.ted", "ümlaut", "semi;colon"])
def test_other_names_are_refused(sqs, name):
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.create_queue(QueueName=name)
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Code"] == "InvalidParameterValue"
    assert response["Error"]["Message"] == (
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
    )


def test_a_queue_is_found_by_name(sqs, unique_name):
    name = unique_name()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url


def test_names_are_case_sensitive(sqs, unique_name):
    name = unique_name("Case")
    sqs.create_queue(QueueName=name)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=name.lower())
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name.lower())


def test_queues_are_listed_by_prefix(sqs, unique_name):
    prefix = unique_name("list")
    urls = {sqs.create_queue(QueueName=f"{prefix}-{number}")["QueueUrl"] for number in range(3)}
    sqs.create_queue(QueueName=unique_name("other"))
    assert set(sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"]) == urls


def test_a_list_without_queues_has_no_member_for_them(sqs, unique_name):
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=unique_name("none"))


def test_a_deleted_queue_is_gone_with_its_messages(sqs, unique_name):
    name = unique_name()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="lost with its queue")
    sqs.delete_queue(QueueUrl=url)
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name)
    for use in (
        lambda: sqs.get_queue_url(QueueName=name),
        lambda: sqs.send_message(QueueUrl=url, MessageBody="x"),
        lambda: sqs.receive_message(QueueUrl=url),
        lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
        lambda: sqs.delete_queue(QueueUrl=url),
    ):
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            use()
