"""The first start makes root key and master key; every other start finds them. No one else can read them.

What always holds: keys of the environment leave no file; a file that others can read is refused with what mends it; no
secret is printed.
"""

import json
import os
import re
import stat
import subprocess
import time

import pytest

from architecture import Architecture, await_that
from millpond import Millpond, binary, client

PROTOCOLS = ["json"]

NO_KEYS = {"MILLPOND_ROOT_ACCESS_KEY_ID": None, "MILLPOND_ROOT_SECRET_ACCESS_KEY": None}


def of_files(folder, **environment):
    """A server whose keys are in files."""
    folder.mkdir(exist_ok=True)
    return Millpond(folder, environment={**NO_KEYS, **environment})


def root_key(millpond):
    found = json.loads((millpond.config / "root-key.json").read_text())
    return found["access_key_id"], found["secret_access_key"]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def serve(millpond, *arguments):
    """Runs a `serve` that can't start."""
    return millpond.run("serve", "--listen", "127.0.0.1:0", "--data", millpond.data, *arguments)


def lists_queues(endpoint, key):
    sqs = client(endpoint, key=key)
    try:
        return "QueueUrls" in sqs.list_queues() or True
    except sqs.exceptions.ClientError as refused:
        return refused.response["Error"]["Code"]


def test_the_first_start_makes_two_files_and_says_where(tmp_path):
    with of_files(tmp_path) as millpond:
        assert sorted(file.name for file in millpond.config.iterdir()) == ["master-key", "root-key.json"]
        assert mode(millpond.config) == 0o700
        assert {mode(file) for file in millpond.config.iterdir()} == {0o600}
        key, secret = root_key(millpond)
        assert re.fullmatch("AKIA[A-Z2-7]{16}", key) and re.fullmatch("[A-Za-z0-9/+]{40}", secret)
        master = (millpond.config / "master-key").read_text()
        assert re.fullmatch("[0-9a-f]{64}\n", master)
        told = millpond.log()
        assert str(millpond.config / "root-key.json") in told and str(millpond.config / "master-key") in told
        assert secret not in told and master.strip() not in told
        assert lists_queues(millpond.endpoint, (key, secret)) is True
        assert lists_queues(millpond.endpoint, (key, "other")) == "SignatureDoesNotMatch"
        assert lists_queues(millpond.endpoint, ("test", "test")) == "InvalidClientTokenId"
        before = len(millpond.log())
        millpond.restart()
        assert (key, secret) == root_key(millpond)
        assert "root-key" not in millpond.log()[before:], "it is told once"


