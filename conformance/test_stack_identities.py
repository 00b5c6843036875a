"""Identities in templates: made, changed and taken away as CloudFormation does, as whoever brings the stack up."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from millpond import ACCESS_KEY, REGION, SECRET_KEY, Millpond

PARTNER = Path(__file__).resolve().parent.parent / "examples" / "partner" / "template.yaml"
ACCOUNT = "000000000000"
ROOT = (ACCESS_KEY, SECRET_KEY)
TRUST = """{Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com},
          Action: 'sts:AssumeRole'}]}"""


def allow(action):
    return f"{{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: '{action}', Resource: '*'}}]}}"


@pytest.fixture(scope="module")
def millpond(tmp_path_factory):
    with Millpond(tmp_path_factory.mktemp("millpond")) as running:
        yield running
        # So that no workload of a test that failed outlives it.
        running.stop()


def aws(millpond, service, keys=ROOT):
    return boto3.client(
        service,
        endpoint_url=millpond.endpoint,
        region_name=REGION,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture(scope="module")
def iam(millpond):
    return aws(millpond, "iam")


def call(millpond, method, path, body=None, keys=ROOT):
    """Calls the service's own API with a signature; status and body."""
    data = json.dumps(body).encode() if body is not None else None
    signed = AWSRequest(method, f"{millpond.endpoint}/_millpond/v1/{path}", data=data)
    if method != "GET":
        signed.headers["Content-Type"] = "application/json"
    SigV4Auth(Credentials(*keys), "millpond", REGION).add_auth(signed)
    request = urllib.request.Request(signed.url, data=data, method=method, headers=dict(signed.headers))
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def bring(millpond, stack, template, keys=ROOT):
    return call(millpond, "POST", f"stacks/{stack}", {"file": f"{stack}.yaml", "template": template}, keys)


def up(millpond, stack, template):
    """Brings a stack up: its steps, and its outputs by name."""
    status, answer = bring(millpond, stack, template)
    assert status == 200, answer
    assert bring(millpond, stack, template)[1]["steps"] == [], "a second time there is nothing to do"
    return answer["steps"], {output["name"]: output["value"] for output in answer["outputs"]}


def down(millpond, stack):
    status, answer = call(millpond, "DELETE", f"stacks/{stack}")
    assert status == 200, answer


def no_such(call, **parameters):
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.response["Error"]["Code"] == "NoSuchEntity"


def test_a_role_is_made_changed_and_taken_away(millpond, iam):
    template = f"""
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      RoleName: writer
      Path: /app/
      Description: first
      MaxSessionDuration: 7200
      AssumeRolePolicyDocument: {TRUST}
      ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess]
      Policies: [{{PolicyName: one, PolicyDocument: {allow("sqs:SendMessage")}}}]
      Tags: [{{Key: team, Value: mill}}]
Outputs:
  Id: {{Value: !GetAtt R.RoleId}}
  Arn: {{Value: !GetAtt R.Arn}}
"""
    steps, outputs = up(millpond, "roles", template)
    assert steps == ["create role writer"]
    role = iam.get_role(RoleName="writer")["Role"]
    assert (role["Description"], role["MaxSessionDuration"], role["Path"]) == ("first", 7200, "/app/")
    assert outputs == {"Id": role["RoleId"], "Arn": role["Arn"]}
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert role["Tags"] == [{"Key": "team", "Value": "mill"}]
    attached = iam.list_attached_role_policies(RoleName="writer")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSQSReadOnlyAccess"]
    inline = iam.get_role_policy(RoleName="writer", PolicyName="one")["PolicyDocument"]
    assert inline["Statement"][0]["Action"] == "sqs:SendMessage"

    # What someone else gave it stays.
    iam.attach_role_policy(RoleName="writer", PolicyArn="arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    changed = (
        template.replace("first", "second")
        .replace("PolicyName: one", "PolicyName: two")
        .replace("      ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess]\n", "")
        .replace("Key: team", "Key: place")
    )
    steps, after = up(millpond, "roles", changed)
    assert (steps, after) == (["update role writer"], outputs), "in place"
    assert iam.get_role(RoleName="writer")["Role"]["Description"] == "second"
    assert iam.list_role_policies(RoleName="writer")["PolicyNames"] == ["two"]
    assert [tag["Key"] for tag in iam.get_role(RoleName="writer")["Role"]["Tags"]] == ["place"]
    attached = iam.list_attached_role_policies(RoleName="writer")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSQSFullAccess"]
    iam.detach_role_policy(RoleName="writer", PolicyArn="arn:aws:iam::aws:policy/AmazonSQSFullAccess")

    status, answer = bring(millpond, "roles", changed.replace("/app/", "/other/"))
    assert status == 400 and "changing Path replaces the role" in answer["error"], answer
    steps, _ = up(millpond, "roles", changed.replace("/app/", "/other/").replace("writer", "writer2"))
    assert steps == ["create role writer2", "delete role writer"]
    assert no_such(iam.get_role, RoleName="writer")
    down(millpond, "roles")
    assert no_such(iam.get_role, RoleName="writer2")


