"""Where the service can't run it says what is wrong and what to do, ends with a failure, and harms nothing."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from millpond import Millpond, binary

BODIES = [f"order {number} " + "x" * 500 for number in range(60)]


@pytest.fixture
def server(tmp_path):
    """A server with messages that must be there afterwards; only this test stops and damages it."""
    with Millpond(tmp_path) as millpond:
        fill(millpond)
        yield millpond


def fill(millpond):
    sqs = millpond.client()
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    for body in BODIES:
        sqs.send_message(QueueUrl=url, MessageBody=body)


def assert_nothing_is_lost(millpond):
    sqs = millpond.client()
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    seen = []
    while len(seen) < len(BODIES):
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5, VisibilityTimeout=60)
        seen += [message["Body"] for message in answer["Messages"]]
    assert sorted(seen) == sorted(BODIES)


def failed_start(millpond, *arguments, before=(), code=1):
    """What a `serve` that can't run prints; it must end by itself, with a failure and one clear message."""
    command = [*before, binary(), "serve", *arguments]
    # Another user can't read the keys of this one.
    environment = {**millpond.environment(), **({"MILLPOND_MASTER_KEY": "00" * 32} if before else {})}
    ended = subprocess.run(command, env=environment, cwd=millpond.folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == code, ended
    assert ended.stdout == ""
    return ended.stderr


def assert_damage_is_told(millpond, file, unchanged="*"):
    """The damaged directory is refused with the file's name and what to do; the files `unchanged` stay as they are."""
    before = contents(millpond.data, unchanged)
    text = failed_start(millpond, "--listen", "127.0.0.1:0", "--data", str(millpond.data))
    assert "damaged" in text and file.name in text and str(millpond.data) in text
    assert "keep a copy of the directory" in text.lower() and "restore" in text
    assert contents(millpond.data, unchanged) == before


def contents(folder, names):
    files = [file for file in folder.glob(names) if file.is_file()]
    # The lock file holds the id of whoever tried last.
    return {file.name: file.read_bytes() for file in files if file.name != "LOCK"}


def test_a_port_in_use(server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        other = server.folder / "other"
        text = failed_start(server, "--listen", address, "--data", str(other))
    assert address in text and "in use" in text and "--listen" in text
    assert not other.exists()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:4566"])
def test_an_address_that_others_could_reach(server, address):
    other = server.folder / "other"
    text = failed_start(server, "--auth", "off", "--listen", address, "--data", str(other), code=2)
    assert address in text and "--allow-remote" in text and "127.0.0.1" in text
    assert not other.exists()


def test_a_data_directory_held_by_another_process(server):
    text = failed_start(server, "--listen", "127.0.0.1:0", "--data", str(server.data))
    assert str(server.pid) in text and str(server.data) in text and "another directory" in text
    assert_nothing_is_lost(server)


def test_a_data_directory_that_is_a_file(server):
    file = server.folder / "file"
    file.write_text("not a directory")
    text = failed_start(server, "--listen", "127.0.0.1:0", "--data", str(file))
    assert str(file) in text and "--data" in text
    assert file.read_text() == "not a directory"


@pytest.fixture
def unprivileged():
    """A folder that everyone may enter, and the command that runs another one without the right to write there."""
    folder = Path(tempfile.mkdtemp(prefix="millpond-readonly-"))
    folder.chmod(0o755)
    if os.geteuid() == 0:
        yield folder, ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    else:
        yield folder, []
    shutil.rmtree(folder)


def test_a_data_directory_that_cannot_be_created(server, unprivileged):
    folder, before = unprivileged
    folder.chmod(0o555)
    data = folder / "data"
    text = failed_start(server, "--listen", "127.0.0.1:0", "--data", str(data), before=before)
    folder.chmod(0o755)
    assert str(data) in text and "ermission denied" in text and "--data" in text


def test_a_data_directory_that_cannot_be_written(server, unprivileged):
    folder, before = unprivileged
    server.stop()
    data = folder / "data"
    shutil.copytree(server.data, data)
    for path in [*data.iterdir(), data]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    text = failed_start(server, "--listen", "127.0.0.1:0", "--data", str(data), before=before)
    data.chmod(0o755)
    assert str(data) in text and "ermission denied" in text
    server.start()
    assert_nothing_is_lost(server)


def newest_segment(millpond):
    return max(millpond.data.glob("segment-*"))


def test_a_log_with_a_damaged_message(server):
    server.kill()
    segment = newest_segment(server)
    whole = segment.read_bytes()
    # One bit of a body in the middle, which later batches prove to have been durable.
    place = whole.index(BODIES[30].encode()) + 100
    damaged = bytearray(whole)
    damaged[place] ^= 1
    segment.write_bytes(damaged)
    assert_damage_is_told(server, segment)
    segment.write_bytes(whole)
    server.start()
    assert_nothing_is_lost(server)


def test_a_log_without_its_end(server):
    # Cut before it begins again: what it wrote before the cut was acknowledged.
    server.restart()
    server.kill()
    segment = newest_segment(server)
    whole = segment.read_bytes()
    place = whole.index(BODIES[10].encode())
    segment.write_bytes(whole[:place])
    assert_damage_is_told(server, segment)
    segment.write_bytes(whole)
    server.start()
    assert_nothing_is_lost(server)


def test_a_log_without_a_segment(server):
    server.restart()
    server.kill()
    segment = newest_segment(server)
    away = server.folder / "away"
    segment.rename(away)
    assert_damage_is_told(server, segment)
    away.rename(segment)
    server.start()
    assert_nothing_is_lost(server)


@pytest.mark.parametrize("kept", [0, 1000, 0.5, "flipped"])
def test_a_damaged_store(server, kept):
    server.kill()
    store = server.data / "store.redb"
    whole = store.read_bytes()
    if kept == "flipped":
        store.write_bytes(bytes(byte ^ 0xFF for byte in whole[:4096]) + whole[4096:])
    else:
        store.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    # The log is opened first and notes that it was, and the storage engine may have begun to repair its file: what
    # must be untouched is every message in the log.
    assert_damage_is_told(server, store, unchanged="segment-*")
    store.write_bytes(whole)
    server.start()
    assert_nothing_is_lost(server)


def connections(server, request, count):
    host, _, port = server.endpoint.removeprefix("http://").rpartition(":")
    opened = [socket.create_connection((host, int(port)), timeout=30) for _ in range(count)]
    for connection in opened:
        connection.sendall(request)
    return opened


HEAD = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.ListQueues\r\n"
)


@pytest.mark.parametrize(
    "request_begin",
    [
        b"",
        b"POST / HT",
        HEAD,
        HEAD + b"Content-Length: 8388608\r\n\r\n",
        HEAD + b"Content-Length: 8388608\r\n\r\n{" + b" " * 1000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
    ids=["silent", "method", "head", "body not begun", "body begun", "chunks"],
)
def test_slow_connections_hold_up_nobody(server, request_begin):
    opened = connections(server, request_begin, 200)
    assert_nothing_is_lost(server)
    for connection in opened:
        connection.close()


def test_clients_that_never_read_hold_up_nobody(server):
    opened = connections(server, (HEAD + b"Content-Length: 2\r\n\r\n{}") * 2000, 20)
    assert_nothing_is_lost(server)
    for connection in opened:
        connection.close()


def test_receivers_that_have_gone_take_no_messages_with_them(server):
    queue = server.client().create_queue(QueueName="empty")["QueueUrl"]
    body = b'{"QueueUrl": "%s", "WaitTimeSeconds": 20}' % queue.encode()
    poll = HEAD.replace(b"ListQueues", b"ReceiveMessage") + b"Content-Length: %d\r\n\r\n" % len(body) + body
    gone = connections(server, poll, 20)
    # Half of them say that they will send no more, the others leave without a word.
    for number, connection in enumerate(gone):
        connection.shutdown(socket.SHUT_WR) if number % 2 else connection.close()
    sqs = server.client()
    sqs.send_message(QueueUrl=queue, MessageBody="for someone who is there")
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    assert message["Body"] == "for someone who is there"
    for connection in gone:
        connection.close()


def test_a_body_without_an_end_is_refused(server):
    (connection,) = connections(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", 1)
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    try:
        for _ in range(64):
            connection.sendall(chunk)
    except OSError:
        pass  # The server has closed the connection.
    else:
        pytest.fail("64 MiB of one body were taken")
    connection.close()
    assert_nothing_is_lost(server)
