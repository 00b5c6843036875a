"""What people get wrong in a stack, and what happens to a form when its queue is away: told plainly, nothing broken."""

import html
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest

from architecture import Architecture, await_that, end, get, hidden_submission_id, post_form, post_json
from millpond import binary

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "customers" / "template.yaml"
PASSWORD = "hunter2-and-more"


@pytest.fixture
def architecture(tmp_path):
    """One that is not started yet."""
    stopped = Architecture(tmp_path)
    yield stopped
    stopped.kill()


def up(architecture, *arguments):
    """Runs an `up` that is expected to fail."""
    command = ["up", "--listen", "127.0.0.1:0", "--data", architecture.data, *arguments]
    return architecture.run(*command, timeout=60)


def changed(architecture, old, new):
    """The example with a mistake in it, and line and column where the mistake begins."""
    text = EXAMPLE.read_text()
    assert text.count(old) >= 1
    template = architecture.folder / "my.yaml"
    template.write_text(text.replace(old, new, 1))
    before = text[: text.index(old)]
    return template, before.count("\n") + 1


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("MessageRetentionPeriod: 1209600", "MesageRetentionPeriod: 1209600", "did you mean MessageRetentionPeriod?"),
        ("Type: AWS::SQS::Queue", "Type: AWS::SQS::Qeue", "did you mean AWS::SQS::Queue?"),
        ("Queue: !Ref Customers", "Queue: !Ref Custmers", "did you mean Customers?"),
        ("Type: Millpond::Sink::Table", "Type: AWS::Lambda::Function", "no resource type AWS::Lambda::Function"),
        ("Columns: [name, country]", "Columns: [name, country", "not valid YAML"),
        ("Table: customers", "Table: !Select [0, a]", "Select"),
        ("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 14 days", "whole number from 60 to 1209600"),
        ("Parameters:", "Mappings:", "Mappings"),
        ("Listen: 127.0.0.1:8080", "Listen: everywhere", "127.0.0.1"),
    ],
)
def test_a_mistake_in_a_template_is_told_with_its_place(architecture, old, new, told):
    template, line = changed(architecture, old, new)
    done = up(architecture, template)
    assert (done.returncode, done.stdout) == (1, "")
    places = re.findall(re.escape(str(template)) + r":(\d+):(\d+): ", done.stderr)
    # The end of what is open shows only where the next thing begins.
    open_until = 2 if "YAML" in told else 0
    assert places and line <= int(places[0][0]) <= line + open_until, done.stderr
    assert told in done.stderr
    assert architecture.processes() == []


def test_several_mistakes_are_told_together(architecture):
    text = EXAMPLE.read_text().replace("QueueName:", "QueName:").replace("Table: customers", "Tabel: customers")
    template = architecture.folder / "my.yaml"
    template.write_text(text)
    done = up(architecture, template)
    assert done.returncode == 1
    assert "did you mean QueueName?" in done.stderr and "did you mean Table?" in done.stderr


def test_a_mistake_in_the_syntax_starts_nothing_and_makes_no_data(architecture):
    template, _ = changed(architecture, "Columns: [name, country]", "Columns: [name, country")
    assert up(architecture, template).returncode == 1
    assert not architecture.data.exists()


def test_templates_that_are_no_templates(architecture):
    folder = architecture.folder
    (folder / "empty.yaml").write_text("")
    (folder / "broken.json").write_text('{"Resources": {')
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    expected = {"empty.yaml": "Resources", "broken.json": "JSON", "binary.yaml": "UTF-8", "none.yaml": "No such"}
    for name, told in expected.items():
        done = up(architecture, folder / name)
        assert done.returncode == 1 and name in done.stderr and told in done.stderr, done.stderr
    assert not architecture.data.exists()


def test_parameters_that_do_not_fit(architecture):
    unknown = up(architecture, "--parameter", "DatabaseUlr=sqlite://x.db")
    assert unknown.returncode == 1 and "DatabaseUrl" in unknown.stderr and "DatabaseUlr" in unknown.stderr
    shapeless = up(architecture, "--parameter", "DatabaseUrl")
    assert shapeless.returncode == 2 and "NAME=VALUE" in shapeless.stderr
    other = up(architecture, "--parameter", f"DatabaseUrl=postgres://jane:{PASSWORD}@127.0.0.1/shop")
    assert other.returncode == 1 and "sqlite://" in other.stderr and "mysql://" in other.stderr
    for done in (unknown, shapeless, other):
        assert PASSWORD not in done.stderr + done.stdout
    assert architecture.processes() == []


def test_a_failed_change_leaves_what_ran_before(architecture):
    architecture.start()
    before = {name: architecture.workload(name)["pid"] for name in ("backend", "frontend")}
    template, _ = changed(architecture, "Table: customers", "Tabel: customers")
    address = architecture.endpoint.removeprefix("http://")
    for arguments in ([template], ["--parameter", "DatabaseUrl=postgres://x"], ["--parameter", "Nope=1"]):
        done = architecture.run("up", "--listen", address, "--data", architecture.data, *arguments)
        assert done.returncode == 1, done
        assert {name: architecture.workload(name)["pid"] for name in before} == before
    assert architecture.run("send", "customers", "Jane,UK").returncode == 0
    await_that(lambda: architecture.rows() == [["Jane", "UK"]])


