"""`millpond why`: what it says is what the service does, and its exit code tells scripts."""

import json

import pytest

from millpond import Millpond, client

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
        ["sqs:SendMessage", "jobs", "--as", JANE, "--context", "SourceIp=192.0.2.7"],
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


TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": JANE}}
ROLE = "arn:aws:iam::000000000000:role/"


@pytest.fixture(scope="module")
def roles(server, jane):
    """Roles that admit jane, nobody of this account, and jane with a word."""
    iam = client(server.endpoint, "iam")
    iam.create_user(UserName="joe")
    with_word = {**TRUST, "Condition": {"StringEquals": {"sts:ExternalId": "sesame"}}}
    nobody = {**TRUST, "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    for name, statement in [("open", TRUST), ("closed", nobody), ("worded", with_word)]:
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}
    for user in ["jane", "joe"]:
        iam.put_user_policy(UserName=user, PolicyName="assumes", PolicyDocument=json.dumps(policy))
    return jane


@pytest.mark.parametrize(
    ("role", "external_id", "may"),
    [("open", None, True), ("closed", None, False), ("worded", None, False), ("worded", "sesame", True),
     ("worded", "wrong", False), ("missing", None, False)],
)
def test_roles_are_assumed_as_sts_decides(server, roles, role, external_id, may):
    context = ["--context", f"sts:ExternalId={external_id}"] if external_id else []
    done = why(server, "sts:AssumeRole", ROLE + role, *context)
    sts = client(server.endpoint, "sts", key=roles)
    more = {"ExternalId": external_id} if external_id else {}
    try:
        sts.assume_role(RoleArn=ROLE + role, RoleSessionName="sess", **more)
        assumed = True
    except sts.exceptions.ClientError:
        assumed = False
    assert assumed is may
    assert done.returncode == (0 if may else 1), done.stdout
    assert ("there is no role" in done.stdout) is (role == "missing")


def test_root_assumes_no_role(server, roles):
    done = server.run("why", "sts:AssumeRole", ROLE + "open", "--as", "arn:aws:iam::000000000000:root")
    assert done.returncode == 1
    assert "Roles may not be assumed by root accounts." in done.stdout


def test_a_policy_that_allows_all_roles_is_no_way_into_one(server, roles):
    done = server.run("why", "sts:AssumeRole", ROLE + "open", "--as", "arn:aws:iam::000000000000:user/joe")
    assert done.returncode == 1 and "trust policy" in done.stdout


