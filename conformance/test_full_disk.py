"""A disk that is full, for real: sends are refused, receives and deletes go on, and all is well when space is back.

The data lies on a small file system in memory, which the server has in a mount namespace of its own; the test reaches it
through /proc. A disk that fails to sync is played by strace.
"""

import os
import shutil
import time
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from millpond import Millpond

SIZE_MIB = 96
BODY = "x" * 250_000
DEADLINE_SECS = 90
# What `millpond serve` ends with when it stops to protect what it holds.
STOPPED_TO_PROTECT = 4

# Who is not root is so inside of a user namespace.
UNSHARE = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--mount", "--propagation", "private"]


@pytest.fixture
def server(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    mount = f'mount -t tmpfs -o size={SIZE_MIB}m none {data} && exec "$@"'
    with Millpond(tmp_path, wrapper=[*UNSHARE, "sh", "-c", mount, "sh"]) as millpond:
        yield millpond


def disk_of(server):
    """The small file system, as this process reaches it."""
    return Path(f"/proc/{server.ready['pid']}/root{server.data}")


def awaited(what, attempt):
    deadline = time.monotonic() + DEADLINE_SECS
    while not attempt():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)


def fill(sqs, url):
    """Sends until a send is refused; the refusal and how many were taken."""
    for taken in range(2 * SIZE_MIB * 1024 * 1024 // len(BODY)):
        try:
            sqs.send_message(QueueUrl=url, MessageBody=BODY)
        except ClientError as error:
            return error.response, taken
    raise AssertionError("the disk was never full")


def takes_sends(sqs, url):
    try:
        sqs.send_message(QueueUrl=url, MessageBody="small")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ServiceUnavailable", error.response
        return False
    return True


def drained(sqs, url):
    """Receives and deletes until the queue is empty; every one of these calls must be answered with success."""
    count = 0
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
        deleted = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        assert not deleted.get("Failed"), deleted
        count += len(messages)
    return count


def read(server, path):
    with urllib.request.urlopen(f"{server.endpoint}{path}") as reply:
        return reply.status, reply.read().decode()


def test_sends_are_refused_and_receivers_make_room(server):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    refusal, taken = fill(sqs, url)
    assert refusal["Error"]["Code"] == "ServiceUnavailable", refusal
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 503, "SDKs try it again"
    assert "disk" in refusal["Error"]["Message"] and "full" in refusal["Error"]["Message"], refusal
    assert taken * len(BODY) > SIZE_MIB * 1024 * 1024 // 4, "most of the disk was used before"
    status, said = read(server, "/ready")
    assert status == 200 and "sends are refused" in said, said
    assert "millpond_log_disk_full 1" in read(server, "/metrics")[1]
    assert drained(sqs, url) == taken, "what was acknowledged is there, and nothing that was refused"
    awaited("room for sends", lambda: takes_sends(sqs, url))
    assert server.stop() == 0


def test_service_resumes_by_itself_when_space_returns(server):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="before")
    filler = disk_of(server) / "something-else"
    with filler.open("wb") as file:
        with pytest.raises(OSError):
            while True:
                file.write(b"\0" * 65536)
                file.flush()
    refusal, taken = fill(sqs, url)
    assert refusal["Error"]["Code"] == "ServiceUnavailable", refusal
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    filler.unlink()
    awaited("sends", lambda: takes_sends(sqs, url))
    for _ in range(20):
        sqs.send_message(QueueUrl=url, MessageBody=BODY)
    assert drained(sqs, url) >= taken + 20
    assert server.stop() == 0


def test_a_kill_on_a_full_disk_loses_nothing(server):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    _, taken = fill(sqs, url)
    copy = server.folder / "copy"
    # It stands still: nothing is under way.
    shutil.copytree(disk_of(server), copy)
    server.kill()
    checked = server.run("check", copy)
    assert checked.returncode == 0, checked.stdout
    folder = server.folder / "again"
    folder.mkdir()
    shutil.move(copy, folder / "data")
    shutil.copytree(server.folder / "home", folder / "home")
    with Millpond(folder) as again:
        sqs = again.client()
        assert drained(sqs, sqs.get_queue_url(QueueName="jobs")["QueueUrl"]) == taken


def test_after_a_failed_sync_the_service_stops_and_says_so(tmp_path):
    inject = "inject=fdatasync:error=EIO:when=40+"
    wrapper = ["strace", "-f", "-qq", "-e", "trace=fdatasync", "-e", inject, "-o", "/dev/null"]
    with Millpond(tmp_path, wrapper=wrapper) as server:
        sqs = server.client()
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        acknowledged = 0
        with pytest.raises(Exception):  # noqa: B017 - refused, or the connection ends
            for _ in range(1_000):
                sqs.send_message(QueueUrl=url, MessageBody="kept")
                acknowledged += 1
        assert server.wait() == STOPPED_TO_PROTECT
        said = server.log()
        assert "sync" in said and "stops to protect" in said and "Check the disk" in said, said
    assert server.run("check", server.data).returncode == 0
    server._wrapper = []  # noqa: SLF001 - the disk is well again
    with server:
        sqs = server.client()
        kept = drained(sqs, sqs.get_queue_url(QueueName="jobs")["QueueUrl"])
        assert acknowledged <= kept <= acknowledged + 1, "what was not answered may be there or not"
