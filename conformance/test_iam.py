"""IAM with boto3 as it is: users, keys, roles and policies are made, count for requests at once, and survive a kill.

What always holds: a change counts for the next request after its reply, and no secret is below the data directory.
"""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from millpond import ACCESS_KEY, REGION, SECRET_KEY

PROTOCOLS = ["json"]

ONCE = Config(retries={"total_max_attempts": 1})


def document(*actions, resource="*", effect="Allow"):
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def client(server, service, key=None):
    """A client of a service; without a key that of the root."""
    access_key, secret = (key["AccessKeyId"], key["SecretAccessKey"]) if key else (ACCESS_KEY, SECRET_KEY)
    return boto3.client(
        service,
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=ONCE,
    )


@pytest.fixture
def iam(server):
    return client(server, "iam")


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


def test_a_user_may_what_its_policies_allow_from_the_next_request_on(server, iam):
    iam.create_user(UserName="clerk", Path="/staff/")
    key = iam.create_access_key(UserName="clerk")["AccessKey"]
    clerk = client(server, "iam", key)
    status, code, text = refused(clerk.list_users)
    assert (status, code) == (403, "AccessDenied")
    account = iam.get_user()["User"]["UserId"]
    assert text.startswith(f"User: arn:aws:iam::{account}:user/staff/clerk is not authorized to perform: iam:ListUsers")

    iam.put_user_policy(UserName="clerk", PolicyName="list", PolicyDocument=document("iam:ListUsers"))
    assert "clerk" in [user["UserName"] for user in clerk.list_users()["Users"]]
    own = f"arn:aws:iam::{account}:user/staff/${{aws:username}}"
    iam.put_user_policy(UserName="clerk", PolicyName="own", PolicyDocument=document("iam:*AccessKey*", resource=own))
    assert [found["AccessKeyId"] for found in clerk.list_access_keys()["AccessKeyMetadata"]] == [key["AccessKeyId"]]
    iam.create_user(UserName="other")
    assert refused(clerk.create_access_key, UserName="other")[1] == "AccessDenied"

    arn = iam.create_policy(PolicyName="no-list", PolicyDocument=document("iam:ListUsers", effect="Deny"))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="clerk", PolicyArn=arn)
    assert "explicit deny" in refused(clerk.list_users)[2]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("iam:ListUsers"), SetAsDefault=True)
    clerk.list_users()

    iam.update_access_key(UserName="clerk", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refused(clerk.list_users)[1] == "InvalidClientTokenId"


def test_a_boundary_bounds(server, iam):
    arn = iam.create_policy(PolicyName="bound", PolicyDocument=document("sqs:*"))["Policy"]["Arn"]
    iam.create_user(UserName="bounded", PermissionsBoundary=arn)
    iam.attach_user_policy(UserName="bounded", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="bounded")["AccessKey"]
    client(server, "sqs", key).list_queues()
    assert "permissions boundary" in refused(client(server, "iam", key).list_users)[2]


def test_documents_and_pages_come_back_as_they_were(iam):
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200)["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=document("sqs:SendMessage"))
    read = iam.get_role_policy(RoleName="worker", PolicyName="p")
    assert read["PolicyDocument"] == json.loads(document("sqs:SendMessage"))
    assert iam.get_role(RoleName="worker")["Role"]["MaxSessionDuration"] == 7200
    assert iam.list_instance_profiles_for_role(RoleName="worker")["InstanceProfiles"] == []
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 3})
    names = [policy["PolicyName"] for page in pages for policy in page["Policies"]]
    assert len(names) == len(set(names)) and "AmazonSQSFullAccess" in names


def test_refusals_are_the_exceptions_of_the_sdk(iam):
    iam.create_user(UserName="once")
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName="once")
    with pytest.raises(iam.exceptions.NoSuchEntityException) as caught:
        iam.get_user(UserName="never")
    assert caught.value.response["Error"]["Message"] == "The user with name never cannot be found."
    iam.create_access_key(UserName="once")
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_user(UserName="once")
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.put_user_policy(UserName="once", PolicyName="p", PolicyDocument="{")
    assert refused(iam.create_user, UserName="a" * 65)[:2] == (400, "ValidationError")
    assert refused(iam.create_group, GroupName="g")[:2] == (400, "InvalidAction")


def test_identities_survive_a_kill_and_secrets_are_not_in_the_data(server, iam):
    iam.create_user(UserName="survivor", Tags=[{"Key": "team", "Value": "a"}])
    iam.put_user_policy(UserName="survivor", PolicyName="read", PolicyDocument=document("iam:GetUser"))
    key = iam.create_access_key(UserName="survivor")["AccessKey"]
    server.restart()
    found = client(server, "iam", key).get_user()["User"]
    assert (found["UserName"], found["Tags"]) == ("survivor", [{"Key": "team", "Value": "a"}])
    secret = key["SecretAccessKey"].encode()
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert any(key["AccessKeyId"].encode() in path.read_bytes() for path in files)
    assert not any(secret in path.read_bytes() for path in files)
