"""What a stack may reach is what its deployer may: tables, databases, addresses, and nothing of another stack."""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from millpond import Millpond
from test_stack_identities import ACCOUNT, aws, bring, call, down

REGION_ARN = f"arn:aws:millpond:us-east-1:{ACCOUNT}"
# The policy that docs/templates.md gives as an example.
DEPLOYER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["millpond:DeployStack", "millpond:DeleteStack"],
            "Resource": f"{REGION_ARN}:stack/shop*",
        },
        {
            "Effect": "Allow",
            "Action": ["millpond:WriteTable", "millpond:ListRows"],
            "Resource": f"{REGION_ARN}:rows/shop*",
        },
        {
            "Effect": "Allow",
            "Action": ["millpond:GetStatus", "millpond:ListQueues", "millpond:ListStacks", "millpond:ListWorkloads"],
            "Resource": "*",
        },
        {"Effect": "Allow", "Action": "sqs:*", "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:shop*"},
        {"Effect": "Allow", "Action": "iam:*", "Resource": f"arn:aws:iam::{ACCOUNT}:role/millpond/shop*"},
    ],
}


@pytest.fixture(scope="module")
def millpond(tmp_path_factory):
    with Millpond(tmp_path_factory.mktemp("millpond")) as running:
        yield running
        running.stop()


@pytest.fixture(scope="module")
def user(millpond):
    """A function that makes a user with a policy and returns its keys."""

    def make(name, document):
        iam = aws(millpond, "iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    return make


@pytest.fixture(scope="module")
def deployer(user):
    return user("deployer", DEPLOYER)


def sink(name, url="sqlite://shop.db", table="shop", queue="shop"):
    return (
        f"Resources:\n  Q: {{Type: AWS::SQS::Queue, Properties: {{QueueName: {queue}}}}}\n"
        f"  S: {{Type: Millpond::Sink::Table, Properties: {{Name: {name}, Queue: !Ref Q, DatabaseUrl: '{url}', "
        f"Table: {table}, Columns: [a]}}}}\n"
    )


def form(listen):
    return (
        "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: shop-f}}\n"
        f"  F: {{Type: Millpond::Web::Form, Properties: {{Name: shop-f, Queue: !Ref Q, Listen: '{listen}', "
        "Fields: [{Name: a}]}}\n"
    )


def nothing_was_made(millpond, queue):
    assert call(millpond, "GET", "stacks")[1]["stacks"] == []
    assert not aws(millpond, "sqs").list_queues(QueueNamePrefix=queue).get("QueueUrls")


def test_the_documented_policy_brings_up_watches_and_takes_down(millpond, deployer):
    status, answer = bring(millpond, "shop", sink("shop"), deployer)
    assert status == 200, answer
    for path in ["status", "stacks", "workloads", "queues", "rows/shop"]:
        status, answer = call(millpond, "GET", path, keys=deployer)
        # Before the first row there may be no table.
        assert status in (200, 409), (path, answer)
    status, answer = bring(millpond, "shop", sink("shop", table="shop2"), deployer)
    assert status == 200, answer
    environment = {
        "MILLPOND_ROOT_ACCESS_KEY_ID": None,
        "AWS_ACCESS_KEY_ID": deployer[0],
        "AWS_SECRET_ACCESS_KEY": deployer[1],
    }
    done = millpond.run("down", "shop", "--yes", "--endpoint", millpond.endpoint, environment={
        name: value for name, value in environment.items() if value})
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_was_made(millpond, "shop")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///FOLDER/beyond.db",
        "sqlite://../beyond.db",
        "sqlite://run/beyond.db",
        "sqlite://segment-0000000000000009",
        "mysql://u:p@127.0.0.1:1/shop",
    ],
)
def test_the_files_and_databases_of_the_machine_take_a_right(millpond, deployer, url, tmp_path):
    status, answer = bring(millpond, "shop", sink("shop", url.replace("/FOLDER", str(tmp_path))), deployer)
    assert status == 403, answer
    assert "user/deployer is not authorized to perform: millpond:UseHost on resource: *" in answer["error"]
    nothing_was_made(millpond, "shop")
    assert not list(tmp_path.iterdir()) and not list(millpond.folder.glob("beyond*"))


def test_a_form_beyond_loopback_takes_a_right(millpond, deployer):
    for listen in ["0.0.0.0:0", "[::]:0"]:
        status, answer = bring(millpond, "shop", form(listen), deployer)
        assert status == 403, answer
        assert "millpond:UseHost" in answer["error"] and listen in answer["error"]
        nothing_was_made(millpond, "shop")
    status, answer = bring(millpond, "shop", form("127.0.0.1:0"), deployer)
    assert status == 200, answer
    down(millpond, "shop")
    status, answer = bring(millpond, "shop", sink("shop", "sqlite:///nowhere/beyond.db"))
    assert status == 200, f"the root of the account may: {answer}"
    down(millpond, "shop")


