"""`millpond up` says what waits and why, and what to do: a database that is away or refuses, a template that can't work.

A process that runs is no sink that works: `up`, `ps`, `start`, `rows` and the console tell the difference, and tell when
it works again. The password is never among it.
"""

import json
import re
import subprocess
import time

import pytest

from architecture import Architecture, await_that, console, end
from mariadb import MariaDb
from millpond import Millpond

PASSWORD = "hunter2-and-more"


@pytest.fixture
def architecture(tmp_path):
    """One that is not started yet."""
    stopped = Architecture(tmp_path)
    yield stopped
    stopped.kill()


@pytest.fixture(scope="module")
def database():
    with MariaDb() as running:
        yield running


def summary_of(printed, name):
    """What the summary says of a workload: its line, and what stands below it."""
    lines = printed.split("\n\n")[0].splitlines()
    first = next(index for index, line in enumerate(lines) if f"({name}" in line)
    after = [index for index in range(first + 1, len(lines)) if not lines[index].startswith(" " * 11)]
    return lines[first : min(after, default=len(lines))]


def state(architecture, name="backend"):
    return architecture.workload(name)["state"]


def test_a_database_that_is_away_is_told_and_awaited(architecture, database):
    database.stop()
    try:
        printed = architecture.start("--parameter", f"DatabaseUrl={database.url}")
        line, reason, *advice = summary_of(printed.lstrip("\n"), "backend")
        assert line == "  sink     into table customers  (backend, waiting)"
        assert f"127.0.0.1:{database.port}" in reason and "refused" in reason
        assert any("none is lost" in text for text in advice)
        assert any("--parameter DatabaseUrl=mysql://" in text for text in advice)

        shown = architecture.run("ps").stdout
        told = architecture.workload("backend")
        assert (told["state"], told["desired"]) == ("waiting", "running")
        assert f"127.0.0.1:{database.port}" in told["reason"] and told["pid"] in architecture.processes()
        table, below = re.search(r"^(backend +sink +waiting +\d+ .*)\n( +\S.*)$", shown, re.MULTILINE).groups()
        assert told["reason"] in below and told["reason"] not in table
        page = console(architecture)
        assert "waiting" in page and f"127.0.0.1:{database.port}" in page
        started = architecture.run("start", "backend")
        assert (started.returncode, started.stdout) == (0, "backend: waiting\n") and "refused" in started.stderr
        assert architecture.run("send", "customers", "Jane,UK").returncode == 0
    finally:
        database.start()
    await_that(lambda: state(architecture) == "running", lambda: architecture.run("ps").stdout)
    await_that(lambda: architecture.rows() == [["Jane", "UK"]], lambda: architecture.run("logs").stdout)
    await_that(lambda: "backend no longer waits" in architecture.log(), architecture.log)
    assert "reason" not in architecture.workload("backend")
    password = database.connection_arguments()["password"]
    assert password not in printed + shown + page + started.stderr + architecture.log()


def test_an_outage_while_it_runs_is_told_when_it_begins_and_when_it_ends(architecture, database):
    printed = architecture.start("--parameter", f"DatabaseUrl={database.url}")
    assert summary_of(printed.lstrip("\n"), "backend") == ["  sink     into table customers  (backend)"]
    before = len(architecture.rows())
    database.kill()
    try:
        assert architecture.run("send", "customers", "Ada,UK").returncode == 0
        await_that(lambda: state(architecture) == "waiting", lambda: architecture.run("ps").stdout)
        await_that(lambda: "backend waits: the database" in architecture.log(), architecture.log)
    finally:
        database.start()
    await_that(lambda: state(architecture) == "running", lambda: architecture.run("ps").stdout)
    await_that(lambda: len(architecture.rows()) == before + 1)


def test_a_database_that_refuses_is_told_without_the_password(architecture, database):
    url = f"mysql://jane:{PASSWORD}@127.0.0.1:{database.port}/shop"
    printed = architecture.start("--parameter", f"DatabaseUrl={url}")
    line, reason, *advice = summary_of(printed.lstrip("\n"), "backend")
    # Whether it has ended by then depends on the machine.
    assert line.endswith(("(backend, waiting)", "(backend, waiting to restart)")) and "Access denied" in reason
    assert architecture.run("send", "customers", "Jane,UK").returncode == 0
    # What `up` says to do works as it stands, from anywhere: with another database it goes on, and nothing is lost.
    command = advice[-1].replace("mysql://USER:PASSWORD@HOST/DATABASE", "sqlite://customers.db")
    environment = architecture.environment()
    changed = subprocess.run(["sh", "-c", command], env=environment, cwd="/", capture_output=True, text=True)
    assert changed.returncode == 0 and "  sink     into table customers  (backend)\n" in changed.stdout
    await_that(lambda: architecture.rows() == [["Jane", "UK"]])
    assert PASSWORD not in printed + architecture.log() + changed.stdout + changed.stderr


