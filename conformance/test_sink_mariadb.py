"""The sink into a real MariaDB: each message is one row, also when the database goes away in the middle.

The tables have no unique key of their own, so a row that landed twice would show. The password is looked for wherever
someone could see it.
"""

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mysql.connector
import pytest

from architecture import Architecture, await_that, get, post_form
from mariadb import MariaDb
from millpond import binary

MESSAGES = 10_000
BATCH = 10


@pytest.fixture(scope="module")
def shared_database():
    with MariaDb() as database:
        yield database


@pytest.fixture
def database(shared_database):
    """Runs, whatever the test before did to it."""
    if not shared_database.pid:
        shared_database.start()
    return shared_database


def query(database, sql):
    """The rows of a query, on a connection of its own, as the database may have been away before."""
    with mysql.connector.connect(**database.connection_arguments()) as connection:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.with_rows else []


class Sink:
    """`millpond sink` as a process; a context manager that ends it."""

    def __init__(self, server, database, *arguments):
        self.log_file = server.folder / "sink.log"
        environment = {**server.environment(), "MILLPOND_DATABASE_URL": database.url}
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [binary(), "sink", *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def log(self):
        return self.log_file.read_text()

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)


def test_an_outage_in_the_middle_loses_and_doubles_nothing(server, sqs, make_queue, database):
    url = make_queue("orders")
    name = url.rsplit("/", 1)[1]
    query(database, "CREATE TABLE orders (id VARCHAR(20), note VARCHAR(200))")
    first, rest = range(MESSAGES // 2), range(MESSAGES // 2, MESSAGES)
    landed = lambda: query(database, "SELECT COUNT(*) FROM orders")[0][0]
    with Sink(server, database, "--queue", name, "--table", "orders", "--columns", "id,note") as sink:
        send_all(server, url, first)
        await_that(lambda: landed() >= 500, sink.log)
        # It is stopped while rows land, and messages go on arriving meanwhile.
        sender = threading.Thread(target=send_all, args=(server, url, rest))
        sender.start()
        database.stop()
        await_that(lambda: "database unreachable" in sink.log(), sink.log)
        sender.join()
        assert remaining(sqs, url) > MESSAGES // 4, "the outage was not in the middle"
        database.start()
        await_that(lambda: landed() >= MESSAGES, lambda: f"{landed()} landed\n{sink.log()}", 240)
        await_that(lambda: remaining(sqs, url) == 0, lambda: f"{remaining(sqs, url)} remain\n{sink.log()}", 120)
        assert sink.stop() == 0
        assert database.connection_arguments()["password"] not in sink.log()
    rows = query(database, "SELECT id, note FROM orders")
    assert sorted(rows) == sorted(record(number) for number in range(MESSAGES))
    assert query(database, "SELECT COUNT(*) FROM millpond_ledger")[0][0] == MESSAGES


def record(number):
    return str(number), f'a note, "quoted", of {number}'


def send_all(server, url, numbers):
    sqs = server.client(max_pool_connections=8)

    def send(batch):
        entries = []
        for number in batch:
            key, note = record(number)
            quoted = note.replace('"', '""')
            entries.append({"Id": key, "MessageBody": f'{key},"{quoted}"'})
        assert "Failed" not in sqs.send_message_batch(QueueUrl=url, Entries=entries)

    batches = [numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, batches))


def remaining(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


@pytest.fixture
def architecture(tmp_path):
    with_database = Architecture(tmp_path)
    yield with_database
    with_database.kill()


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_up_with_the_database_as_parameter_shows_its_password_to_no_one(architecture, database, by):
    query(database, "DROP TABLE IF EXISTS customers")
    password = database.connection_arguments()["password"]
    if by == "argument":
        printed = architecture.start("--parameter", f"DatabaseUrl={database.url}")
    else:
        printed = architecture.start(environment={"MILLPOND_PARAMETER_DatabaseUrl": database.url})
    for number in range(5):
        assert architecture.run("send", "customers", f"visitor {number},UK").returncode == 0
    post_form(architecture.form_url(), {"name": "from the form", "country": "UK"})
    landed = lambda: query(database, "SELECT name FROM customers")
    await_that(lambda: len(landed()) == 6, lambda: architecture.run("logs").stdout)

    database.stop()
    assert architecture.run("send", "customers", "visitor 5,UK").returncode == 0
    rows = architecture.run("rows", "customers")
    assert rows.returncode == 1 and "can't be read now" in rows.stderr
    await_that(lambda: "database unreachable" in architecture.run("logs", "backend").stdout)
    shown = what_anyone_sees(architecture)
    database.start()
    await_that(lambda: len(landed()) == 7, lambda: architecture.run("logs").stdout)
    expected = sorted(f"visitor {number}" for number in range(6)) + ["from the form"]
    assert sorted(name for (name,) in landed()) == sorted(expected)

    # The value stays for later runs.
    assert architecture.interrupt() == 0
    printed += architecture.start()
    assert architecture.run("send", "customers", "later,UK").returncode == 0
    await_that(lambda: ("later",) in landed(), lambda: architecture.run("logs").stdout)
    shown += what_anyone_sees(architecture) + printed + rows.stderr + architecture.log()
    assert database.url.split("@")[1].split("/")[0] in shown, "this looks at the places where the address shows"
    assert password not in shown


def what_anyone_sees(architecture):
    """Process lists, pages, our own API, what commands print, and the logs."""
    seen = [process.read_bytes().decode(errors="replace") for process in command_lines()]
    form = architecture.form_url()
    pages = [f"{architecture.endpoint}/console/", form, f"{form}thanks?message_id=1"]
    api = [f"{architecture.endpoint}/_millpond/v1/{path}" for path in ("workloads", "stacks", "status", "queues")]
    seen += [get(url)[2] for url in pages + api]
    for command in (("ps",), ("ps", "--json"), ("logs",), ("queues",), ("rows", "customers"), ("env",)):
        done = architecture.run(*command)
        seen += [done.stdout, done.stderr]
    stacks = json.loads(get(f"{architecture.endpoint}/_millpond/v1/stacks")[2])
    assert stacks["stacks"], "the stack is listed"
    seen += [file.read_text(errors="replace") for file in (architecture.data / "logs").iterdir()]
    return "\n".join(seen)


def command_lines():
    for process in Path("/proc").iterdir():
        file = process / "cmdline"
        if process.name.isdigit():
            try:
                file.read_bytes()
            except OSError:
                continue  # It has ended.
            yield file