def test_a_table_takes_a_right_of_its_own(millpond, deployer):
    status, answer = bring(millpond, "shop", sink("shop", table="customers"), deployer)
    assert status == 403, answer
    assert f"millpond:WriteTable on resource: {REGION_ARN}:rows/customers" in answer["error"]
    nothing_was_made(millpond, "shop")


def test_no_stack_writes_the_table_of_another(millpond, deployer):
    status, answer = bring(millpond, "shop-one", sink("shop-one", queue="shop-one"))
    assert status == 200, answer
    for table in ["shop", "SHOP"]:
        two = sink("shop-two", table=table, queue="shop-two")
        status, answer = bring(millpond, "shop-two", two, deployer)
        assert status == 403, answer
        expected = "stack shop-one" if table == "shop" else "WriteTable"
        assert expected in answer["error"]
    for two in [sink("shop-two", table="shop2", queue="shop-two"), sink("shop-two", "sqlite://shop2.db", queue="shop-two")]:
        status, answer = bring(millpond, "shop-two", two, deployer)
        assert status == 200, answer
    status, answer = bring(millpond, "shop-two", sink("shop-two", queue="shop-two"))
    assert status == 200, f"the root of the account may: {answer}"
    down(millpond, "shop-two")
    down(millpond, "shop-one")


def test_rows_have_one_right_whatever_they_are_called_by(millpond, user):
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "millpond:ListRows", "Resource": "*"},
            {"Effect": "Deny", "Action": "millpond:ListRows", "Resource": f"{REGION_ARN}:rows/secrets"},
        ],
    }
    reader = user("reader", document)
    template = sink("shop-s", table="secrets", queue="shop-q")
    # A sink whose name and queue are those of a table leads to that table all the same.
    other = sink("secrets", "sqlite://other.db", table="open", queue="secrets")
    for stack, text in [("one", template), ("other", other)]:
        status, answer = bring(millpond, stack, text)
        assert status == 200, answer
    for name in ["secrets", "shop-s", "shop-q"]:
        status, answer = call(millpond, "GET", f"rows/{name}", keys=reader)
        assert status == 403 and f"on resource: {REGION_ARN}:rows/secrets" in answer["error"], (name, answer)
    assert call(millpond, "GET", "rows/open", keys=reader)[0] in (200, 409)
    assert call(millpond, "GET", "rows/nothing", keys=reader)[0] == 404
    down(millpond, "one")
    down(millpond, "other")


def test_data_is_for_its_user_alone(tmp_path):
    def modes(data):
        return {path: path.stat().st_mode & 0o777 for path in [data, *data.rglob("*")]}

    with Millpond(tmp_path) as own:
        status, answer = bring(own, "shop", sink("shop"))
        assert status == 200, answer
        url = aws(own, "sqs").get_queue_url(QueueName="shop")["QueueUrl"]
        aws(own, "sqs").send_message(QueueUrl=url, MessageBody="one")
        await_rows(own, 1)
        wide = {path: oct(mode) for path, mode in modes(own.data).items() if mode & 0o077}
        assert not wide
        own.stop()
        assert "other users" not in own.log()
        own.data.chmod(0o755)
        for name in ["store.redb", "shop.db"]:
            (own.data / name).chmod(0o644)
        own.start()
        assert not {path: oct(mode) for path, mode in modes(own.data).items() if mode & 0o077}
        assert "other users could read the data; now only its own user can" in own.log()
        own.stop()
    # A directory that holds other things is not Millpond's to close.
    folder = tmp_path / "other"
    (folder / "data").mkdir(parents=True)
    (folder / "data").chmod(0o755)
    (folder / "data" / "notes.txt").write_text("of others")
    with Millpond(folder) as own:
        assert own.data.stat().st_mode & 0o777 == 0o755
        assert not [path for path in own.data.glob("segment-*") if path.stat().st_mode & 0o077]


def await_rows(millpond, count):
    deadline = time.monotonic() + 30
    while True:
        status, answer = call(millpond, "GET", "rows/shop")
        if status == 200 and len(answer["rows"]) >= count:
            return answer["rows"]
        assert time.monotonic() < deadline, (answer, millpond.log())
        time.sleep(0.05)


