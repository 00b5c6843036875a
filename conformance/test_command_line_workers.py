"""`millpond sink` and `millpond form` as processes of their own: what they say while they run, and what they wait for."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from millpond import binary

PROTOCOLS = ["json"]

TIMED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ ")


class Worker:
    """A sink or a form with its log."""

    def __init__(self, server, name, *arguments):
        self.path = server.folder / f"{name}.log"
        with self.path.open("wb") as log:
            self.process = subprocess.Popen(
                [binary(), *arguments], env=server.environment(), cwd=server.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def log(self):
        return self.path.read_text()

    def says(self, text):
        """Waits until it has said `text`; returns the line."""
        deadline = time.monotonic() + 60
        while True:
            found = [line for line in self.log().splitlines() if text in line]
            if found:
                return found[0]
            assert self.process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def address(self):
        return re.search(r"http://\S+/$", self.says("form  "))[0]

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)


def post(url, entry):
    request = urllib.request.Request(url, json.dumps(entry).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_a_form_waits_for_its_queue_and_says_so(server, sqs, unique_name):
    queue = unique_name()
    with Worker(server, queue, "form", "--queue", queue, "--field", "name", "--listen", "localhost:0") as form:
        missing = form.says("does not exist")
        assert queue in missing and server.endpoint in missing and "millpond queue create" in missing
        url = form.address()
        assert post(url, {"name": "early"}) == 502
        sqs.create_queue(QueueName=queue)
        form.says(f"the queue {queue} is there")
        assert post(url, {"name": "Jane"}) == 200
        assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "Jane"
        assert form.stop() == 0
        lines = form.log().splitlines()
    assert all(TIMED.match(line) for line in lines if "warning" in line)
    # No structure of the program shows.
    assert not re.search(r"[A-Z]\w+ ?[({]|Some\(|\w+: \w+ \{", form.log().replace("QueueDoesNotExist", "")), form.log()


def test_a_form_says_which_service_is_away(server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        arguments = ["form", "--queue", "q", "--field", "name", "--listen", "127.0.0.1:0", "--endpoint", endpoint]
        with Worker(server, "away", *arguments) as form:
            away = form.says("is away")
            assert f"{endpoint}: Connection refused" in away and "{" not in away


def test_a_form_takes_the_next_free_port_when_asked_to(server, sqs, unique_name):
    queue = unique_name()
    sqs.create_queue(QueueName=queue)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = ["form", "--queue", queue, "--field", "name", "--listen", f"localhost:{port}"]
        refused = server.run(*arguments)
        assert refused.returncode == 1 and "--next-free-port" in refused.stderr
        with Worker(server, queue, *arguments, "--next-free-port") as form:
            assert form.address() != f"http://127.0.0.1:{port}/"
            assert f"127.0.0.1:{port} is in use" in form.log()


def test_a_sink_says_what_it_does_in_lines_for_people(server, sqs, unique_name):
    queue = unique_name()
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="Jane")
    sqs.send_message(QueueUrl=url, MessageBody="too,many")
    arguments = ["sink", "--queue", queue, "--to", "sqlite://people.db", "--table", "people", "--columns", "name"]
    with Worker(server, queue, *arguments) as sink:
        assert server.endpoint in sink.says("queue service")
        sink.says("delivering from")
        assert TIMED.match(sink.says("1 row landed"))
        assert " warning: message " in sink.says("can't become a row")
        assert sink.stop() == 0
        assert sink.log().splitlines()[-1].endswith("records that could not land: 1")


@pytest.mark.parametrize("arguments, part", [
    (["--queue", "orders.fifo"], "FIFO queue"),
    (["--columns", "a,a"], "a"),
    (["--pollers", "65"], "1..=64"),
    (["--visibility-timeout", "1"], "2s to 12h"),
    (["--visibility-timeout", "-30s"], "2s to 12h"),
    (["--to", "postgres://h/d"], "are supported"),
    (["--to", "mysql://u:s3cret@h/d?enable_cleartext_plugin=true"], "known are ssl-mode, ssl-ca and socket"),
    (["--table", "millpond_ledger"], "ledger"),
])  # fmt: skip
def test_a_sink_that_makes_no_sense_is_wrong_usage(server, arguments, part):
    given = {"--queue": "q", "--to": "sqlite://a.db", "--table": "t", "--columns": "a", "--endpoint": "http://127.0.0.1:9"}
    given.update(dict(zip(arguments[::2], arguments[1::2])))
    done = server.run("sink", *(word for pair in given.items() for word in pair))
    assert done.returncode == 2, done
    assert part in done.stderr and "s3cret" not in done.stderr
    assert not (server.folder / "a.db").exists()


def test_a_sink_prints_the_tables_of_a_file_that_is_missing(server, sqs, unique_name):
    queue = unique_name()
    sqs.create_queue(QueueName=queue)
    done = server.run(
        "sink", "--queue", queue, "--to", "sqlite://none.db", "--table", "t", "--columns", "a", "--no-create"
    )
    assert done.returncode == 1
    assert 'CREATE TABLE "t" ("a" TEXT);' in done.stderr and 'CREATE TABLE "millpond_ledger"' in done.stderr
    assert done.stderr.count("none.db") == 1
    assert not (server.folder / "none.db").exists()


@pytest.mark.parametrize("arguments, part", [
    (["--field", "a:colour"], "no type `colour`"),
    (["--field", "a", "--field", "a"], "two fields are named a"),
    (["--field", "a", "--listen", "example.org:80"], "an address and a port are needed"),
])  # fmt: skip
def test_a_form_that_makes_no_sense_is_wrong_usage(server, arguments, part):
    done = server.run("form", "--queue", "q", *arguments)
    assert done.returncode == 2 and part in done.stderr, done


def test_data_that_is_a_file_is_told_in_words(server):
    file = server.folder / "file"
    file.write_text("x")
    done = server.run("serve", "--listen", "127.0.0.1:0", "--data", str(file))
    assert done.returncode == 1
    assert f"{file}: it is a file, and a directory is needed" in done.stderr
    under = server.run("serve", "--listen", "127.0.0.1:0", "--data", str(file / "data"))
    assert under.returncode == 1 and str(file) in under.stderr
    assert file.read_text() == "x"


def test_a_service_that_identifies_no_one_listens_on_this_machine_only(server):
    for address, part in (("0.0.0.0:0", "--allow-remote"), ("example.org:80", "an address and a port are needed")):
        done = server.run("serve", "--in-memory", "--auth", "off", "--listen", address)
        assert done.returncode == 2 and part in done.stderr