def test_a_path_that_can_not_be_is_told_by_up_and_by_rows(architecture):
    printed = architecture.start("--parameter", "DatabaseUrl=sqlite:///no/such/folder/customers.db")
    reason = "\n".join(summary_of(printed.lstrip("\n"), "backend"))
    assert "/no/such/folder/customers.db" in reason and "directory" in reason, reason
    shown = architecture.run("rows", "customers")
    assert shown.returncode == 1 and "no rows yet" not in shown.stderr
    assert "/no/such/folder/customers.db" in shown.stderr and "no such directory" in shown.stderr


def test_rows_that_are_not_there_yet_are_explained(architecture, database):
    architecture.start("--parameter", f"DatabaseUrl=sqlite://{architecture.folder}")
    shown = architecture.run("rows", "customers", "--wait", "0")
    assert shown.returncode == 1 and str(architecture.folder) in shown.stderr
    assert architecture.interrupt() == 0
    architecture.start("--parameter", "DatabaseUrl=sqlite://customers.db")
    assert architecture.run("stop", "backend").returncode == 0
    assert architecture.run("send", "customers", "Jane,UK").returncode == 0
    shown = architecture.run("rows", "customers")
    assert (shown.returncode, shown.stdout) == (3, "")
    assert "1 message is still in the queue customers; backend is stopped" in shown.stderr


def test_rows_shows_the_last_ones_and_waits_for_those_on_their_way(architecture):
    architecture.start()
    for number in range(8):
        assert architecture.run("send", "customers", f"visitor {number},UK").returncode == 0
    shown = architecture.run("rows", "customers", "--limit", "3", "--wait", "60")
    names = [line.split()[1] for line in shown.stdout.splitlines()[1:]]
    # The sink lands them together, or in the order in which they came.
    assert len(names) == 3 and "the last 3 rows; there are more before them" in shown.stderr
    assert "still in the queue" not in shown.stderr
    assert architecture.run("send", "customers", "the newest,UK").returncode == 0
    shown = architecture.run("rows", "customers", "--limit", "2", "--wait", "60")
    assert shown.stdout.splitlines()[-1].split() == ["the", "newest", "UK"]


def test_a_record_that_can_not_become_a_row_is_told_wherever_workloads_are(architecture):
    architecture.start()
    sent = architecture.run("send", "customers", "too,many,fields")
    told = f"message {sent.stdout.strip()} can't become a row: "
    await_that(lambda: told in architecture.workload("backend").get("reason", ""), architecture.log)
    assert state(architecture) == "running"
    assert told in " ".join(architecture.run("ps").stdout.split())
    shown = architecture.run("rows", "customers", "--wait", "0")
    assert f"1 message is still in the queue customers; {told}" in shown.stderr
    assert told.replace("'", "&#39;") in console(architecture)
    await_that(lambda: f"backend: {told}" in architecture.log(), architecture.log)


FIFO_SINK = """Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties: {QueueName: orders.fifo, FifoQueue: true}
  Rows:
    Type: Millpond::Sink::Table
    Properties:
      Queue: !Ref Orders
      Table: orders
      DatabaseUrl: sqlite://orders.db
      Columns: [id]
"""


def test_a_sink_that_can_never_work_is_refused_with_its_place(architecture):
    template = architecture.folder / "orders.yaml"
    template.write_text(FIFO_SINK)
    done = architecture.run("up", template, "--listen", "127.0.0.1:0", "--data", architecture.data)
    assert (done.returncode, done.stdout) == (1, "")
    first = next(line for line in done.stderr.splitlines() if line.startswith("millpond: "))
    assert re.fullmatch(rf"millpond: {re.escape(str(template))}:8:14: orders\.fifo is a FIFO queue, .*", first), done.stderr
    assert architecture.processes() == []


def test_a_service_that_is_killed_leaves_no_file_behind(architecture):
    architecture.start()
    for times in (1, 2):
        end(architecture.service_pid())
        await_that(lambda: architecture.log().count("the queue service is back") == times, architecture.log)
    left = [file.name for file in architecture.folder.iterdir()]
    assert not [name for name in left if name.startswith("millpond-")], left
    assert not (architecture.data / "run" / "up.ready").exists()


def test_a_short_outage_keeps_messages_and_is_no_alarm(tmp_path):
    with Millpond(tmp_path) as server:
        assert server.run("queue", "create", "jobs").returncode == 0
        assert server.run("send", "jobs", "hello").returncode == 0
        sent = time.monotonic()
        server.kill()
        await_that(lambda: time.monotonic() > sent + 2)
        server.start()
        hold = json.loads(server.run("clock", "--json").stdout)["expiry_hold"]
        assert hold["reason"] == "outage", "what would expire now is kept"
        assert "kept" not in server.log() and "was down" not in server.log()
        assert server.run("queues").stderr == ""
