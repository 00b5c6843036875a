"""After a run with users, keys, roles, sessions, another account and workloads, no secret is found anywhere it could be read.

What is searched: every file below the folder of the run except the configuration directory (data, logs of service and
workloads, notes, what was printed), the command lines of all processes of this machine, and the environments of the workloads.
"""

import json
from pathlib import Path

import pytest

from architecture import Architecture, await_that
from millpond import client

PROTOCOLS = ["json"]
NO_KEYS = {"MILLPOND_ROOT_ACCESS_KEY_ID": None, "MILLPOND_ROOT_SECRET_ACCESS_KEY": None}
TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def identities(endpoint, root):
    """Makes and uses identities of every kind; returns their secrets by what they are."""
    iam = client(endpoint, "iam", root)
    secrets = {}
    iam.create_user(UserName="jane")
    iam.put_user_policy(UserName="jane", PolicyName="all", PolicyDocument=document(ALL))
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    secrets["the secret of a user"] = key["SecretAccessKey"]
    jane = (key["AccessKeyId"], key["SecretAccessKey"])
    gone = iam.create_access_key(UserName="jane")["AccessKey"]
    secrets["the secret of a key that was deleted"] = gone["SecretAccessKey"]
    iam.delete_access_key(UserName="jane", AccessKeyId=gone["AccessKeyId"])
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document(TRUST))["Role"]
    iam.put_role_policy(RoleName="worker", PolicyName="all", PolicyDocument=document(ALL))
    sts = client(endpoint, "sts", jane)
    for what, given in {
        "a session of a role": sts.assume_role(RoleArn=role["Arn"], RoleSessionName="shift"),
        "a session of a user": sts.get_session_token(),
    }.items():
        session = given["Credentials"]
        secrets[f"the secret of {what}"] = session["SecretAccessKey"]
        secrets[f"the token of {what}"] = session["SessionToken"]
        temporary = (session["AccessKeyId"], session["SecretAccessKey"])
        client(endpoint, "sqs", temporary, session["SessionToken"]).list_queues()
    return secrets


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run, and its secrets; the processes live."""
    folder = tmp_path_factory.mktemp("millpond")
    with Architecture(folder, environment=NO_KEYS) as architecture:
        key = json.loads((architecture.config / "root-key.json").read_text())
        root = (key["access_key_id"], key["secret_access_key"])
        secrets = {"the root key": root[1]}
        secrets["the master key"] = (architecture.config / "master-key").read_text().strip()
        secrets |= identities(architecture.endpoint, root)
        made = architecture.run("account", "create", "111122223333", "--json")
        assert made.returncode == 0, made
        secrets["the root key of another account"] = json.loads(made.stdout)["secret_access_key"]
        assert architecture.run("send", "customers", "Jane,UK").returncode == 0
        await_that(lambda: "Jane" in architecture.run("rows", "customers").stdout, architecture.log)
        for command in (["ps"], ["logs"], ["queues"], ["stacks"], ["keys", "show"], ["account", "list"], ["queue", "show", "customers"]):
            done = architecture.run(*command)
            (folder / f"printed-{'-'.join(command)}").write_text(done.stdout + done.stderr)
        # Refusals are told and logged too.
        client(architecture.endpoint, "sqs", root).create_queue(QueueName="later")
        for wrong in ((root[0], "other"), ("AKIAUNKNOWN", "other")):
            with pytest.raises(Exception):
                client(architecture.endpoint, "sqs", wrong).list_queues()
        yield architecture, secrets


def forms(secret):
    """The secret, and as it would look in JSON, in hex and as bytes of a key."""
    plain = secret.encode()
    found = {plain, json.dumps(secret)[1:-1].replace("/", "\\/").encode(), plain.hex().encode()}
    if len(secret) == 64:
        found |= {bytes.fromhex(secret), secret.upper().encode()}
    return found


def found_in(content, secrets):
    return [what for what, secret in secrets.items() if any(form in content for form in forms(secret))]


def files(architecture):
    return [
        file for file in architecture.folder.rglob("*") if file.is_file() and architecture.config not in file.parents
    ]


def test_no_file_outside_of_the_configuration_holds_one(run):
    architecture, secrets = run
    searched = files(architecture)
    names = {file.relative_to(architecture.folder).parts[0] for file in searched}
    assert {"data", "home", "serve.log", "up.out"} <= names, names
    assert any("logs" in file.parts for file in searched), "the logs of the workloads are among them"
    assert any("services" in file.parts for file in searched), "the note of the service is among them"
    found = {str(file): found_in(file.read_bytes(), secrets) for file in searched}
    assert {file: what for file, what in found.items() if what} == {}


def test_the_data_of_a_stopped_service_holds_none(run):
    architecture, secrets = run
    architecture.interrupt()
    try:
        found = {str(file): found_in(file.read_bytes(), secrets) for file in files(architecture)}
        assert {file: what for file, what in found.items() if what} == {}
    finally:
        architecture.start()


def test_no_process_shows_one(run):
    architecture, secrets = run
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue
            assert found_in(line, secrets) == [], line


def environments_of_workloads(architecture):
    """Of each workload, its environment."""
    named = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in architecture.processes()}
    found = [Path(f"/proc/{pid}/environ").read_bytes() for pid, line in named.items() if b"\0workload\0" in line]
    assert len(found) == 2
    return found


def test_workloads_have_no_key_in_their_environment(run):
    architecture, secrets = run
    for environment in environments_of_workloads(architecture):
        assert found_in(environment, secrets) == []


def test_keys_of_the_environment_do_not_reach_the_workloads(tmp_path):
    given = {
        "MILLPOND_ROOT_ACCESS_KEY_ID": "ci",
        "MILLPOND_ROOT_SECRET_ACCESS_KEY": "quite-a-secret",
        "MILLPOND_MASTER_KEY": "0aF1" * 16,
    }
    with Architecture(tmp_path, environment=given) as architecture:
        secrets = {name: given[name] for name in list(given)[1:]}
        for environment in environments_of_workloads(architecture):
            assert found_in(environment, secrets) == []
        for file in tmp_path.rglob("*"):
            assert not file.is_file() or found_in(file.read_bytes(), secrets) == [], file


def test_the_search_finds_what_it_looks_for(run):
    architecture, secrets = run
    searched = [file.read_bytes() for file in architecture.config.iterdir()]
    found = {what for content in searched for what in found_in(content, secrets)}
    assert found == {"the root key", "the master key"}