def test_passwords_are_sealed_in_log_and_store(tmp_path):
    template = (
        "Parameters: {Url: {Type: String, NoEcho: true}}\n"
        + sink("shop").replace("'sqlite://shop.db'", "!Ref Url")
        + "  T: {Type: Millpond::Sink::Table, Properties: {Name: plain, Queue: !Ref Q, "
        "DatabaseUrl: 'mysql://u:SEKRETPLAIN@127.0.0.1:1/x', Table: t, Columns: [a]}}\n"
    )
    body = {"file": "t", "template": template, "parameters": {"Url": "mysql://u:SEKRETNOECHO@127.0.0.1:1/x"}}
    with Millpond(tmp_path) as own:
        status, answer = call(own, "POST", "stacks/shop", body)
        assert status == 200, answer
        own.stop()
        # Over a restart, and through a checkpoint into the store, which each start makes.
        own.start()
        assert {it["name"] for it in call(own, "GET", "workloads")[1]["workloads"]} == {"plain", "shop"}
        body = {"file": "t", "template": template}
        assert call(own, "POST", "stacks/shop", body)[1]["steps"] == [], "the value that was given is known"
        own.stop()
        kept = [path for path in own.data.iterdir() if path.is_file()]
        assert own.data / "store.redb" in kept and any(path.name.startswith("segment-") for path in kept)
        for path in kept:
            found = path.read_bytes()
            assert b"SEKRETPLAIN" not in found and b"SEKRETNOECHO" not in found, path


@pytest.mark.parametrize(
    "condition",
    [
        {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
        {"StringNotLike": {"aws:UserAgent": "unwanted/*"}},
        {"Bool": {"aws:SecureTransport": "false"}},
    ],
    ids=["source", "agent", "transport"],
)
def test_a_stack_acts_from_where_its_deployer_calls(tmp_path, condition):
    headers = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "https", "User-Agent": "unwanted/1"}
    with Millpond(tmp_path, ["--trusted-proxy", "127.0.0.1"]) as own:
        iam = aws(own, "iam")
        iam.create_user(UserName="far")
        statements = [
            {"Effect": "Allow", "Action": "millpond:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Condition": condition},
        ]
        document = {"Version": "2012-10-17", "Statement": statements}
        iam.put_user_policy(UserName="far", PolicyName="p", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName="far")["AccessKey"]
        keys = key["AccessKeyId"], key["SecretAccessKey"]
        template = "Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: laundered}}\n"
        status, answer = bring_with(own, "far", template, keys, headers)
        assert status == 409 and "not authorized to perform: sqs:" in answer["error"], answer
        assert not aws(own, "sqs").list_queues().get("QueueUrls")
        status, answer = bring(own, "far", template, keys)
        assert status == 200, answer


def bring_with(millpond, stack, template, keys, headers):
    """Brings a stack up through a proxy that says these headers."""
    data = json.dumps({"file": "t", "template": template}).encode()
    url = f"{millpond.endpoint}/_millpond/v1/stacks/{stack}"
    signed = AWSRequest("POST", url, data=data, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials(*keys), "millpond", "us-east-1").add_auth(signed)
    request = urllib.request.Request(url, data=data, method="POST", headers={**dict(signed.headers), **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_token_of_a_workload_ends_with_its_launch(millpond):
    def token():
        deadline = time.monotonic() + 30
        while not (found := running_token()):
            assert time.monotonic() < deadline, "no such process"
            time.sleep(0.05)
        return found

    def running_token():
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cmdline").read_bytes().endswith(b"workload\0sink\0shop\0"):
                    lines = (process / "environ").read_bytes().decode().split("\0")
                    own = dict(line.split("=", 1) for line in lines if "=" in line)
                    if own.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "").startswith(millpond.endpoint + "/"):
                        return own["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
            except OSError:
                continue
        return None

    def is_good(token):
        request = urllib.request.Request(
            f"{millpond.endpoint}/_millpond/v1/workloads/shop/credentials", headers={"Authorization": token}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            assert error.code == 403
            return False

    assert bring(millpond, "shop", sink("shop"))[0] == 200
    first = token()
    assert is_good(first)
    assert bring(millpond, "shop", sink("shop"))[1]["steps"] == [] and is_good(first)
    assert call(millpond, "POST", "workloads/shop/start", {})[0] == 200 and is_good(first), "it ran already"
    assert call(millpond, "POST", "workloads/shop/stop", {})[0] == 200
    assert not is_good(first), "a stopped workload has no use for credentials"
    assert call(millpond, "POST", "workloads/shop/start", {})[0] == 200
    second = token()
    assert is_good(second) and not is_good(first)
    millpond.restart()
    assert is_good(second), "over a crash of the service it goes on"
    down(millpond, "shop")
    assert not is_good(second)
    assert bring(millpond, "shop", sink("shop"))[0] == 200
    assert not is_good(second) and is_good(token()), "the same again is another launch"
    down(millpond, "shop")
