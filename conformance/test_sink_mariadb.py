"""The sink into a real MariaDB: each message is one row, also when the database goes away in the middle.

The tables have no unique key of their own, so a row that landed twice would show. The password is looked for wherever
someone could see it. Connections are encrypted as the URL asks, by certificates that are made here, or refused.
"""

import datetime
import ipaddress
import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mysql.connector
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import raw_http
from architecture import Architecture, await_that, console, get, post_form
from mariadb import MariaDb
from millpond import binary

# The sink is the client here.
PROTOCOLS = ["json"]

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
    """`millpond sink` as a process; a context manager that ends it. `url` is given in the environment."""

    def __init__(self, server, url, *arguments, environment=None):
        self.log_file = server.folder / "sink.log"
        environment = {**server.environment(), **(environment or {})}
        if url:
            environment["MILLPOND_DATABASE_URL"] = url
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

    def stop(self, by=signal.SIGTERM):
        self.process.send_signal(by)
        return self.process.wait(30)


def test_an_outage_in_the_middle_loses_and_doubles_nothing(server, sqs, make_queue, database):
    url = make_queue("orders")
    name = url.rsplit("/", 1)[1]
    query(database, "CREATE TABLE orders (id VARCHAR(20), note VARCHAR(200))")
    first, rest = range(MESSAGES // 2), range(MESSAGES // 2, MESSAGES)
    landed = lambda: query(database, "SELECT COUNT(*) FROM orders")[0][0]
    with Sink(server, database.url, "--queue", name, "--table", "orders", "--columns", "id,note") as sink:
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


@pytest.mark.parametrize("written", ["--to URL", "--to=URL"])
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_password_given_as_an_argument_leaves_the_process_list(server, sqs, make_queue, database, written, by):
    query(database, "DROP TABLE IF EXISTS orders")
    url = make_queue("orders")
    password = database.connection_arguments()["password"]
    arguments = ["--queue", url, *written.replace("URL", database.url).split(" "), "--table", "orders"]
    with Sink(server, None, *arguments, "--columns", "id,note", environment={"MILLPOND_LOG": "trace"}) as sink:
        process = Path(f"/proc/{sink.process.pid}")
        shown = lambda: (process / "cmdline").read_bytes().decode()
        kept = ["sink", "--queue", url, "--table", "orders", "--columns", "id,note", ""]
        await_that(lambda: shown().split("\0")[1:] == kept, lambda: f"{shown()}\n{sink.log()}")
        # It is the same process, and it does what it was started for.
        assert os.path.samefile(process / "exe", binary())
        sqs.send_message(QueueUrl=url, MessageBody="1,one")
        await_that(lambda: "1 row landed" in sink.log(), sink.log)
        assert password not in shown()
        listed = subprocess.run(["ps", "-ww", "-eLf"], capture_output=True, text=True, check=True).stdout
        assert f"--queue {url} --table orders" in listed and password not in listed
        assert not [threads for threads in process.glob("task/*/children") if threads.read_text()]
        assert sink.stop(by) == 0, sink.log()
        assert "rows landed: 1" in sink.log() and password not in sink.log()


def test_a_sink_that_can_not_start_says_why_without_the_password(server, database):
    password = database.connection_arguments()["password"]
    wrong = f"{database.url}?ssl-mode=PREFERRED"
    done = server.run("sink", "--queue", "orders", "--to", wrong, "--table", "orders", "--columns", "id")
    assert done.returncode == 2 and "ssl-mode=PREFERRED" in done.stderr
    help_text = run_with_url(server, database.url, "--help")
    assert "MILLPOND_DATABASE_URL" in help_text.stdout
    assert password not in done.stdout + done.stderr + help_text.stdout


def run_with_url(server, url, *arguments):
    """A `millpond sink` that ends by itself."""
    environment = {**server.environment(), "MILLPOND_DATABASE_URL": url}
    command = [binary(), "sink", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


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
    seen = list(command_lines())
    form = architecture.form_url()
    pages = [form, f"{form}thanks?message_id=1"]
    api = ("workloads", "stacks", "status", "queues")
    seen += [console(architecture), *(get(url)[2] for url in pages)]
    seen += [raw_http.own(architecture.endpoint, path).body.decode() for path in api]
    for command in (("ps",), ("ps", "--json"), ("logs",), ("queues",), ("rows", "customers"), ("env",)):
        done = architecture.run(*command)
        seen += [done.stdout, done.stderr]
    stacks = raw_http.own(architecture.endpoint, "stacks").json()
    assert stacks["stacks"], "the stack is listed"
    seen += [file.read_text(errors="replace") for file in (architecture.data / "logs").iterdir()]
    return "\n".join(seen)


def command_lines():
    for process in Path("/proc").iterdir():
        file = process / "cmdline"
        if process.name.isdigit():
            try:
                yield file.read_bytes().decode(errors="replace")
            except OSError:
                continue  # It has ended.


class Authority:
    """A certificate authority of this test's own."""

    def __init__(self, folder, name):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        built = self._certificate(self._name, self._key).add_extension(constraints, critical=True)
        self.file = folder / f"{name} 100%.pem"
        self.file.write_text(as_pem(built.sign(self._key, hashes.SHA256())))

    def server(self, *names, days=1):
        """A certificate and its key for a server with these names, valid for so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a database")])
        alternatives = x509.SubjectAlternativeName(list(names))
        certificate = self._certificate(subject, key, days).add_extension(alternatives, critical=False)
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return as_pem(certificate.sign(self._key, hashes.SHA256())), text.decode()

    def _certificate(self, subject, key, days=1):
        now = datetime.datetime.now(datetime.timezone.utc)
        end = now + datetime.timedelta(days=days)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return builder.not_valid_before(min(now, end) - datetime.timedelta(days=1)).not_valid_after(end)


def as_pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


ADDRESS = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "another")


@pytest.fixture(scope="module")
def encrypted_database(authority):
    """Takes encrypted connections only, with a certificate for its address."""
    with MariaDb(authority.server(ADDRESS)) as database:
        yield database


def quoted(file):
    return str(file).replace("%", "%25").replace(" ", "%20")


def delivers(server, sqs, url, database, target):
    """A sink lands a row through this URL."""
    query(database, "DROP TABLE IF EXISTS orders")
    with Sink(server, target, "--queue", url, "--table", "orders", "--columns", "id,note") as sink:
        sqs.send_message(QueueUrl=url, MessageBody="1,one")
        await_that(lambda: "1 row landed" in sink.log(), sink.log)
        assert sink.stop() == 0
    assert query(database, "SELECT id FROM orders") == [("1",)]


def refusal(server, queue, target, code=1):
    """What a sink says that ends before it receives anything."""
    done = run_with_url(server, target, "--queue", queue, "--table", "orders", "--columns", "id,note")
    assert done.returncode == code, done
    return done.stderr


@pytest.mark.parametrize("options", ["ssl-mode=REQUIRED", "ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE", "ssl-ca=FILE"])
def test_rows_land_through_an_encrypted_connection(server, sqs, queue, encrypted_database, authority, options):
    options = options.replace("FILE", quoted(authority.file))
    delivers(server, sqs, queue, encrypted_database, f"{encrypted_database.url}?{options}")


def test_a_server_that_can_not_prove_who_it_is_gets_no_row(
    server, queue, encrypted_database, authority, other_authority, tmp_path
):
    url = encrypted_database.url
    verified = f"{url}?ssl-mode=VERIFY_IDENTITY&ssl-ca={quoted(authority.file)}"
    told = refusal(server, queue, f"{url}?ssl-ca={quoted(other_authority.file)}")
    assert "TLS handshake failed" in told and f"from an authority in {other_authority.file}" in told
    told = refusal(server, queue, f"{url}?ssl-mode=VERIFY_IDENTITY")
    assert "from a public authority; ssl-ca=FILE" in told
    told = refusal(server, queue, verified.replace("127.0.0.1", "localhost"))
    assert "not valid for name" in told and "for the host in the URL" in told
    told = refusal(server, queue, f"{url}?ssl-ca={tmp_path}/missing.pem")
    assert "missing.pem, can't be read: No such file" in told
    assert encrypted_database.connection_arguments()["password"] not in told


def test_a_certificate_that_has_expired_ends_the_sink_and_one_that_is_renewed_does_not(
    server, sqs, queue, encrypted_database, authority, other_authority
):
    database, trusted = encrypted_database, server.folder / "trusted.pem"
    trusted.write_text(authority.file.read_text())
    query(database, "DROP TABLE IF EXISTS orders")
    arguments = ["--queue", queue, "--table", "orders", "--columns", "id,note"]
    with Sink(server, f"{database.url}?ssl-ca={trusted}", *arguments) as sink:
        sqs.send_message(QueueUrl=queue, MessageBody="1,one")
        await_that(lambda: "1 row landed" in sink.log(), sink.log)
        # The file is read at each connection: here another authority is added to it and then used.
        database.stop()
        trusted.write_text(authority.file.read_text() + other_authority.file.read_text())
        database.change_certificate(other_authority.server(ADDRESS))
        sqs.send_message(QueueUrl=queue, MessageBody="2,two")
        await_that(lambda: "database unreachable" in sink.log(), sink.log)
        database.start()
        await_that(lambda: len(query(database, "SELECT id FROM orders")) == 2, sink.log)
        database.stop()
        database.change_certificate(authority.server(ADDRESS, days=-1))
        sqs.send_message(QueueUrl=queue, MessageBody="3,three")
        database.start()
        assert sink.process.wait(60) == 1
        assert "certificate expired" in sink.log() and "must be valid now" in sink.log()
    database.stop()
    database.change_certificate(authority.server(ADDRESS))
    database.start()


def test_tls_is_never_left_out_when_it_was_asked_for(server, sqs, queue, database, encrypted_database):
    for options in ("ssl-mode=REQUIRED", "ssl-mode=VERIFY_IDENTITY"):
        told = refusal(server, queue, f"{database.url}?{options}")
        assert "the server offers no TLS" in told
    for options in ("ssl-mode=PREFERRED", "ssl-mode=VERIFY_CA", "require_ssl=true", "ssl-key=/key.pem", "sslmode=require"):
        assert "the database URL" in refusal(server, queue, f"{database.url}?{options}", code=2)
    told = refusal(server, queue, encrypted_database.url)
    assert "Access denied" in told and "encrypted connections only, add ?ssl-mode=VERIFY_IDENTITY" in told
    delivers(server, sqs, queue, database, f"{database.url}?ssl-mode=DISABLED")


def test_up_and_rows_reach_a_database_that_takes_encrypted_connections_only(
    architecture, encrypted_database, authority
):
    query(encrypted_database, "DROP TABLE IF EXISTS customers")
    target = f"{encrypted_database.url}?ssl-mode=VERIFY_IDENTITY&ssl-ca={quoted(authority.file)}"
    architecture.start("--parameter", f"DatabaseUrl={target}")
    assert architecture.run("send", "customers", "Jane,UK").returncode == 0
    landed = lambda: architecture.run("rows", "customers").stdout
    await_that(lambda: "Jane" in landed(), lambda: architecture.run("logs").stdout)
    assert architecture.interrupt() == 0
