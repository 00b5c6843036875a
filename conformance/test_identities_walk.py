"""Identities as a tutorial teaches them, with the AWS CLI: a user with an access key, two policies, two roles, and who is
refused what with which words. Then the same rights from boto3 and the SDK for JavaScript, by profiles and untouched code.

What always holds: each command is one that a person would type; what changes counts with the next request.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from javascript_sdk import NODE, PROGRAMS, node_modules
from millpond import ACCESS_KEY, REGION, SECRET_KEY, Millpond, client

PROTOCOLS = ["json"]
ACCOUNT = "000000000000"
USER = f"arn:aws:iam::{ACCOUNT}:user/jane"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
TOO_LONG = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
INVALID_TOKEN = "The security token included in the request is invalid."


def policy(*actions, effect="Allow", resource=QUEUE):
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal, **condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **condition}]})


def denied(caller, action, resource=QUEUE, kind="identity-based policy"):
    """The documented text of a denial for want of a policy."""
    on = f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
    return f"{on} because no {kind} allows the {action} action"


def session(role, name):
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"


class Person:
    """Someone at a shell, with the credentials that they were given."""

    def __init__(self, cli, endpoint, key, secret, token=None):
        self._cli = cli
        self.endpoint = endpoint
        self.key = (key, secret)
        self.token = token

    def environment(self):
        own = {"AWS_ACCESS_KEY_ID": self.key[0], "AWS_SECRET_ACCESS_KEY": self.key[1], "AWS_SESSION_TOKEN": self.token}
        return {name: value for name, value in {**own, "AWS_DEFAULT_REGION": REGION}.items() if value}

    def types(self, line, *more):
        """Types `aws LINE MORE…`."""
        # This version of the CLI goes past AWS_ENDPOINT_URL for SQS, so the address is an argument.
        return self._cli.run("--endpoint-url", self.endpoint, *line.split(), *more, environment=self.environment())

    def is_refused(self, line, *more):
        """Types what is refused; returns the error's code and text."""
        with pytest.raises(ClientError) as refused:
            self.types(line, *more)
        error = refused.value.response["Error"]
        return error["Code"], error["Message"]

    def assumes(self, role, name, *more):
        """Becomes a session of a role."""
        role = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        line = f"sts assume-role --role-arn {role} --role-session-name {name}"
        return self.with_credentials(self.types(line, *more)["Credentials"])

    def with_credentials(self, given):
        keys = (given["AccessKeyId"], given["SecretAccessKey"], given.get("SessionToken"))
        return Person(self._cli, self.endpoint, *keys)

    def sends(self):
        return self.types("sqs send-message --message-body hello --queue-url", self.queue)

    @property
    def queue(self):
        return f"{self.endpoint}/{ACCOUNT}/orders"


@pytest.fixture(scope="module")
def root(server, aws_cli):
    """The root of the account, which has a queue."""
    person = Person(aws_cli, server.endpoint, ACCESS_KEY, SECRET_KEY)
    person.types("sqs create-queue --queue-name orders")
    return person


@pytest.fixture(scope="module")
def jane(root):
    """A user with an access key and no policy, who may become `sender` and `receiver` because these trust her."""
    created = root.types("iam create-user --user-name jane")["User"]
    assert created["Arn"] == USER and created["UserId"].startswith("AIDA")
    arns = {}
    for role, actions in (("sender", ["sqs:SendMessage"]), ("receiver", ["sqs:ReceiveMessage", "sqs:DeleteMessage"])):
        made = root.types(f"iam create-policy --policy-name {role}-rights --policy-document", policy(*actions))
        arns[role] = made["Policy"]["Arn"]
        assert arns[role] == f"arn:aws:iam::{ACCOUNT}:policy/{role}-rights"
        root.types(f"iam create-role --role-name {role} --assume-role-policy-document", trust(USER))
        root.types(f"iam attach-role-policy --role-name {role} --policy-arn {arns[role]}")
    key = root.types("iam create-access-key --user-name jane")["AccessKey"]
    assert (key["Status"], key["UserName"]) == ("Active", "jane") and key["AccessKeyId"].startswith("AKIA")
    return root.with_credentials(key)


