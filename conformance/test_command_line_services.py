"""Which service a command talks to, and what it says when it finds none, several, or one that does not answer."""

import json
import os
import signal
import socket
import subprocess

import pytest

from millpond import Millpond, binary

PROTOCOLS = ["json"]


@pytest.fixture
def nobody():
    """An address where nothing answers, and nothing will while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class OfOneUser(Millpond):
    """A server of a user who has others: the home is shared."""

    def __init__(self, folder, home, **options):
        super().__init__(folder, **options)
        self._home = home

    def environment(self):
        return {**super().environment(), "HOME": str(self._home)}


@pytest.fixture
def of_one_user(tmp_path):
    """A function that starts a server of the same user as the others."""
    servers = []

    def begin(name):
        for folder in (tmp_path / name, tmp_path / "home"):
            folder.mkdir(exist_ok=True)
        servers.append(OfOneUser(tmp_path / name, tmp_path / "home"))
        servers[-1].start()
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()


def notes(server):
    return sorted((server._home / ".local" / "state" / "millpond" / "services").glob("*.json"))


def with_variable(server, name, value, *arguments):
    environment = {**server.environment(), name: value}
    return subprocess.run([binary(), *arguments], env=environment, capture_output=True, text=True, timeout=60)


def test_a_silent_address_is_told_with_who_named_it(server, nobody):
    for command in (["send", "jobs", "x"], ["queues"]):
        named = server.run(*command, "--endpoint", nobody)
        assert named.returncode == 1
        assert f"no service answers at {nobody}: Connection refused" in named.stderr
        assert "--endpoint" in named.stderr and "unset" not in named.stderr
        for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"):
            left = with_variable(server, variable, nobody, *command)
            assert left.returncode == 1
            assert f"no service answers at {nobody}" in left.stderr
            assert f"`unset {variable}`" in left.stderr and 'eval "$(millpond env)"' in left.stderr
            assert server.endpoint in left.stderr, "the service that does run is named"


def test_a_stopped_service_is_told_with_its_process(of_one_user):
    server = of_one_user("only")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        process = subprocess.Popen(
            [binary(), "env"], env=server.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        out, _ = process.communicate(timeout=60)
        assert server.endpoint in out, "a service that is held up lives"
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_nothing_found_says_how_to_start(tmp_path):
    lonely = Millpond(tmp_path)
    for command in (["send", "jobs", "x"], ["queues"], ["env"], ["sink", "--queue", "q", "--to", "sqlite://a.db"]):
        more = ["--table", "t", "--columns", "a"] if command[0] == "sink" else []
        done = lonely.run(*command, *more)
        assert done.returncode == 1, done
        assert "millpond serve" in done.stderr


def test_two_services_of_one_user_leave_each_other_alone(of_one_user):
    older, newer = of_one_user("older"), of_one_user("newer")
    older.run("queue", "create", "in-older", "--endpoint", older.endpoint)
    newer.run("queue", "create", "in-newer", "--endpoint", newer.endpoint)
    for server in (older, newer):
        listed = server.run("queues", "--json")
        assert [queue["name"] for queue in json.loads(listed.stdout)["queues"]] == ["in-newer"]
        assert older.endpoint in listed.stderr and newer.endpoint in listed.stderr
        chosen = server.run("queues", "--json", "--endpoint", older.endpoint)
        assert "in-older" in chosen.stdout and chosen.stderr == ""
    assert older.endpoint in older.run("env", "--endpoint", older.endpoint).stdout
    newer.stop()
    left = older.run("queues", "--json")
    assert "in-older" in left.stdout and left.stderr == ""
    older.stop()
    assert notes(older) == []


def test_the_note_of_a_killed_service_is_swept(of_one_user):
    older, newer = of_one_user("older"), of_one_user("newer")
    newer.kill()
    assert len(notes(older)) == 2
    found = older.run("env")
    assert older.endpoint in found.stdout and found.stderr == ""
    assert len(notes(older)) == 1
    older.kill()
    assert older.run("env").returncode == 1
    assert notes(older) == []


def test_the_address_in_a_queue_url_counts(of_one_user):
    older, newer = of_one_user("older"), of_one_user("newer")
    url = older.run("queue", "create", "jobs", "--endpoint", older.endpoint).stdout.strip()
    assert newer.run("send", url, "by url").returncode == 0
    assert newer.run("receive", url, "--delete").stdout == "by url\n"
    variable = with_variable(newer, "AWS_ENDPOINT_URL", newer.endpoint, "send", url, "stronger")
    assert variable.returncode == 0
    refused = newer.run("send", url, "x", "--endpoint", newer.endpoint)
    assert refused.returncode == 2
    assert older.endpoint in refused.stderr and newer.endpoint in refused.stderr
    same = url.replace("127.0.0.1", "localhost")
    assert newer.run("receive", same, "--endpoint", older.endpoint).stdout == "stronger\n"


def test_an_endpoint_that_is_none_is_wrong_usage(server):
    for wrong in ("127.0.0.1:4566", "http://127.0.0.1:4566/path", "ftp://127.0.0.1"):
        done = server.run("queues", "--endpoint", wrong)
        assert done.returncode == 2 and "http://HOST:PORT" in done.stderr
    left = with_variable(server, "AWS_ENDPOINT_URL", "nonsense", "queues")
    assert left.returncode == 2 and "AWS_ENDPOINT_URL is `nonsense`" in left.stderr


def test_a_worker_on_this_machine_asks_no_metadata_service(server, nobody):
    arguments = ["sink", "--queue", "q", "--to", "sqlite://rows.db", "--table", "t", "--columns", "a"]
    metadata = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"}
    environment = {**server.environment(), **metadata}
    done = subprocess.run(
        [binary(), *arguments, "--endpoint", server.endpoint],
        env=environment,
        cwd=server.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "does not exist" in done.stderr and server.endpoint in done.stderr
    assert "169.254" not in done.stderr and "IMDS" not in done.stderr and "metadata" not in done.stderr
    assert ".. " not in done.stderr


def test_an_endpoint_elsewhere_needs_region_and_keys(server):
    arguments = ["send", "q", "x", "--endpoint", "http://192.0.2.1:4566"]
    done = server.run(*arguments)
    assert done.returncode == 2 and "set AWS_REGION" in done.stderr
    done = with_variable(server, "AWS_REGION", "us-east-1", *arguments)
    assert done.returncode == 2 and "AWS_ACCESS_KEY_ID" in done.stderr
