"""Under a steady flow of messages the data directory stays within its budget and a restart after SIGKILL is short.

Producers send batches of ten 4 KiB messages and consumers receive and delete them, at full speed for three minutes
(MILLPOND_PROVE_SECS says how long instead); the flow must outweigh the log's budget, else nothing is proved. Every
minute the service is killed in the middle and started again. The log's budget is 1 GiB; what the store and the files
kept for use again may take on top of it is the margin.
"""

import json
import multiprocessing
import os
import sys
import tempfile
import time
from typing import NamedTuple

from load_client import Connection
from millpond import Millpond

FLOW_SECS = float(os.environ.get("MILLPOND_PROVE_SECS", "180"))
KILL_EVERY_SECS = 60
PRODUCERS, CONSUMERS = 2, 2
BATCH, BODY = 10, "x" * 4096
BUDGET_BYTES, MARGIN_BYTES = 1 << 30, 256 << 20
MOST_RESTART_SECS = 2.0
# Producers wait when consumers are this far behind: a flow, not a backlog.
MOST_WAITING = 20_000
PROCESSES = multiprocessing.get_context("fork")


class Counters(NamedTuple):
    """What all clients have done together, in shared memory."""

    sent: object
    deleted: object
    put_off: object


def main():
    with tempfile.TemporaryDirectory(prefix="millpond-steady-") as folder, Millpond(folder) as millpond:
        queue = Connection(millpond.endpoint).expect("CreateQueue", {"QueueName": "flow"})["QueueUrl"]
        counters = Counters(*(PROCESSES.Value("q", 0) for _ in Counters._fields))
        deleted = counters.deleted
        restarts, largest_bytes, begun = [], 0, time.monotonic()
        while time.monotonic() < begun + FLOW_SECS:
            end = min(time.monotonic() + KILL_EVERY_SECS, begun + FLOW_SECS)
            largest_bytes = max(largest_bytes, flow_until(end, millpond, queue, counters))
            before = time.monotonic()
            millpond.start()
            restarts.append(time.monotonic() - before)
            print(f"{deleted.value} messages, {largest_bytes >> 20} MiB at most, restart {restarts[-1]:.2f} s")
        flow_secs = time.monotonic() - begun
    flow_bytes = deleted.value * len(BODY)
    passed = (
        largest_bytes <= BUDGET_BYTES + MARGIN_BYTES
        and max(restarts) < MOST_RESTART_SECS
        and flow_bytes > BUDGET_BYTES
    )
    figures = {
        "messages sent, received and deleted": deleted.value,
        "requests told to try again later": counters.put_off.value,
        "rate": f"{round(deleted.value / flow_secs)} messages/s",
        "bodies": f"{flow_bytes >> 20} MiB",
        "data directory, largest": f"{largest_bytes >> 20} MiB",
        "data directory, allowed": f"{(BUDGET_BYTES + MARGIN_BYTES) >> 20} MiB",
        "kills": len(restarts),
        "restart, longest": f"{max(restarts):.2f} s",
    }
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def flow_until(end, millpond, queue, counters):
    """Lets messages flow, then kills the service; returns the largest size of the data directory on the way."""
    arguments = (millpond.endpoint, queue, counters)
    work = [produce] * PRODUCERS + [consume] * CONSUMERS
    workers = [PROCESSES.Process(target=run, args=(one, *arguments), daemon=True) for one in work]
    for worker in workers:
        worker.start()
    largest_bytes = 0
    while time.monotonic() < end:
        largest_bytes = max(largest_bytes, allocated_bytes(millpond.data))
        ended = [worker.exitcode for worker in workers if worker.exitcode is not None]
        if ended:
            raise RuntimeError(f"a client ended before the kill: {ended}")
        time.sleep(0.25)
    millpond.kill()
    for worker in workers:
        worker.join()
    return largest_bytes


def run(work, *arguments):
    try:
        work(*arguments)
    except OSError:
        pass  # The service was killed.


def produce(endpoint, queue, counters):
    connection = Connection(endpoint)
    entries = [{"Id": str(number), "MessageBody": BODY} for number in range(BATCH)]
    while True:
        if counters.sent.value - counters.deleted.value > MOST_WAITING:
            time.sleep(0.01)
            continue
        answer = call(connection, "SendMessageBatch", {"QueueUrl": queue, "Entries": entries}, counters)
        add(counters.sent, len(answer["Successful"]))


def consume(endpoint, queue, counters):
    connection = Connection(endpoint)
    while True:
        parameters = {"QueueUrl": queue, "MaxNumberOfMessages": BATCH, "WaitTimeSeconds": 1, "VisibilityTimeout": 60}
        messages = call(connection, "ReceiveMessage", parameters, counters).get("Messages", [])
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
        if entries:
            answer = call(connection, "DeleteMessageBatch", {"QueueUrl": queue, "Entries": entries}, counters)
            add(counters.deleted, len(answer["Successful"]))


def call(connection, action, parameters, counters):
    """Calls until the service takes it: 503 says that it is short of room and will not be for long."""
    while True:
        status, answer = connection.call(action, parameters)
        if status == 200:
            return answer
        if status != 503:
            raise RuntimeError(f"{action} was answered with {status}: {answer}")
        add(counters.put_off, 1)
        time.sleep(0.02)


def add(counter, amount):
    with counter.get_lock():
        counter.value += amount


def allocated_bytes(folder):
    """What the files take on the disk, as `du` counts."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_blocks * 512
        except FileNotFoundError:
            pass  # Renamed or removed in between.
    return total


if __name__ == "__main__":
    sys.exit(main())
