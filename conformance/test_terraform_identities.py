"""What Terraform reads after it made users, roles and policies is what it wrote, in the order in which its provider asks.

What always holds: a second plan would be empty, because each read gives back the very documents; what was destroyed is
gone with `NoSuchEntity`, which is how the provider knows.
"""

import json

import pytest
from botocore.exceptions import ClientError

from millpond import client

PROTOCOLS = ["json"]
TAGS = [{"Key": "Team", "Value": "mill"}, {"Key": "empty", "Value": ""}]
SEND = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}
RECEIVE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def iam(server):
    return client(server.endpoint, "iam")


def is_gone(call, **parameters):
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    assert refused.value.response["Error"]["Code"] == "NoSuchEntity"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_policy(iam):
    made = iam.create_policy(PolicyName="send", Path="/app/", Description="sends", PolicyDocument=json.dumps(SEND), Tags=TAGS)
    arn = made["Policy"]["Arn"]
    read = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (read["PolicyName"], read["Path"], read["Description"], read["Tags"]) == ("send", "/app/", "sends", TAGS)
    version = iam.get_policy_version(PolicyArn=arn, VersionId=read["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"] == SEND
    # An update is a new version by default; the provider prunes the oldest at five.
    for number in range(2, 7):
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) == 5:
            oldest = min((each for each in versions if not each["IsDefaultVersion"]), key=lambda each: each["CreateDate"])
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(RECEIVE), SetAsDefault=True)
        assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == f"v{number}"
    iam.untag_policy(PolicyArn=arn, TagKeys=["empty"])
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Tags"] == TAGS[:1]
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)
    is_gone(iam.get_policy, PolicyArn=arn)


def test_a_role(iam):
    arn = iam.create_policy(PolicyName="receive", PolicyDocument=json.dumps(RECEIVE))["Policy"]["Arn"]
    trust = json.dumps(TRUST)
    iam.create_role(
        RoleName="worker", Path="/", Description="works", MaxSessionDuration=7200, AssumeRolePolicyDocument=trust, Tags=TAGS
    )
    read = iam.get_role(RoleName="worker")["Role"]
    assert (read["AssumeRolePolicyDocument"], read["MaxSessionDuration"], read["Tags"]) == (TRUST, 7200, TAGS)
    assert read["Description"] == "works" and "PermissionsBoundary" not in read
    assert iam.list_role_policies(RoleName="worker")["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"] == []
    iam.put_role_policy(RoleName="worker", PolicyName="send", PolicyDocument=json.dumps(SEND))
    inline = iam.get_role_policy(RoleName="worker", PolicyName="send")
    assert inline["PolicyDocument"] == SEND
    iam.attach_role_policy(RoleName="worker", PolicyArn=arn)
    iam.attach_role_policy(RoleName="worker", PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]
    assert attached == [{"PolicyName": "receive", "PolicyArn": arn}]
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [role["RoleName"] for role in entities["PolicyRoles"]] == ["worker"]
    iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary=arn)
    bounded = iam.get_role(RoleName="worker")["Role"]["PermissionsBoundary"]
    assert bounded == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    iam.update_role(RoleName="worker", MaxSessionDuration=3600)
    iam.update_role_description(RoleName="worker", Description="rests")
    changed = iam.get_role(RoleName="worker")["Role"]
    assert (changed["MaxSessionDuration"], changed["Description"]) == (3600, "rests")
    # Destroyed in the provider's order.
    assert iam.list_instance_profiles_for_role(RoleName="worker")["InstanceProfiles"] == []
    iam.detach_role_policy(RoleName="worker", PolicyArn=arn)
    is_gone(iam.detach_role_policy, RoleName="worker", PolicyArn=arn)
    iam.delete_role_policy(RoleName="worker", PolicyName="send")
    iam.delete_role_permissions_boundary(RoleName="worker")
    iam.delete_role(RoleName="worker")
    iam.delete_policy(PolicyArn=arn)
    is_gone(iam.get_role, RoleName="worker")


def test_a_user_with_a_key(iam):
    iam.create_user(UserName="deploy", Path="/ci/", Tags=TAGS)
    read = iam.get_user(UserName="deploy")["User"]
    assert (read["Path"], read["Tags"]) == ("/ci/", TAGS)
    key = iam.create_access_key(UserName="deploy")["AccessKey"]
    listed = iam.list_access_keys(UserName="deploy")["AccessKeyMetadata"]
    assert [(each["AccessKeyId"], each["Status"]) for each in listed] == [(key["AccessKeyId"], "Active")]
    iam.put_user_policy(UserName="deploy", PolicyName="send", PolicyDocument=json.dumps(SEND))
    assert iam.get_user_policy(UserName="deploy", PolicyName="send")["PolicyDocument"] == SEND
    managed = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
    iam.attach_user_policy(UserName="deploy", PolicyArn=managed)
    attached = iam.list_attached_user_policies(UserName="deploy")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonSQSReadOnlyAccess", "PolicyArn": managed}]
    iam.update_user(UserName="deploy", NewPath="/cd/", NewUserName="deployer")
    assert iam.get_user(UserName="deployer")["User"]["Arn"].endswith(":user/cd/deployer")
    is_gone(iam.get_user, UserName="deploy")
    assert iam.list_groups_for_user(UserName="deployer")["Groups"] == []
    iam.detach_user_policy(UserName="deployer", PolicyArn=managed)
    iam.delete_user_policy(UserName="deployer", PolicyName="send")
    iam.delete_access_key(UserName="deployer", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="deployer")
    is_gone(iam.get_user, UserName="deployer")
    is_gone(iam.list_access_keys, UserName="deployer")