def test_a_table_of_another_shape_is_told_and_nothing_is_lost(architecture):
    database = architecture.folder / "old.db"
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE customers (name TEXT, phone TEXT)")
    connection.commit()
    architecture.start("--parameter", f"DatabaseUrl=sqlite://{database}")
    assert architecture.run("send", "customers", "Jane,UK").returncode == 0
    told = lambda: architecture.run("logs", "backend").stdout
    await_that(lambda: "country" in told(), told)
    await_that(lambda: "country" in architecture.run("ps").stdout, lambda: architecture.run("ps").stdout)
    connection.execute("ALTER TABLE customers ADD COLUMN country TEXT")
    connection.commit()
    await_that(lambda: architecture.rows() == [["Jane", None, "UK"]], told)


def test_a_wrong_password_is_told_without_the_password(architecture):
    # Nobody listens there: an outage. The form goes on taking entries.
    url = f"mysql://jane:{PASSWORD}@127.0.0.1:1/shop"
    architecture.start("--parameter", f"DatabaseUrl={url}")
    status, _, _ = post_json(architecture.form_url(), {"name": "Jane", "country": "UK"})
    assert status == 200
    told = lambda: architecture.run("logs", "backend").stdout
    await_that(lambda: "database unreachable" in told(), told)
    assert PASSWORD not in told() + architecture.log()
    # The right one is given later; what waited lands.
    assert architecture.interrupt() == 0
    architecture.start("--parameter", "DatabaseUrl=sqlite://customers.db")
    await_that(lambda: architecture.rows() == [["Jane", "UK"]], told)


def test_a_sink_by_hand_with_a_wrong_database_says_what_to_do(server):
    server.run("queue", "create", "orders")
    for url, told in [
        ("nonsense", "sqlite://"),
        (f"postgres://jane:{PASSWORD}@127.0.0.1/shop", "mysql://"),
        ("sqlite:///no/such/folder/orders.db", "/no/such/folder"),
    ]:
        command = [binary(), "sink", "--queue", "orders", "--table", "orders", "--columns", "id"]
        environment = {**server.environment(), "MILLPOND_DATABASE_URL": url}
        sink = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            first = next(line for line in sink.stdout if not line.startswith("queue service  "))
            assert told in first and PASSWORD not in first, first
        finally:
            sink.kill()
            sink.wait()
            sink.stdout.close()


@pytest.fixture
def form(server, tmp_path):
    """A form by itself, in front of a queue of the server; its address."""
    server.run("queue", "create", "entries")
    command = [binary(), "form", "--queue", "entries", "--field", "name", "--field", "notes:textarea?"]
    form = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"],
        env=server.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield re.search(r"http://127\.0\.0\.1:\d+/", form.stdout.readline()).group(0)
    finally:
        form.kill()
        form.wait()
        form.stdout.close()


def test_a_form_whose_queue_is_away_says_so_and_keeps_the_entry(server, form):
    entry = {"submission_id": hidden_submission_id(get(form)[2]), "name": 'Zoë "Z" <b>', "notes": "two\nlines"}
    end(server.pid)
    try:
        status, headers, page = post_form(form, entry)
        assert status == 503 and "Retry-After" in headers
        assert "could not be confirmed" in page
        shown = html.unescape(page)
        assert 'value="Zoë "Z" <b>"' in shown and "two\nlines" in shown and "<b>" not in page
        assert hidden_submission_id(page) == entry["submission_id"], "a repeated entry counts once"
        status, _, body = post_json(form, {"name": "Jane"}, {"Idempotency-Key": "k-1"})
        assert status == 503 and "k-1" in body
        assert get(form)[0] == 200, "the form is there, whatever happens to the queue"
    finally:
        server.restart()
    assert post_form(form, entry)[0] == 303
    assert post_json(form, {"name": "Jane"}, {"Idempotency-Key": "k-1"})[0] == 200
    received = server.run("receive", "entries", "--max", "10", "--wait", "5", "--delete").stdout
    assert '"Zoë ""Z"" <b>"' in received


def test_pages_of_other_origins_reach_neither_form_nor_service(server, form):
    foreign = [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
    ]
    own_api = f"{server.endpoint}/_millpond/v1/queues"
    for headers in foreign:
        assert post_form(form, {"name": "Mallory"}, headers)[0] == 403, headers
        assert post_json(form, {"name": "Mallory"}, headers)[0] == 403, headers
        assert get(own_api, headers)[0] == 403, headers
        stop = f"{server.endpoint}/_millpond/v1/workloads/backend/stop"
        assert post_json(stop, {}, headers)[0] == 403, headers
    assert get(f"{server.endpoint}/console/", {"Host": "evil.example"})[0] == 403
    received = server.run("receive", "entries")
    assert received.returncode == 3, received.stdout


def test_a_port_in_use_is_told(server, tmp_path):
    address = server.endpoint.removeprefix("http://")
    done = server.run("serve", "--listen", address, "--data", tmp_path / "other")
    assert done.returncode == 1 and address in done.stderr and "--listen" in done.stderr, done.stderr
    assert not (tmp_path / "other").exists()