def test_users_policies_and_keys(millpond, iam):
    template = f"""
Resources:
  Ann: {{Type: AWS::IAM::User, Properties: {{UserName: ann, Path: /a/}}}}
  Bob: {{Type: AWS::IAM::User, Properties: {{UserName: bob}}}}
  Inline:
    Type: AWS::IAM::Policy
    Properties: {{PolicyName: send, Users: [!Ref Ann], PolicyDocument: {allow("sqs:SendMessage")}}}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties: {{ManagedPolicyName: readers, Users: [!Ref Ann], PolicyDocument: {allow("sqs:ReceiveMessage")}}}
  Key: {{Type: AWS::IAM::AccessKey, Properties: {{UserName: !Ref Ann}}}}
Outputs:
  Arn: {{Value: !Ref Managed}}
  Id: {{Value: !Ref Key}}
  Secret: {{Value: !GetAtt Key.SecretAccessKey}}
"""
    _, outputs = up(millpond, "team", template)
    assert outputs["Arn"] == f"arn:aws:iam::{ACCOUNT}:policy/readers"
    keys = (outputs["Id"], outputs["Secret"])
    assert aws(millpond, "sts", keys).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/a/ann"
    assert iam.list_user_policies(UserName="ann")["PolicyNames"] == ["send"]
    attached = iam.list_attached_user_policies(UserName="ann")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["readers"]

    # Told once, and kept nowhere.
    _, shown = up(millpond, "team", template)
    assert shown["Secret"] == "****"
    listed = call(millpond, "GET", "stacks")[1]
    assert outputs["Secret"] not in json.dumps(listed)
    assert {"kind": "access-key", "name": keys[0]}.items() <= next(
        resource for stack in listed["stacks"] for resource in stack["resources"] if resource["logical_id"] == "Key"
    ).items()
    for file in (path for path in millpond.data.rglob("*") if path.is_file()):
        assert outputs["Secret"].encode() not in file.read_bytes(), file

    moved = (
        template.replace("Users: [!Ref Ann]", "Users: [!Ref Bob]")
        .replace("sqs:ReceiveMessage", "sqs:DeleteMessage")
        .replace("UserName: !Ref Ann}", "UserName: !Ref Ann, Serial: 1}")
    )
    _, after = up(millpond, "team", moved)
    assert iam.list_user_policies(UserName="ann")["PolicyNames"] == []
    assert iam.list_user_policies(UserName="bob")["PolicyNames"] == ["send"]
    assert iam.list_attached_user_policies(UserName="ann")["AttachedPolicies"] == []
    policy = iam.get_policy(PolicyArn=after["Arn"])["Policy"]
    assert policy["DefaultVersionId"] == "v2"
    version = iam.get_policy_version(PolicyArn=after["Arn"], VersionId="v2")["PolicyVersion"]["Document"]
    assert version["Statement"][0]["Action"] == "sqs:DeleteMessage"
    listed = iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [after["Id"]] != [outputs["Id"]]

    # Older versions go as new ones come.
    for number in range(6):
        up(millpond, "team", moved.replace("sqs:DeleteMessage", f"sqs:Get{number}*"))
    assert len(iam.list_policy_versions(PolicyArn=after["Arn"])["Versions"]) == 5
    inactive = moved.replace("Serial: 1", "Serial: 1, Status: Inactive").replace("sqs:DeleteMessage", "sqs:Get5*")
    assert up(millpond, "team", inactive)[1]["Id"] == after["Id"]
    assert iam.list_access_keys(UserName="ann")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    down(millpond, "team")
    assert no_such(iam.get_user, UserName="ann") and no_such(iam.get_policy, PolicyArn=after["Arn"])


