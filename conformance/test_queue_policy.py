"""Policy, RedriveAllowPolicy and the attributes of encryption are checked, kept and told; a policy as it was given."""

import json

import pytest

STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
NAMES = ["Policy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]


def attributes(sqs, queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=NAMES)["Attributes"]


def set_error(sqs, queue, **values):
    with pytest.raises(sqs.exceptions.ClientError) as error:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=values)
    return error.value.response["Error"]


def test_a_policy_is_told_as_it_was_given_until_it_is_taken_away(sqs, queue):
    document = json.dumps({"Id": 'a "b" ü', "Statement": [STATEMENT, STATEMENT]}, indent=1, ensure_ascii=False)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document})
    assert attributes(sqs, queue)["Policy"] == document
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert "Policy" not in attributes(sqs, queue)


@pytest.mark.parametrize("policy", ["x", "{}", '{"Statement": []}', json.dumps({"Statement": {"Effect": "Allow"}})])
def test_what_is_no_policy_is_refused(sqs, queue, policy):
    error = set_error(sqs, queue, Policy=policy)
    assert (error["Code"], error["Message"]) == ("InvalidAttributeValue", "Invalid value for the parameter Policy.")


def test_a_policy_has_twenty_statements_at_most(sqs, queue):
    error = set_error(sqs, queue, Policy=json.dumps({"Statement": [STATEMENT] * 21}))
    assert error["Code"] == "OverLimit"


def test_an_allow_policy_is_kept(sqs, queue):
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": ["arn:aws:sqs:us-east-1:000000000000:source"]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedriveAllowPolicy": json.dumps(allow)})
    assert json.loads(attributes(sqs, queue)["RedriveAllowPolicy"]) == allow
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedriveAllowPolicy": ""})
    assert "RedriveAllowPolicy" not in attributes(sqs, queue)


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"redrivePermission": "some"}, "InvalidAttributeValue"),
        ({"redrivePermission": "byQueue"}, "InvalidParameterValue"),
    ],
)
def test_another_allow_policy_is_refused(sqs, queue, policy, code):
    assert set_error(sqs, queue, RedriveAllowPolicy=json.dumps(policy))["Code"] == code


def test_a_key_takes_the_place_of_managed_encryption(sqs, queue):
    assert attributes(sqs, queue) == {"SqsManagedSseEnabled": "true"}
    keyed = {"KmsMasterKeyId": "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds": "6000"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=keyed)
    assert attributes(sqs, queue) == {**keyed, "SqsManagedSseEnabled": "false"}
    without = {"KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": "300"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=without)
    assert attributes(sqs, queue) == {"SqsManagedSseEnabled": "false"}


def test_both_kinds_of_encryption_are_refused(sqs, queue):
    error = set_error(sqs, queue, KmsMasterKeyId="k", SqsManagedSseEnabled="true")
    assert error["Code"] == "InvalidAttributeName"
    assert error["Message"].startswith("You can use one type of server-side encryption (SSE) at one time.")