def test_commands_and_env_find_the_key(tmp_path):
    with of_files(tmp_path) as millpond:
        assert millpond.run("queue", "create", "jobs").returncode == 0
        assert millpond.run("queues").stdout.splitlines()[1].startswith("jobs ")
        shell = 'eval "$("$0" env)" && "$0" queues --json && env'
        environment = {**millpond.environment(), "AWS_SESSION_TOKEN": "left", "AWS_PROFILE": "left"}
        done = subprocess.run(["sh", "-c", shell, binary()], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and '"name":"jobs"' in done.stdout, done
        key, secret = root_key(millpond)
        assert f"AWS_ACCESS_KEY_ID={key}\n" in done.stdout and f"AWS_SECRET_ACCESS_KEY={secret}\n" in done.stdout
        assert "left" not in done.stdout
        shown = millpond.run("keys", "show")
        assert key in shown.stdout and str(millpond.config / "master-key") in shown.stdout
        assert secret not in shown.stdout + shown.stderr


@pytest.mark.parametrize("command", [["queues"], ["send", "jobs", "x"], ["ps"]], ids=lambda command: command[0])
def test_a_key_left_from_elsewhere_is_told(tmp_path, command):
    with of_files(tmp_path) as millpond:
        assert millpond.run("queue", "create", "jobs").returncode == 0
        left = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush"}
        done = millpond.run(*command, environment=left)
        assert done.returncode == 1, done
        assert "AKIAIOSFODNN7EXAMPLE from AWS_ACCESS_KEY_ID" in done.stderr
        assert "unset AWS_ACCESS_KEY_ID" in done.stderr and "hush" not in done.stderr


def test_keys_of_the_environment_leave_no_file(tmp_path):
    given = {
        "MILLPOND_ROOT_ACCESS_KEY_ID": "ci",
        "MILLPOND_ROOT_SECRET_ACCESS_KEY": "not-a-secret",
        "MILLPOND_MASTER_KEY": "0aF1" * 16,
        "HOME": None,
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    with Millpond(tmp_path, environment=given) as millpond:
        assert lists_queues(millpond.endpoint, ("ci", "not-a-secret")) is True
        assert lists_queues(millpond.endpoint, ("test", "test")) == "InvalidClientTokenId"
        assert millpond.run("queues").returncode == 0
        assert not list(tmp_path.rglob("root-key*")) + list(tmp_path.rglob("*master-key*"))


def test_a_stack_is_its_own_again_when_the_key_that_sealed_it_is_lost(tmp_path):
    with Architecture(tmp_path) as architecture:
        architecture.run("stop", "backend")
        architecture.run("send", "customers", "Jane,UK")
        assert architecture.interrupt() == 0
        (architecture.config / "master-key").unlink()
        serve_once = [binary(), "serve", "--forget-identities", "--listen", "127.0.0.1:0", "--data", architecture.data]
        ready = tmp_path / "forgotten.json"
        service = subprocess.Popen([*serve_once, "--ready-file", ready], env=architecture.environment())
        try:
            await_that(ready.exists, architecture.log)
        finally:
            service.terminate()
            assert service.wait(60) == 0
        architecture.start()
        assert "Jane  UK" in architecture.run("rows", "customers", "--wait", "30").stdout
        assert "customers-backend, customers-frontend" in architecture.run("stacks").stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"MILLPOND_ROOT_SECRET_ACCESS_KEY": None}, "MILLPOND_ROOT_SECRET_ACCESS_KEY is not; set both or neither"),
        ({"MILLPOND_ROOT_ACCESS_KEY_ID": None}, "MILLPOND_ROOT_ACCESS_KEY_ID is not; set both or neither"),
        ({"MILLPOND_ROOT_ACCESS_KEY_ID": "a/b"}, "MILLPOND_ROOT_ACCESS_KEY_ID is no access key id"),
        ({"MILLPOND_ROOT_SECRET_ACCESS_KEY": "hush hush"}, "MILLPOND_ROOT_SECRET_ACCESS_KEY is no secret"),
        ({"MILLPOND_MASTER_KEY": "hush"}, "MILLPOND_MASTER_KEY is no master key: it has 64 hex digits"),
        ({"HOME": None}, "MILLPOND_MASTER_KEY"),
        ({"HOME": "relative"}, "XDG_CONFIG_HOME, an absolute path"),
    ],
)
def test_keys_that_can_not_be_are_refused(tmp_path, given, told):
    done = serve(Millpond(tmp_path, environment=given))
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr and "hush" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_two_first_starts_agree(tmp_path):
    folders = [tmp_path / name for name in ("one", "other", "third")]
    home = tmp_path / "home"
    home.mkdir()
    servers = [of_files(folder, HOME=str(home)) for folder in folders]
    processes = []
    try:
        for server in servers:
            command = [binary(), "serve", "--listen", "127.0.0.1:0", "--ready-file", server.folder / "ready.json"]
            processes.append(
                subprocess.Popen([*command, "--data", server.data], env=server.environment(), cwd=server.folder,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
        for server, process in zip(servers, processes):
            while not (server.folder / "ready.json").exists():
                assert process.poll() is None
                time.sleep(0.01)
        found = json.loads((home / ".config" / "millpond" / "root-key.json").read_text())
        key = (found["access_key_id"], found["secret_access_key"])
        for server in servers:
            endpoint = json.loads((server.folder / "ready.json").read_text())["endpoint"]
            assert lists_queues(endpoint, key) is True
        assert len(list((home / ".config" / "millpond").iterdir())) == 2
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("name", ["root-key.json", "master-key"])
def test_a_file_that_others_can_read_is_refused(tmp_path, name):
    millpond = of_files(tmp_path)
    with millpond:
        file = millpond.config / name
    file.chmod(0o644)
    done = serve(millpond)
    assert (done.returncode, done.stdout) == (1, "")
    (mend,) = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("chmod ")]
    subprocess.run(mend, shell=True, check=True)
    with millpond:
        assert mode(file) == 0o600


def test_a_damaged_file_is_told(tmp_path):
    millpond = of_files(tmp_path)
    with millpond:
        key, secret = root_key(millpond)
    file = millpond.config / "root-key.json"
    file.write_text(file.read_text().replace("}", ""))
    done = serve(millpond)
    assert done.returncode == 1 and str(file) in done.stderr and secret not in done.stderr


def test_another_master_key_is_told(tmp_path):
    millpond = of_files(tmp_path)
    with millpond:
        pass
    (millpond.config / "master-key").unlink()
    done = serve(millpond)
    assert done.returncode == 1 and "master key" in done.stderr, done
    assert "MILLPOND_MASTER_KEY" in done.stderr


def test_another_root_key_counts_from_the_next_start(tmp_path):
    with of_files(tmp_path) as millpond:
        before = root_key(millpond)
        done = millpond.run("keys", "rotate")
        after = root_key(millpond)
        assert done.returncode == 0 and after[0] in done.stdout and after[1] not in done.stdout + done.stderr
        assert before[0] != after[0] and mode(millpond.config / "root-key.json") == 0o600
        assert millpond.endpoint in done.stderr, "who goes on with the old key is named"
        refused = millpond.run("queues")
        assert refused.returncode == 1 and "another root key" in refused.stderr
        millpond.restart()
        assert millpond.run("queues").returncode == 0
        assert lists_queues(millpond.endpoint, before) == "InvalidClientTokenId"


def test_without_enforcement_anyone_may_and_is_warned_of(tmp_path):
    millpond = Millpond(tmp_path, ["--auth", "off"])
    with millpond:
        assert lists_queues(millpond.endpoint, ("anyone", "at-all")) is True
        assert "callers are not identified" in millpond.log()
        assert "AWS_ACCESS_KEY_ID=test\n" in millpond.run("env").stdout


def test_the_environment_and_the_file_turn_it_off(tmp_path):
    with Millpond(tmp_path, environment={"MILLPOND_AUTH": "off"}) as millpond:
        assert millpond.ready["auth"] == "off"
    (tmp_path / "millpond.toml").write_text('[service]\nauth = "off"\n')
    with Millpond(tmp_path) as millpond:
        assert millpond.ready["auth"] == "off"
    with Millpond(tmp_path, ["--auth=on"]) as millpond:
        assert millpond.ready["auth"] == "on"
        assert os.path.exists(millpond.config / "master-key")


@pytest.mark.parametrize("arguments", [[], ["--auth", "off", "--allow-remote"]], ids=["on", "off"])
def test_beyond_this_machine(tmp_path, arguments):
    millpond = Millpond(tmp_path, arguments)
    millpond.listen = "0.0.0.0:0"
    with millpond:
        assert millpond.endpoint.startswith("http://127.0.0.1:")
        assert millpond.run("queues").returncode == 0
        told = millpond.log()
        if arguments:
            assert "everyone who reaches 0.0.0.0" in told
        else:
            assert "without TLS" in told and "under 16 characters" in told


def test_no_one_is_let_in_from_elsewhere_unasked(tmp_path):
    done = Millpond(tmp_path).run("serve", "--auth", "off", "--listen", "0.0.0.0:0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--allow-remote" in done.stderr


def lose_master_key(tmp_path):
    """A service that has a queue with a message and a user, is stopped, and whose keys are gone."""
    millpond = of_files(tmp_path)
    with millpond:
        assert millpond.run("queue", "create", "jobs").returncode == 0
        assert millpond.run("send", "jobs", "kept").returncode == 0
        iam = client(millpond.endpoint, "iam", key=root_key(millpond))
        iam.create_user(UserName="jane")
        jane = iam.create_access_key(UserName="jane")["AccessKey"]
        assert millpond.stop() == 0
    for file in millpond.config.iterdir():
        file.unlink()
    return millpond, (jane["AccessKeyId"], jane["SecretAccessKey"])


def test_a_lost_master_key_is_told_and_no_other_is_made(tmp_path):
    millpond, _ = lose_master_key(tmp_path)
    done = serve(millpond)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert f"the master key is missing at {millpond.config / 'master-key'}" in done.stderr
    assert "put it back" in done.stderr and "millpond serve --forget-identities" in done.stderr
    assert not list(millpond.config.iterdir()), "nothing is written"
    (millpond.config / "master-key").write_text("0a" * 32)
    (millpond.config / "master-key").chmod(0o600)
    other = serve(millpond)
    assert other.returncode == 1 and "another master key" in other.stderr
    assert "millpond serve --forget-identities" in other.stderr


def test_identities_can_be_given_up_and_messages_stay(tmp_path):
    millpond, jane = lose_master_key(tmp_path)
    told_before = len(millpond.log())
    millpond._arguments = ["--forget-identities"]
    with millpond:
        told = millpond.log()[told_before:]
        assert "given up: 1 user." in told and "keys were made" in told, told
        assert lists_queues(millpond.endpoint, jane) == "InvalidClientTokenId"
        assert millpond.run("receive", "jobs").stdout.strip().endswith("kept")
        iam = client(millpond.endpoint, "iam", key=root_key(millpond))
        assert iam.list_users()["Users"] == []
        iam.create_user(UserName="jack")
    millpond._arguments = []
    with millpond:
        iam = client(millpond.endpoint, "iam", key=root_key(millpond))
        assert [user["UserName"] for user in iam.list_users()["Users"]] == ["jack"], "the flag counts once"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID is set and empty"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY is set and empty"),
        ({"AWS_ACCESS_KEY_ID": "a"}, "AWS_SECRET_ACCESS_KEY is missing"),
        ({"AWS_SECRET_ACCESS_KEY": "hush"}, "AWS_ACCESS_KEY_ID is missing"),
        ({"AWS_PROFILE": "nobody"}, "there is no profile `nobody`"),
    ],
)
@pytest.mark.parametrize("command", [["queues"], ["send", "jobs", "x"], ["ps"]], ids=lambda command: command[0])
def test_half_a_key_is_not_the_root(tmp_path, given, told, command):
    with of_files(tmp_path) as millpond:
        done = millpond.run(*command, environment=given)
        assert done.returncode == 2 and told in done.stderr and "hush" not in done.stderr, done