def test_a_failed_attempt_leaves_no_key_behind(millpond, iam):
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    template = f"""
Resources:
  U: {{Type: AWS::IAM::User, Properties: {{UserName: cid}}}}
  K: {{Type: AWS::IAM::AccessKey, Properties: {{UserName: !Ref U}}}}
  R: {{Type: AWS::IAM::Role, DependsOn: K, Properties: {{RoleName: theirs, AssumeRolePolicyDocument: {TRUST}}}}}
Outputs: {{Secret: {{Value: !GetAtt K.SecretAccessKey}}}}
"""
    for _ in range(3):
        status, answer = bring(millpond, "failing", template)
        assert status == 409 and "create role theirs: it exists already" in answer["error"], answer
        assert len(iam.list_access_keys(UserName="cid")["AccessKeyMetadata"]) == 1, "a user has two at most"
    _, outputs = up(millpond, "failing", template.replace("RoleName: theirs", "RoleName: ours"))
    assert outputs["Secret"] != "****", "the one that is there now is shown"
    down(millpond, "failing")
    assert iam.get_role(RoleName="theirs")
    iam.delete_role(RoleName="theirs")


def test_what_was_deleted_by_hand_is_made_again(millpond, iam):
    template = f"""
Resources:
  R: {{Type: AWS::IAM::Role, Properties: {{RoleName: again, AssumeRolePolicyDocument: {TRUST}}}}}
  P: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: p, Roles: [!Ref R], PolicyDocument: {allow("sqs:*")}}}}}
"""
    up(millpond, "again", template)
    iam.delete_role_policy(RoleName="again", PolicyName="p")
    iam.delete_role(RoleName="again")
    up(millpond, "again", template)
    assert iam.list_role_policies(RoleName="again")["PolicyNames"] == ["p"]
    down(millpond, "again")


def test_a_queue_policy_is_set_and_taken_away(millpond):
    sqs = aws(millpond, "sqs")
    template = """
Resources:
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: a}}
  B: {Type: AWS::SQS::Queue, Properties: {QueueName: b}}
  P:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref A]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Deny, Principal: '*', Action: 'sqs:PurgeQueue', Resource: !GetAtt A.Arn}]
"""

    def policy(name):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"].get("Policy")

    up(millpond, "queues", template)
    statement = json.loads(policy("a"))["Statement"][0]
    assert statement["Resource"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:a"
    up(millpond, "queues", template.replace("[!Ref A]", "[!Ref B]").replace("!GetAtt A.Arn", "!GetAtt B.Arn"))
    assert policy("a") is None and policy("b")
    without = template[: template.index("  P:")]
    up(millpond, "queues", without)
    assert policy("b") is None
    down(millpond, "queues")


def test_a_wrong_policy_is_told_with_its_place_before_anything_is_made(millpond):
    template = """Resources:
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: never}}
  R:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Action: 'sqs:*', Resource: '*'}
          - {Effect: Allow, Action: 'sqs:*', Resource: '*', Principal: '*'}
"""
    status, answer = bring(millpond, "wrong", template)
    assert status == 400
    assert answer["error"].startswith("wrong.yaml:10:13: R: "), answer
    with pytest.raises(ClientError):
        aws(millpond, "sqs").get_queue_url(QueueName="never")


@pytest.fixture
def deployer(millpond, iam):
    """A user that may bring stacks up and make queues, and nothing of identities: its keys."""
    iam.create_user(UserName="deployer")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["millpond:*", "sqs:*"], "Resource": "*"}],
    }
    iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    yield key["AccessKeyId"], key["SecretAccessKey"]
    iam.delete_access_key(UserName="deployer", AccessKeyId=key["AccessKeyId"])
    for name in iam.list_user_policies(UserName="deployer")["PolicyNames"]:
        iam.delete_user_policy(UserName="deployer", PolicyName=name)
    iam.delete_user(UserName="deployer")


