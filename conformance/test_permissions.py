"""AddPermission and RemovePermission edit the policy of a queue statement by statement."""

import json

import pytest

MINE, OTHER = "111122223333", "444455556666"


def attributes(sqs, queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy", "QueueArn"])["Attributes"]


def policy(sqs, queue):
    text = attributes(sqs, queue).get("Policy")
    return json.loads(text) if text else None


def add(sqs, queue, label, accounts=(MINE,), actions=("SendMessage",)):
    sqs.add_permission(QueueUrl=queue, Label=label, AWSAccountIds=list(accounts), Actions=list(actions))


def error_of(sqs, call):
    with pytest.raises(sqs.exceptions.ClientError) as error:
        call()
    return error.value.response["Error"]


def test_a_permission_becomes_a_statement(sqs, queue):
    add(sqs, queue, "one")
    add(sqs, queue, "more", [MINE, OTHER], ["ReceiveMessage", "DeleteMessage"])
    arn = attributes(sqs, queue)["QueueArn"]
    assert policy(sqs, queue) == {
        "Version": "2008-10-17",
        "Id": f"{arn}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "one",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{MINE}:root"},
                "Action": "SQS:SendMessage",
                "Resource": arn,
            },
            {
                "Sid": "more",
                "Effect": "Allow",
                "Principal": {"AWS": [f"arn:aws:iam::{MINE}:root", f"arn:aws:iam::{OTHER}:root"]},
                "Action": ["SQS:ReceiveMessage", "SQS:DeleteMessage"],
                "Resource": arn,
            },
        ],
    }


def test_the_last_permission_takes_the_policy_with_it(sqs, queue):
    add(sqs, queue, "a")
    add(sqs, queue, "b")
    sqs.remove_permission(QueueUrl=queue, Label="a")
    assert [statement["Sid"] for statement in policy(sqs, queue)["Statement"]] == ["b"]
    sqs.remove_permission(QueueUrl=queue, Label="b")
    assert policy(sqs, queue) is None


def test_a_permission_joins_a_policy_that_was_set(sqs, queue):
    deny = {"Sid": "deny", "Effect": "Deny", "Principal": {"AWS": MINE}, "Action": "sqs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": deny}, indent=2)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document})
    assert attributes(sqs, queue)["Policy"] == document
    add(sqs, queue, "a")
    assert [statement["Sid"] for statement in policy(sqs, queue)["Statement"]] == ["deny", "a"]
    assert policy(sqs, queue)["Version"] == "2012-10-17"


def test_a_label_is_taken_once(sqs, queue):
    add(sqs, queue, "a")
    error = error_of(sqs, lambda: add(sqs, queue, "a"))
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"] == "Value a for parameter Label is invalid. Reason: Already exists."


def test_a_label_that_is_not_there_is_not_removed(sqs, queue):
    error = error_of(sqs, lambda: sqs.remove_permission(QueueUrl=queue, Label="b"))
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"] == "Value b for parameter Label is invalid. Reason: can't find label."


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"actions": ["DeleteQueue"]}, "InvalidParameterValue"),
        ({"accounts": ["1"]}, "InvalidParameterValue"),
        ({"label": "no space"}, "InvalidParameterValue"),
        ({"actions": ["SendMessage"] * 8}, "OverLimit"),
    ],
)
def test_other_permissions_are_refused(sqs, queue, given, code):
    error = error_of(sqs, lambda: add(sqs, queue, **{"label": "a", **given}))
    assert error["Code"] == code
    assert policy(sqs, queue) is None
