"""`millpond why`: what it says is what the service does, and its exit code tells scripts."""

import json

import pytest

from millpond import client

PROTOCOLS = ["json"]
JANE = "arn:aws:iam::000000000000:user/jane"


@pytest.fixture(scope="module")
def jane(server):
    """A user who may send to `jobs` from one address only, and never purge."""
    iam = client(server.endpoint, "iam")
    iam.create_user(UserName="jane")
    statements = [
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:jobs"},
        {"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*",
         "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
        {"Sid": "NeverPurge", "Effect": "Deny", "Action": "sqs:PurgeQueue", "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="jane", PolicyName="clerk", PolicyDocument=document)
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    server.run("queue", "create", "jobs")
    return key["AccessKeyId"], key["SecretAccessKey"]


def why(server, action, resource, *more):
    return server.run("why", action, resource, "--as", JANE, *more)


@pytest.mark.parametrize("named", ["jobs", "arn:aws:sqs:us-east-1:000000000000:jobs", "URL"])
def test_what_is_allowed_names_the_policy(server, jane, named):
    named = f"{server.endpoint}/000000000000/jobs" if named == "URL" else named
    done = why(server, "sqs:SendMessage", named)
    assert (done.returncode, done.stderr) == (0, "")
    assert "allowed" in done.stdout.lower() and "clerk" in done.stdout
    client(server.endpoint, key=jane).send_message(QueueUrl=f"{server.endpoint}/000000000000/jobs", MessageBody="x")


@pytest.mark.parametrize(("action", "named"), [("sqs:PurgeQueue", "NeverPurge"), ("sqs:DeleteQueue", "no")])
def test_what_is_denied_says_why(server, jane, action, named):
    done = why(server, action, "jobs")
    assert done.returncode == 1
    assert "denied" in done.stdout.lower() and named in done.stdout
    sqs = client(server.endpoint, key=jane)
    call = sqs.purge_queue if action == "sqs:PurgeQueue" else sqs.delete_queue
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        call(QueueUrl=f"{server.endpoint}/000000000000/jobs")
    assert refused.value.response["Error"]["Code"].startswith("AccessDenied")


def test_what_policies_ask_about_is_given(server, jane):
    assert why(server, "sqs:ReceiveMessage", "jobs", "--context", "aws:SourceIp=198.51.100.1").returncode == 1
    assert why(server, "sqs:ReceiveMessage", "jobs", "--context", "aws:SourceIp=192.0.2.7").returncode == 0


def test_json_is_for_scripts(server, jane):
    done = why(server, "sqs:SendMessage", "jobs", "--json")
    assert json.loads(done.stdout)["allowed"] is True
    done = why(server, "sqs:PurgeQueue", "jobs", "--json")
    assert (done.returncode, json.loads(done.stdout)["allowed"]) == (1, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["SendMessage", "jobs", "--as", JANE],
        ["sqs:SendMessage", "jobs"],
        ["sqs:SendMessage", "jobs", "--as", "jane"],
        ["sqs:SendMessage", "jobs", "--as", JANE, "--context", "aws:SourceIp"],
        ["millpond:DeployStack", "shop", "--as", JANE],
    ],
)
def test_wrong_usage(server, arguments):
    done = server.run("why", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_who_may_not_ask_is_refused(server, jane):
    keys = {"AWS_ACCESS_KEY_ID": jane[0], "AWS_SECRET_ACCESS_KEY": jane[1]}
    done = server.run("why", "sqs:SendMessage", "jobs", "--as", JANE, environment=keys)
    assert done.returncode == 1
    assert "millpond:ExplainDecision" in done.stderr and jane[0] in done.stderr