def test_a_stack_gives_nobody_what_they_may_not_do(millpond, iam, deployer):
    queue = "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: mine}}\n"
    assert bring(millpond, "mine", queue, deployer)[0] == 200
    role = queue + f"  R: {{Type: AWS::IAM::Role, Properties: {{RoleName: mine, AssumeRolePolicyDocument: {TRUST}}}}}\n"
    status, answer = bring(millpond, "mine", role, deployer)
    assert status == 409
    assert f"user/deployer is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::{ACCOUNT}:role/mine" in answer["error"]
    assert no_such(iam.get_role, RoleName="mine")
    assert bring(millpond, "mine", queue, deployer) == (200, {"stack": "mine", "steps": [], "outputs": []}), "nothing is left of it"

    # A role that is there may do more than the deployer: it can't be given to a workload.
    iam.create_role(RoleName="mighty", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    form = queue + "  F: {Type: Millpond::Web::Form, Properties: {Queue: !Ref Q, Role: mighty, Listen: '127.0.0.1:0', Fields: [{Name: a}]}}\n"
    status, answer = bring(millpond, "mine", form, deployer)
    assert status == 403, answer
    assert f"is not authorized to perform: iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/mighty" in answer["error"]
    assert call(millpond, "GET", "workloads")[1]["workloads"] == []
    passing = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
               "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}}]}
    iam.put_user_policy(UserName="deployer", PolicyName="pass", PolicyDocument=json.dumps(passing))
    status, answer = bring(millpond, "mine", form, deployer)
    assert status == 200, answer
    down(millpond, "mine")
    iam.delete_role(RoleName="mighty")


def test_queues_are_made_as_the_caller_too(millpond, iam, deployer):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="deployer", PolicyName="no-queues", PolicyDocument=json.dumps(document))
    template = "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: forbidden}}\n"
    status, answer = bring(millpond, "forbidden", template, deployer)
    assert status == 409 and "user/deployer is not authorized to perform: sqs:" in answer["error"], answer
    listed = call(millpond, "GET", "stacks")[1]["stacks"]
    assert "forbidden" not in [stack["stack"] for stack in listed], "nothing was made, so there is nothing to take away"


def test_keys_of_another_account_bring_nothing_up(millpond):
    status, other = call(millpond, "POST", "accounts", {"account_id": "111122223333"})
    assert status == 200, other
    keys = (other["access_key_id"], other["secret_access_key"])
    status, answer = bring(millpond, "elsewhere", "Resources:\n  Q: {Type: AWS::SQS::Queue}\n", keys)
    assert status == 403, answer


def test_the_example_gives_a_partner_a_key_that_sends_and_nothing_else(millpond):
    _, outputs = up(millpond, "partner", PARTNER.read_text())
    sqs = aws(millpond, "sqs", (outputs["PartnerKeyId"], outputs["PartnerSecret"]))
    sqs.send_message(QueueUrl=outputs["QueueUrl"], MessageBody="17 planks")
    with pytest.raises(ClientError) as refused:
        sqs.receive_message(QueueUrl=outputs["QueueUrl"])
    assert "user/outside/partner is not authorized to perform: sqs:receivemessage" in str(refused.value)
    status, answer = call(
        millpond,
        "POST",
        "stacks/partner",
        {"file": "partner.yaml", "template": PARTNER.read_text(), "parameters": {"PartnerKeySerial": "1"}},
    )
    assert status == 200, answer
    with pytest.raises(ClientError):
        sqs.send_message(QueueUrl=outputs["QueueUrl"], MessageBody="the old key has ended")
    down(millpond, "partner")


def test_a_role_that_workloads_may_not_assume_is_refused(millpond, iam):
    trust = TRUST.replace("ecs-tasks", "ec2")
    template = f"""Resources:
  Q: {{Type: AWS::SQS::Queue, Properties: {{QueueName: q}}}}
  R: {{Type: AWS::IAM::Role, Properties: {{RoleName: machines, AssumeRolePolicyDocument: {trust}}}}}
  F: {{Type: Millpond::Web::Form, Properties: {{Queue: !Ref Q, Role: !GetAtt R.Arn, Listen: '127.0.0.1:0', Fields: [{{Name: a}}]}}}}
"""
    status, answer = bring(millpond, "machines", template)
    assert status == 409 and "does not let ecs-tasks.amazonaws.com assume it" in answer["error"], answer
    down(millpond, "machines")
