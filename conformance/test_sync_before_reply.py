"""No 200 leaves before the sync that makes durable what it says, as system calls show; and the check can tell.

The long form, on the release build, is prove/sync_trace.py.
"""

import json
import runpy
import struct
import uuid
from pathlib import Path

import pytest
import traced_load
from log_records import BATCH_HEADER, SENT
from sync_order import SyncOrder

CONNECTIONS, ROUNDS = 16, 8
REPLIES = traced_load.replies(CONNECTIONS, ROUNDS)
SEGMENT, STORE, DIRECTORY = "/data/segment-0000000000000001", "/data/store.redb", "/data"
MESSAGE_ID = str(uuid.UUID(int=7))


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """The lines of a real trace."""
    path = traced_load.run(tmp_path_factory.mktemp("traced"), CONNECTIONS, ROUNDS, body_bytes=300)
    with path.open() as lines:
        return list(lines)


def test_every_reply_left_after_its_sync(trace):
    order = SyncOrder(trace)
    assert order.problems == []
    assert dict(order.covered) == REPLIES
    assert order.syncs > ROUNDS


def test_a_service_that_syncs_nothing_is_found(trace):
    order = SyncOrder([line.replace("fdatasync", "sync_file_range") for line in trace])
    assert sum(order.covered.values()) == 0
    assert len(order.problems) == sum(REPLIES.values())


def test_a_service_that_syncs_only_its_store_is_found(trace):
    real, other = (path.encode().hex(r"/").replace("/", r"\x") for path in ("segment-", "elsewhere"))
    lines = [line.replace(real, other) if "fdatasync" in line else line for line in trace]
    assert sum(SyncOrder(lines).covered.values()) == 0


def test_the_bugs_that_the_proof_plants_still_have_their_place():
    folder = Path(__file__).resolve().parent
    planted_bug = runpy.run_path(str(folder / "prove" / "planted_bug.py"))
    planted_bug["check_changes"](folder.parent)


def escaped(data):
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


def descriptor(path):
    return "9<" + escaped(path.encode()).strip('"') + ">"


def write_line(data, path=SEGMENT, thread=2):
    buffers = f"[{{iov_base={escaped(data)}, iov_len={len(data)}}}], 1"
    return f"{thread} 1.0 pwritev({descriptor(path)}, {buffers}, 0) = {len(data)} <0.1>"


def sync_line(path=SEGMENT, result="0", name="fdatasync"):
    return f"2 1.0 {name}({descriptor(path)}) = {result} <0.1>"


def socket_line(name, data):
    return f"3 1.0 {name}({descriptor('socket:[1]')}, {escaped(data)}, {len(data)}, 0) = {len(data)} <0.1>"


def frame():
    """A log write with one sent message."""
    payload = bytes(4) + uuid.UUID(MESSAGE_ID).int.to_bytes(16, "little") + bytes(20)
    event = bytes([SENT, 1, 1, 1, len(payload)]) + payload
    batch = BATCH_HEADER.pack(1, 0, 1) + event
    header = b"MPB\x01".ljust(52, b"\0") + struct.pack("<I", len(batch))
    return (header.ljust(64, b"\0") + batch).ljust(4096, b"\0")


REQUEST = socket_line("recvfrom", b"POST / HTTP/1.1\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n\r\n{}")
REPLY = socket_line("sendto", b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps({"MessageId": MESSAGE_ID}).encode())
WRITE, SYNC = write_line(frame()), sync_line()
BEGUN, RESUMED = f"2 1.0 fdatasync({descriptor(SEGMENT)} <unfinished ...>", "2 1.1 <... fdatasync resumed>) = 0 <0.1>"
NAMED = f"2 1.0 rename({escaped(b'/data/spare-1')}, {escaped(SEGMENT.encode())}) = 0 <0.1>"
NAME_SYNC = sync_line(DIRECTORY, name="fsync")


@pytest.mark.parametrize(
    "lines",
    [
        [REQUEST, WRITE, SYNC, REPLY],
        [REQUEST, WRITE, BEGUN, RESUMED, REPLY],
        [NAMED, REQUEST, WRITE, SYNC, NAME_SYNC, REPLY],
        [REQUEST, WRITE, sync_line(result="-1 EIO (Input/output error)"), SYNC, REPLY],
    ],
)
def test_a_reply_after_its_sync_is_covered(lines):
    order = SyncOrder(lines)
    assert (order.problems, order.covered["SendMessage"]) == ([], 1)


@pytest.mark.parametrize(
    "lines, what",
    [
        ([REQUEST, WRITE, REPLY, SYNC], "left early"),
        ([REQUEST, WRITE, BEGUN, REPLY, RESUMED], "left early"),
        ([REQUEST, WRITE, REPLY], "never durable"),
        ([REQUEST, SYNC, WRITE, REPLY], "never durable"),
        ([REQUEST, BEGUN, write_line(frame(), thread=4), RESUMED, REPLY], "never durable"),
        ([REQUEST, WRITE, sync_line(STORE), REPLY], "never durable"),
        ([REQUEST, WRITE, sync_line(result="-1 EIO (Input/output error)"), REPLY], "never durable"),
        ([NAMED, REQUEST, WRITE, SYNC, REPLY], "never durable"),
        ([NAMED, REQUEST, WRITE, SYNC, REPLY, NAME_SYNC], "left early"),
        ([REQUEST, write_line(frame(), STORE), SYNC, REPLY], "maps to nothing"),
        ([REQUEST, REPLY], "maps to nothing"),
        ([REPLY], "maps to nothing"),
        ([REQUEST, "2 1.0 io_uring_setup(8, 0x1) = 9 <0.1>"], "does not show"),
    ],
)
def test_a_reply_before_its_sync_is_found(lines, what):
    (problem,) = SyncOrder(lines).problems
    assert what in problem


def test_a_trace_with_cut_buffers_is_refused():
    with pytest.raises(ValueError, match="strace cut"):
        SyncOrder([REQUEST, WRITE.replace('", iov_len', '"..., iov_len')])