def test_everyone_may_ask_who_they_are(root, jane):
    assert root.types("sts get-caller-identity")["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert jane.types("sts get-caller-identity")["Arn"] == USER
    told = jane.assumes("sender", "shop").types("sts get-caller-identity")
    assert told["Arn"] == session("sender", "shop") and told["UserId"].startswith("AROA")
    assert told["UserId"].endswith(":shop") and told["Account"] == ACCOUNT


def test_the_sender_sends_and_its_receive_is_refused(root, jane):
    sender = jane.assumes("sender", "shop")
    assert sender.sends()["MessageId"]
    code, text = sender.is_refused("sqs receive-message --queue-url", sender.queue)
    assert code.startswith("AccessDenied")
    assert text == denied(session("sender", "shop"), "sqs:receivemessage")


def test_the_receiver_receives_and_deletes_and_its_send_is_refused(root, jane):
    root.sends()
    receiver = jane.assumes("receiver", "worker")
    message = receiver.types("sqs receive-message --queue-url", receiver.queue)["Messages"][0]
    handle = ["--receipt-handle", message["ReceiptHandle"]]
    receiver.types("sqs delete-message --queue-url", receiver.queue, *handle)
    code, text = receiver.is_refused("sqs send-message --message-body no --queue-url", receiver.queue)
    assert code.startswith("AccessDenied") and text == denied(session("receiver", "worker"), "sqs:sendmessage")


def test_the_user_alone_may_nothing_and_lists_nothing(jane):
    assert jane.is_refused("sqs send-message --message-body no --queue-url", jane.queue)[1] == denied(USER, "sqs:sendmessage")
    assert jane.is_refused("sqs list-queues")[1] == denied(USER, "sqs:listqueues", f"arn:aws:sqs:{REGION}:{ACCOUNT}:")
    code, text = jane.is_refused("iam create-user --user-name tom")
    assert (code, text) == ("AccessDenied", denied(USER, "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/tom"))


def test_a_role_that_trusts_others_is_not_assumed(root, jane):
    root.types("iam create-user --user-name other")
    other = f"arn:aws:iam::{ACCOUNT}:user/other"
    root.types("iam create-role --role-name strange --assume-role-policy-document", trust(other))
    role = f"arn:aws:iam::{ACCOUNT}:role/strange"
    told = jane.is_refused(f"sts assume-role --role-session-name app --role-arn {role}")
    assert told == ("AccessDenied", f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {role}")
    # A role that is not there is refused no differently.
    absent = f"arn:aws:iam::{ACCOUNT}:role/absent"
    assert jane.is_refused(f"sts assume-role --role-session-name app --role-arn {absent}")[0] == "AccessDenied"


def test_a_role_that_trusts_the_account_takes_a_policy_too(root, jane):
    root.types("iam create-role --role-name of-all --assume-role-policy-document", trust(ACCOUNT))
    role = f"arn:aws:iam::{ACCOUNT}:role/of-all"
    line = f"sts assume-role --role-session-name app --role-arn {role}"
    assert jane.is_refused(line)[0] == "AccessDenied"
    put = "iam put-user-policy --user-name jane --policy-name become --policy-document"
    root.types(put, policy("sts:AssumeRole", resource=role))
    assert jane.types(line)["AssumedRoleUser"]["Arn"] == session("of-all", "app")
    root.types("iam delete-user-policy --user-name jane --policy-name become")
    assert jane.is_refused(line)[0] == "AccessDenied"


def test_an_explicit_deny_says_so(root, jane):
    sender = jane.assumes("sender", "shop")
    put = "iam put-role-policy --role-name sender --policy-name never --policy-document"
    root.types(put, policy("sqs:SendMessage", effect="Deny"))
    code, text = sender.is_refused("sqs send-message --message-body no --queue-url", sender.queue)
    on = f"User: {session('sender', 'shop')} is not authorized to perform: sqs:sendmessage on resource: {QUEUE}"
    assert code.startswith("AccessDenied") and text == f"{on} with an explicit deny in an identity-based policy"
    # Who one is may be asked even so.
    root.types(put, policy("*", effect="Deny", resource="*"))
    assert sender.types("sts get-caller-identity")["Arn"] == session("sender", "shop")
    root.types("iam delete-role-policy --role-name sender --policy-name never")
    assert sender.sends()


def test_an_external_id_must_be_the_right_one(root, jane):
    asked = {"Condition": {"StringEquals": {"sts:ExternalId": "blue"}}}
    root.types("iam create-role --role-name partner --assume-role-policy-document", trust(USER, **asked))
    line = f"sts assume-role --role-session-name app --role-arn arn:aws:iam::{ACCOUNT}:role/partner"
    assert jane.is_refused(line)[0] == "AccessDenied"
    assert jane.is_refused(line, "--external-id", "green")[0] == "AccessDenied"
    assert jane.types(line, "--external-id", "blue")["AssumedRoleUser"]["Arn"] == session("partner", "app")


def test_a_session_policy_narrows_and_never_widens(root, jane):
    sender = jane.assumes("sender", "less", "--policy", policy("sqs:ReceiveMessage"))
    _, text = sender.is_refused("sqs send-message --message-body no --queue-url", sender.queue)
    assert text == denied(session("sender", "less"), "sqs:sendmessage", kind="session policy")
    assert sender.is_refused("sqs receive-message --queue-url", sender.queue)[0].startswith("AccessDenied")
    named = f"arn=arn:aws:iam::{ACCOUNT}:policy/sender-rights"
    assert jane.assumes("sender", "same", "--policy-arns", named).sends()


def test_sessions_last_as_long_as_allowed(root, jane):
    role = f"arn:aws:iam::{ACCOUNT}:role/sender"
    line = f"sts assume-role --role-session-name app --role-arn {role} --duration-seconds"
    assert jane.types(line, "900")["Credentials"]["Expiration"]
    assert jane.is_refused(line, "3601") == ("ValidationError", TOO_LONG)
    root.types("iam update-role --role-name sender --max-session-duration 43200")
    assert jane.types(line, "43200")
    sts = client(jane.endpoint, "sts", jane.key, parameter_validation=False)
    for wrong in (899, 43201):
        with pytest.raises(sts.exceptions.ClientError) as refused:
            sts.assume_role(RoleArn=role, RoleSessionName="app", DurationSeconds=wrong)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
    # A role from a role: an hour at most.
    root.types("iam create-role --role-name next --assume-role-policy-document", trust(role))
    next_role = f"arn:aws:iam::{ACCOUNT}:role/next"
    sender = jane.assumes("sender", "shop")
    chained = f"sts assume-role --role-session-name app --role-arn {next_role} --duration-seconds"
    assert sender.is_refused(chained, "3601")[0] == "ValidationError"
    assert sender.types(chained, "3600")["AssumedRoleUser"]["Arn"] == session("next", "app")


def test_a_session_is_worth_nothing_without_its_token_or_with_another(root, jane):
    one, other = jane.assumes("sender", "one"), jane.assumes("sender", "other")
    for key, token in ((one.key, None), (one.key, other.token), (jane.key, one.token), (one.key, one.token[:-4])):
        stranger = Person(jane._cli, jane.endpoint, *key, token)
        assert stranger.is_refused("sts get-caller-identity") == ("InvalidClientTokenId", INVALID_TOKEN)
    wrong = Person(jane._cli, jane.endpoint, one.key[0], other.key[1], one.token)
    assert wrong.is_refused("sts get-caller-identity")[0] == "SignatureDoesNotMatch"


def test_access_keys_are_rotated(root, jane):
    root.types("iam create-user --user-name kay")
    first = root.with_credentials(root.types("iam create-access-key --user-name kay")["AccessKey"])
    second = root.with_credentials(root.types("iam create-access-key --user-name kay")["AccessKey"])
    assert root.is_refused("iam create-access-key --user-name kay")[0] == "LimitExceeded"
    for key in (first, second):
        assert key.types("sts get-caller-identity")["Arn"].endswith(":user/kay")
    change = f"iam update-access-key --user-name kay --access-key-id {first.key[0]} --status"
    root.types(change, "Inactive")
    assert first.is_refused("sts get-caller-identity") == ("InvalidClientTokenId", INVALID_TOKEN)
    assert second.types("sts get-caller-identity")
    root.types(change, "Active")
    assert first.types("sts get-caller-identity")
    root.types(f"iam delete-access-key --user-name kay --access-key-id {first.key[0]}")
    assert first.is_refused("sts get-caller-identity")[0] == "InvalidClientTokenId"
    listed = root.types("iam list-access-keys --user-name kay")["AccessKeyMetadata"]
    assert [(key["AccessKeyId"], key["Status"]) for key in listed] == [(second.key[0], "Active")]
    used = root.types(f"iam get-access-key-last-used --access-key-id {second.key[0]}")
    assert used["UserName"] == "kay"


def test_a_deleted_user_is_out_at_once_and_so_are_its_sessions(root, jane):
    root.types("iam create-user --user-name leaver")
    key = root.types("iam create-access-key --user-name leaver")["AccessKey"]
    leaver = root.with_credentials(key)
    session_of = leaver.with_credentials(leaver.types("sts get-session-token")["Credentials"])
    assert session_of.types("sts get-caller-identity")["Arn"].endswith(":user/leaver")
    conflict = root.is_refused("iam delete-user --user-name leaver")
    assert conflict[0] == "DeleteConflict"
    root.types(f"iam delete-access-key --user-name leaver --access-key-id {key['AccessKeyId']}")
    root.types("iam delete-user --user-name leaver")
    for gone in (leaver, session_of):
        assert gone.is_refused("sts get-caller-identity") == ("InvalidClientTokenId", INVALID_TOKEN)
    # Another of the same name is another.
    root.types("iam create-user --user-name leaver")
    assert session_of.is_refused("sts get-caller-identity")[0] == "InvalidClientTokenId"


def test_a_default_version_counts_at_once(root, jane):
    arn = f"arn:aws:iam::{ACCOUNT}:policy/sender-rights"
    sender = jane.assumes("sender", "shop")
    made = root.types(
        f"iam create-policy-version --policy-arn {arn} --set-as-default --policy-document", policy("sqs:ReceiveMessage")
    )
    assert made["PolicyVersion"]["VersionId"] == "v2"
    assert sender.is_refused("sqs send-message --message-body no --queue-url", sender.queue)[0].startswith("AccessDenied")
    assert "Messages" in sender.types("sqs receive-message --visibility-timeout 0 --queue-url", sender.queue)
    root.types(f"iam set-default-policy-version --policy-arn {arn} --version-id v1")
    assert sender.sends()
    root.types(f"iam delete-policy-version --policy-arn {arn} --version-id v2")
    kept = root.types(f"iam list-policy-versions --policy-arn {arn}")["Versions"]
    assert [(version["VersionId"], version["IsDefaultVersion"]) for version in kept] == [("v1", True)]


def profiles(folder, jane):
    """The files of someone whose programs run as roles: `[profile sending]` has a `role_arn` and a `source_profile`."""
    key, secret = jane.key
    lines = [f"[profile jane]\nregion = {REGION}\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"]
    for role in ("sender", "receiver"):
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        own = f"role_arn = {arn}\nsource_profile = jane\nrole_session_name = app\nregion = {REGION}\n"
        lines.append(f"[profile {role}]\n{own}")
    file = folder / "config"
    file.write_text("\n".join(lines))
    return file


def run_as(role, folder, jane, *command):
    """Runs a program of `rights` with a profile and says what it printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NODE_PATH": str(node_modules()),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(profiles(folder, jane)),
        "AWS_PROFILE": role,
        "AWS_ENDPOINT_URL": jane.endpoint,
        "QUEUE_URL": jane.queue,
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PYTHON_PROGRAM = [sys.executable, str(Path(__file__).with_name("programs") / "rights.py")]
NODE_PROGRAM = [str(NODE), str(PROGRAMS / "rights.cjs")]


@pytest.mark.parametrize("command", [PYTHON_PROGRAM, NODE_PROGRAM], ids=["boto3", "javascript"])
@pytest.mark.parametrize(("role", "may", "may_not"), [("sender", "send", "receive"), ("receiver", "receive", "send")])
def test_programs_run_as_roles_by_their_profile_alone(tmp_path, jane, command, role, may, may_not):
    told = run_as(role, tmp_path, jane, *command)
    assert told[may] == "ok"
    assert told[may_not].startswith("AccessDenied")
    assert told[may_not].endswith(denied(session(role, "app"), f"sqs:{may_not}message"))


def test_the_command_line_runs_as_roles_too(tmp_path, jane, aws_cli):
    given = {"AWS_CONFIG_FILE": str(profiles(tmp_path, jane)), "HOME": str(tmp_path), "AWS_ENDPOINT_URL": jane.endpoint}
    told = aws_cli.run("sts", "get-caller-identity", "--profile", "sender", environment=given)
    assert told["Arn"] == session("sender", "app")


def test_where_nobody_is_identified_any_key_assumes_roles(tmp_path):
    with Millpond(tmp_path, ["--auth", "off"]) as millpond:
        any_key = ("whoever", "whatever")
        iam = client(millpond.endpoint, "iam", any_key)
        iam.create_user(UserName="jane")
        arn = iam.create_role(RoleName="sender", AssumeRolePolicyDocument=trust(USER))["Role"]["Arn"]
        given = client(millpond.endpoint, "sts", any_key).assume_role(RoleArn=arn, RoleSessionName="app")["Credentials"]
        key = (given["AccessKeyId"], given["SecretAccessKey"])
        sts = client(millpond.endpoint, "sts", key, given["SessionToken"])
        assert sts.get_caller_identity()["Arn"] == session("sender", "app")
        client(millpond.endpoint, "sqs", key, given["SessionToken"]).create_queue(QueueName="orders")


def test_all_of_it_is_there_after_a_crash(server, root, jane):
    def seen():
        lists = ["list-users", "list-roles", "list-policies --scope Local", "list-access-keys --user-name jane"]
        lists += ["list-attached-role-policies --role-name sender", "get-account-summary"]
        return [root.types(f"iam {line}") for line in lists]

    sender, before = jane.assumes("sender", "shop"), seen()
    server.restart()
    assert seen() == before
    # A session outlives the process that gave it, and refusals are the same.
    assert sender.sends()
    assert sender.is_refused("sqs receive-message --queue-url", sender.queue)[1] == denied(
        session("sender", "shop"), "sqs:receivemessage"
    )
    assert client(server.endpoint, "sts", jane.key).get_caller_identity()["Arn"] == USER