@pytest.fixture(scope="module")
def other(server):
    """The root of another account, with the user rose and the queue `theirs`, which anyone may send to."""
    made = json.loads(server.run("account", "create", "111122223333", "--json").stdout)
    key = made["access_key_id"], made["secret_access_key"]
    iam = client(server.endpoint, "iam", key=key)
    iam.create_user(UserName="rose")
    sqs = client(server.endpoint, key=key)
    policy = {"Version": "2012-10-17", "Statement": [
        {"Sid": "SecretName", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}
    sqs.create_queue(QueueName="theirs", Attributes={"Policy": json.dumps(policy)})
    return {"AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1]}


def test_nobody_of_another_account_is_told_of(server, jane, other):
    told = set()
    for name in ["user/rose", "user/nobody", "root"]:
        arn = f"arn:aws:iam::111122223333:{name}"
        done = server.run("why", "sqs:SendMessage", "jobs", "--as", arn)
        assert done.returncode == 1 and done.stdout == ""
        assert "own account only" in done.stderr
        told.add(done.stderr.replace(name, "NAME"))
    assert len(told) == 1
    done = server.run("why", "sqs:SendMessage", "jobs", "--as", JANE, environment=other)
    assert done.returncode == 1 and done.stdout == "" and "own account only" in done.stderr


@pytest.mark.parametrize("queue", ["theirs", "missing"])
def test_the_policy_of_another_account_is_not_shown(server, jane, other, queue):
    arn = f"arn:aws:sqs:us-east-1:111122223333:{queue}"
    everywhere = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    for user in ["jane-abroad", "jane-at-home"]:
        client(server.endpoint, "iam").create_user(UserName=f"{user}-{queue}")
    client(server.endpoint, "iam").put_user_policy(
        UserName=f"jane-abroad-{queue}", PolicyName="abroad", PolicyDocument=json.dumps(everywhere))
    abroad = server.run("why", "sqs:SendMessage", arn, "--as", f"arn:aws:iam::000000000000:user/jane-abroad-{queue}")
    assert abroad.returncode == 1 and abroad.stdout.startswith("Not decided here"), abroad.stdout
    assert "abroad" in abroad.stdout and "isn't shown" in abroad.stdout
    home = server.run("why", "sqs:SendMessage", arn, "--as", f"arn:aws:iam::000000000000:user/jane-at-home-{queue}")
    assert home.returncode == 1 and home.stdout.startswith("Denied")
    nobody = server.run("why", "sqs:SendMessage", arn, "--as", "anonymous")
    assert nobody.returncode == 1 and nobody.stdout.startswith("Not decided here")
    for done in [abroad, home, nobody]:
        assert "SecretName" not in done.stdout and "There is no" not in done.stdout


@pytest.mark.parametrize(
    ("action", "resource", "told"),
    [
        ("sqs:RecieveMessage", "jobs", "did you mean sqs:ReceiveMessage?"),
        ("sqs:SendMessageBatch", "jobs", "it is allowed by sqs:SendMessage"),
        ("iam:CreateUsr", "*", "did you mean iam:CreateUser?"),
        ("sts:AsumeRole", ROLE + "open", "did you mean sts:AssumeRole?"),
        ("sts:Everything", "*", "known are sts:AssumeRole, "),
        ("millpond:DeployStak", "*", "did you mean millpond:DeployStack?"),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:jobs", "is no ARN"),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:jo/bs", "names no queue"),
        ("sqs:SendMessage", JANE, "is done to a queue"),
        ("sts:AssumeRole", JANE, "is done to a role"),
    ],
)
def test_what_no_request_asks_is_refused(server, jane, action, resource, told):
    done = why(server, action, resource)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr


def test_a_queue_that_is_not_there_is_told_beside_the_answer(server, jane):
    done = why(server, "sqs:SendMessage", "missing")
    assert done.returncode == 1
    assert done.stdout.startswith("Denied") and "There is no arn:aws:sqs:us-east-1:000000000000:missing" in done.stdout
    assert "There is no" not in why(server, "sqs:SendMessage", "jobs").stdout


def test_words_name_only_what_there_is(server, jane):
    done = why(server, "iam:GetUser", JANE)
    assert done.returncode == 1 and "attach a policy to user jane that allows" in done.stdout
    assert "resource's policy" not in done.stdout
    assert "or allow it to" in why(server, "sqs:DeleteQueue", "jobs").stdout


def test_tags_of_queues_and_users_count(server, jane):
    iam = client(server.endpoint, "iam")
    statement = {"Effect": "Allow", "Action": ["sqs:TagQueue", "iam:ListAccessKeys"], "Resource": "*",
                 "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="jane", PolicyName="team", PolicyDocument=document)
    assert why(server, "sqs:TagQueue", "jobs").returncode == 1
    server.run("queue", "set", "jobs", "--tag", "team=red")
    assert why(server, "sqs:TagQueue", "jobs").returncode == 0
    assert why(server, "iam:ListAccessKeys", JANE).returncode == 1
    iam.tag_user(UserName="jane", Tags=[{"Key": "team", "Value": "red"}])
    assert why(server, "iam:ListAccessKeys", JANE).returncode == 0


def test_anonymous_callers_have_what_the_policy_of_the_queue_gives(server, jane):
    assert server.run("why", "sqs:SendMessage", "jobs", "--as", "anonymous").returncode == 1
    client(server.endpoint).add_permission(
        QueueUrl=f"{server.endpoint}/000000000000/jobs", Label="all", AWSAccountIds=["000000000000"],
        Actions=["SendMessage"])
    assert server.run("why", "sqs:SendMessage", "jobs", "--as", "anonymous").returncode == 1
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}
    client(server.endpoint).set_queue_attributes(
        QueueUrl=f"{server.endpoint}/000000000000/jobs", Attributes={"Policy": json.dumps(policy)})
    assert server.run("why", "sqs:SendMessage", "jobs", "--as", "anonymous").returncode == 0


def test_without_enforcement_it_says_first_that_nobody_is_refused(tmp_path):
    with Millpond(tmp_path, ["--auth", "off"]) as millpond:
        client(millpond.endpoint, "iam").create_user(UserName="jane")
        client(millpond.endpoint).create_queue(QueueName="jobs")
        done = millpond.run("why", "sqs:SendMessage", "jobs", "--as", JANE)
        assert done.returncode == 0
        first, second = done.stdout.splitlines()[:2]
        assert first.startswith("Nobody is refused now") and second.startswith("Denied")
        said = json.loads(millpond.run("why", "sqs:SendMessage", "jobs", "--as", JANE, "--json").stdout)
        assert (said["allowed"], said["enforced"]) == (False, False)
