"""The sink speaks to Millpond as it does to any other SQS: same actions, same paths, same headers.

A proxy in between notes what the sink sends, once in front of Millpond and once in front of moto, an SQS of another
make. Among the messages is one that can't be parsed, so that visibility timeouts are changed as well.
"""

import http.client
import http.server
import json
import re
import sqlite3
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest

from architecture import await_that
from millpond import ACCESS_KEY, REGION, SECRET_KEY, binary, client

ACTIONS = {"GetQueueUrl", "GetQueueAttributes", "ReceiveMessage", "DeleteMessageBatch"}
ROWS = 30


class Recorder:
    """Passes requests on to an endpoint, and notes action, method, path and names of headers."""

    def __init__(self, upstream):
        self.upstream = urlsplit(upstream).netloc
        self.seen = {}
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                recorder.pass_on(self)

            def do_GET(self):
                recorder.pass_on(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def pass_on(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        action = request.headers.get("X-Amz-Target", "").removeprefix("AmazonSQS.")
        names = frozenset(name.lower() for name in request.headers)
        members = frozenset(json.loads(body or "{}"))
        self.seen.setdefault(action, set()).add((request.command, request.path, names, members))
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        try:
            # The host is signed, so it stays that of this recorder.
            connection.request(request.command, request.path, body, dict(request.headers.items()))
            response = connection.getresponse()
            answer = response.read()
            request.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                    request.send_header(name, value)
            request.send_header("Content-Length", str(len(answer)))
            request.end_headers()
            request.wfile.write(answer)
        except OSError:
            request.close_connection = True  # The sink or the service has ended.
        finally:
            connection.close()


@pytest.fixture
def moto(tmp_path):
    """The address of an SQS of another make."""
    log_file = tmp_path / "moto.log"
    with log_file.open("wb") as log:
        command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", "0"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    running = lambda: re.search(r"Running on (http://127\.0\.0\.1:\d+)", log_file.read_text())
    try:
        await_that(lambda: running() or process.poll() is not None, log_file.read_text)
        assert running(), log_file.read_text()
        yield running().group(1)
    finally:
        process.kill()
        process.wait()


def record_sink(endpoint, folder, environment):
    """What the sink sends while it lands some rows and meets one record that it can't parse."""
    sqs = client(endpoint)
    url = sqs.create_queue(QueueName="customers")["QueueUrl"]
    bodies = [f"visitor {number},UK" for number in range(ROWS)] + ["one field only"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    folder.mkdir()
    database, log_file = folder / "customers.db", folder / "sink.log"
    with Recorder(endpoint) as recorder, log_file.open("wb") as log:
        keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION}
        sink = subprocess.Popen(
            [binary(), "sink", "--queue", "customers", "--to", f"sqlite://{database}"]
            + ["--table", "customers", "--columns", "name,country", "--endpoint", recorder.url],
            env={**environment, **keys},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            explain = lambda: f"{recorder.seen.keys()}\n{log_file.read_text()}"
            all_landed = lambda: landed(database) == ROWS and deleted(sqs, url)
            await_that(lambda: all_landed() and changes_visibility(recorder.seen), explain, 90)
        finally:
            sink.terminate()
            sink.wait()
    return recorder.seen


def changes_visibility(seen):
    return any(action.startswith("ChangeMessageVisibility") for action in seen)


def landed(database):
    if not database.exists():
        return 0
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT COUNT(*) FROM customers").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # The table is not there yet.
    finally:
        connection.close()


def deleted(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names) == 1  # The record that can't be parsed stays.


def test_the_sink_sends_the_same_to_millpond_and_to_another_sqs(server, moto, tmp_path):
    environment = server.environment()
    to_millpond = record_sink(server.endpoint, tmp_path / "millpond", environment)
    to_moto = record_sink(moto, tmp_path / "moto", environment)
    assert to_millpond.keys() == to_moto.keys()
    assert ACTIONS < to_millpond.keys() and changes_visibility(to_millpond)
    for action, requests in to_millpond.items():
        assert requests == to_moto[action], action
        assert all(method == "POST" and path == "/" for method, path, _, _ in requests)
        assert all({"x-amz-target", "authorization", "x-amz-date"} <= names for _, _, names, _ in requests)
