"""A service that is asked to stop (SIGTERM) answers what is under way, takes nothing new, and ends with exit code 0."""

import json
import os
import signal
import socket
import threading
import time
import urllib.request

import pytest
from load_client import Connection, signed
from losing_disk import LosingDisk
from millpond import Millpond

# The service stops within its time for requests under way and a little.
BOUND_SECS = 20


@pytest.fixture
def server(tmp_path):
    with Millpond(tmp_path) as millpond:
        yield millpond


def create(server):
    return Connection(server.endpoint).expect("CreateQueue", {"QueueName": "drained"})["QueueUrl"]


def terminate(server):
    os.kill(server.pid, signal.SIGTERM)


def await_refusal(server):
    """Waits until no connection is taken any more."""
    address = server.endpoint.rpartition("/")[2].split(":")
    deadline = time.monotonic() + BOUND_SECS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address[0], int(address[1])), 5).close()
        except ConnectionError:
            return
        time.sleep(0.01)
    raise AssertionError("connections are still taken")


def test_receives_that_wait_are_answered_and_the_service_ends(server):
    queue = create(server)
    waiting = [Connection(server.endpoint) for _ in range(20)]
    for connection in waiting:
        connection.begin("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20})
    await_waiters(server, len(waiting))
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < BOUND_SECS, "it did not wait for the end of the polls"
    assert [connection.finish() for connection in waiting] == [(200, {})] * 20


def await_waiters(server, count):
    deadline = time.monotonic() + 30
    while f"\nmillpond_waiters {count}\n" not in metrics(server):
        assert time.monotonic() < deadline, "the receives do not wait"
        time.sleep(0.01)


def metrics(server):
    with urllib.request.urlopen(f"{server.endpoint}/metrics", timeout=30) as reply:
        return reply.read().decode()


def test_a_request_that_is_half_sent_is_finished_and_no_other_is_begun(server):
    queue = create(server)
    half, idle = Connection(server.endpoint), Connection(server.endpoint)
    idle.expect("ListQueues", {})
    host = server.endpoint.rpartition("/")[2]
    body = json.dumps({"QueueUrl": queue, "MessageBody": "under way"}).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in signed(host, "SendMessage", body).items())
    half.send_bytes(f"POST / HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:20])
    # Its head is there when the service answers what came after it.
    idle.expect("ListQueues", {})
    terminate(server)
    await_refusal(server)
    half.send_bytes(body[20:])
    status, answer = half.finish()
    assert (status, "MessageId" in answer) == (200, True)
    with pytest.raises(OSError):
        idle.call("ListQueues", {})
    assert server.wait() == 0
    server.start()
    received = Connection(server.endpoint).expect("ReceiveMessage", {"QueueUrl": queue})
    assert [message["Body"] for message in received["Messages"]] == ["under way"]


def test_a_half_sent_request_does_not_keep_the_service(server):
    stuck = Connection(server.endpoint)
    stuck.send_bytes(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < BOUND_SECS


def test_a_disk_that_stalls_is_waited_for_and_told(tmp_path):
    server = Millpond(tmp_path)
    with LosingDisk(server.data) as disk, server:
        queue = create(server)
        disk.stall(1_000)
        sending = Connection(server.endpoint)
        answers = []
        thread = threading.Thread(target=ask, args=(sending, queue, answers))
        thread.start()
        await_stall(disk)
        terminate(server)
        thread.join(BOUND_SECS)
        assert answers == ["no answer"], "what is not durable is not acknowledged"
        deadline = time.monotonic() + BOUND_SECS
        while "the disk has not made the last writes durable" not in server.log():
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.05)
        disk.resume()
        assert server.wait() == 0


def test_a_stop_does_not_wait_for_ever_for_a_disk_that_stalls(tmp_path):
    server = Millpond(tmp_path)
    with LosingDisk(server.data) as disk, server:
        queue = create(server)
        Connection(server.endpoint).expect("SendMessage", {"QueueUrl": queue, "MessageBody": "acknowledged"})
        disk.stall(1_000)
        answers = []
        thread = threading.Thread(target=ask, args=(Connection(server.endpoint), queue, answers))
        thread.start()
        await_stall(disk)
        terminate(server)
        # Ten seconds for requests under way, thirty for the disk, and a little.
        deadline = time.monotonic() + 60
        while "has not answered for 30 seconds" not in server.log():
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.05)
        assert "everything that was acknowledged is on the disk" in server.log()
        thread.join(BOUND_SECS)
        assert answers == ["no answer"]
        # It has ended; only this kernel keeps what is left of it for as long as the sync lasts.
        disk.resume()
        assert server.wait() == 4
        server.start()
        received = Connection(server.endpoint).expect("ReceiveMessage", {"QueueUrl": queue})
        assert received["Messages"][0]["Body"] == "acknowledged"


def ask(connection, queue, answers):
    try:
        answers.append(connection.call("SendMessage", {"QueueUrl": queue, "MessageBody": "late"}))
    except OSError:
        answers.append("no answer")


def await_stall(disk):
    deadline = time.monotonic() + 30
    while not disk.figures()["waiting"]:
        assert time.monotonic() < deadline, "no sync waits"
        time.sleep(0.01)
