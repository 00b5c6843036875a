"""Kills a queue service again and again in the middle of load, and keeps what its clients saw of it.

A round: senders, receivers that delete, and a client that only leases run, each a process with one connection; once
enough leases are open the service is killed at a random moment; it is started again at the same address; half of
the leases are used up by deletes with the handles from before the kill. After the last round everything that is left
is received and deleted, once the last lease has ended; a message with a delete in doubt is first left to come back.

What always holds: a record is kept for every request, answered or not (`promises.py` judges them); every send and
every delete that was acknowledged is acknowledged by the service itself. It refuses to go on when a client
process fails in another way than by the loss of its connection.
"""

import multiprocessing
import random
import time
import uuid
import zlib
from typing import NamedTuple

from load_client import Connection
from promises import ConnectionLost, Deleted, Delivery, Outage, Refused, Sent

BATCH = 10
WORKER_TIMEOUT_SECS = 60
# The clients must not share threads or locks with whoever starts them.
PROCESSES = multiprocessing.get_context("fork")


class Plan(NamedTuple):
    """How many of what, and how long."""

    kills: int
    senders: int = 12
    receivers: int = 4
    held_leases: int = 120
    held_lease_secs: int = 15
    working_lease_secs: int = 5
    load_secs: tuple = (1.2, 3.0)
    body_bytes: int = 200

    def most_deletes_in_doubt(self):
        """How many deletes can be under way at a kill: each receiver has one batch."""
        return self.receivers * BATCH


class Round(NamedTuple):
    """What one kill met."""

    sends_acknowledged: int
    sends_in_last_second: int
    deletes_acknowledged: int
    open_leases: int
    in_doubt: int
    deletes_in_doubt: int
    restart_secs: float


def run(service, plan, seed, report=lambda line: None):
    """Kills `service` (it has `endpoint`, `kill` and `start`) as planned; returns the rounds and all records."""
    draw = random.Random(seed)
    queue = Connection(service.endpoint).expect("CreateQueue", {"QueueName": f"kills-{seed}"})["QueueUrl"]
    rounds, records = [], []
    for number in range(plan.kills):
        seen, killed_at = load_until_kill(service, queue, plan, draw)
        before = time.monotonic()
        service.start()
        restart_secs = time.monotonic() - before
        records += seen
        open_leases = leases_open_at(records, killed_at)
        seen += use_old_handles(service, queue, open_leases[: len(open_leases) // 2], records)
        rounds.append(summary(seen, killed_at, len(open_leases), restart_secs))
        report(f"kill {number + 1} of {plan.kills}: {rounds[-1]}")
    records += drain(service, queue, plan, records)
    return rounds, records


def load_until_kill(service, queue, plan, draw):
    holding = PROCESSES.Event()
    common = (service.endpoint, queue, plan)
    workers = [start(send, *common) for _ in range(plan.senders)]
    workers += [start(receive_and_delete, *common) for _ in range(plan.receivers)]
    workers.append(start(hold, *common, holding))
    if not holding.wait(WORKER_TIMEOUT_SECS):
        raise RuntimeError(f"there are not {plan.held_leases} leases after {WORKER_TIMEOUT_SECS} s")
    # The moment of the kill is what is random here; nothing is awaited.
    time.sleep(draw.uniform(*plan.load_secs))
    killed_at = time.monotonic()
    service.kill()
    records = [record for worker in workers for record in finish(worker)]
    records.append(Outage(killed_at, time.monotonic()))
    return records, killed_at


def start(work, *arguments):
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=run_worker, args=(work, theirs, arguments), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def run_worker(work, results, arguments):
    records = []
    try:
        work(records, *arguments)
    except OSError as error:
        # What was under way is recorded as unanswered; only a kill excuses that.
        records.append(ConnectionLost(time.monotonic(), repr(error)))
    results.send(records)


def finish(worker):
    process, results = worker
    if not results.poll(WORKER_TIMEOUT_SECS):
        raise RuntimeError("a client process did not end with the service")
    records = results.recv()
    process.join()
    return records


def send(records, endpoint, queue, plan):
    connection, name = Connection(endpoint), uuid.uuid4().hex
    for number in range(10_000_000):
        body = f"{name}-{number}".ljust(plan.body_bytes, ".")
        asked_at = time.monotonic()
        records.append(Sent(body, asked_at, None, None))
        status, answer = connection.call("SendMessage", {"QueueUrl": queue, "MessageBody": body})
        if status != 200:
            records.append(Refused("SendMessage", str(answer)))
            return
        records[-1] = Sent(body, asked_at, time.monotonic(), answer["MessageId"])


def receive_and_delete(records, endpoint, queue, plan):
    connection = Connection(endpoint)
    while True:
        deliveries = receive(connection, queue, plan.working_lease_secs, records)
        # Some are left to come back when their lease ends, as after a receiver that failed.
        done = [one for one in deliveries if one.receive_count > 1 or zlib.crc32(one.body.encode()) % 16]
        delete(connection, queue, done, records)


def hold(records, endpoint, queue, plan, holding):
    connection, held = Connection(endpoint), 0
    while held < plan.held_leases:
        held += len(receive(connection, queue, plan.held_lease_secs, records))
    holding.set()


def receive(connection, queue, lease_secs, records, wait_secs=1):
    parameters = {
        "QueueUrl": queue,
        "MaxNumberOfMessages": BATCH,
        "VisibilityTimeout": lease_secs,
        "WaitTimeSeconds": wait_secs,
        "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
    }
    asked_at = time.monotonic()
    status, answer = connection.call("ReceiveMessage", parameters)
    answered_at = time.monotonic()
    if status != 200:
        records.append(Refused("ReceiveMessage", str(answer)))
        return []
    deliveries = [
        Delivery(
            message["Body"],
            message["MessageId"],
            message["ReceiptHandle"],
            int(message["Attributes"]["ApproximateReceiveCount"]),
            asked_at,
            answered_at,
            lease_secs,
            queue,
        )
        for message in answer.get("Messages", [])
    ]
    records += deliveries
    return deliveries


def delete(connection, queue, deliveries, records):
    """Deletes at most ten messages; the record of each says whether it was acknowledged.

    An answer that does not name one of them as deleted is a refusal.
    """
    if not deliveries:
        return
    first = len(records)
    asked_at = time.monotonic()
    records += [Deleted(one.body, one.handle, asked_at, None) for one in deliveries]
    entries = [{"Id": str(number), "ReceiptHandle": one.handle} for number, one in enumerate(deliveries)]
    status, answer = connection.call("DeleteMessageBatch", {"QueueUrl": queue, "Entries": entries})
    answered_at = time.monotonic()
    successful = {int(entry["Id"]) for entry in answer.get("Successful", [])}
    for number in successful:
        records[first + number] = records[first + number]._replace(answered_at=answered_at)
    if status != 200 or successful != set(range(len(deliveries))):
        records.append(Refused("DeleteMessageBatch", str(answer)))


def leases_open_at(records, moment):
    deleted = {record.handle for record in records if isinstance(record, Deleted)}
    return [
        record
        for record in records
        if isinstance(record, Delivery)
        and record.handle not in deleted
        and record.asked_at + record.lease_secs > moment
    ]


def use_old_handles(service, queue, leases, records):
    connection, first = Connection(service.endpoint), len(records)
    # A lease that is about to end proves nothing.
    safe = [lease for lease in leases if lease.asked_at + lease.lease_secs > time.monotonic() + 1]
    for begin in range(0, len(safe), BATCH):
        delete(connection, queue, safe[begin : begin + BATCH], records)
    return records[first:]


def summary(records, killed_at, open_leases, restart_secs):
    sends = [record for record in records if isinstance(record, Sent)]
    answered = [record.answered_at for record in sends if record.answered_at is not None]
    deletes = [record for record in records if isinstance(record, Deleted)]
    unanswered = [record for record in sends + deletes if record.answered_at is None]
    return Round(
        sends_acknowledged=len(answered),
        sends_in_last_second=sum(killed_at - 1 < moment <= killed_at for moment in answered),
        deletes_acknowledged=sum(record.answered_at is not None for record in deletes),
        open_leases=open_leases,
        in_doubt=len(unanswered),
        deletes_in_doubt=sum(isinstance(record, Deleted) for record in unanswered),
        restart_secs=round(restart_secs, 3),
    )


def drain(service, queue, plan, before):
    """Receives and deletes until every lease there can be has ended and nothing comes any more."""
    connection, records = Connection(service.endpoint), []
    last_kill = max(record.ended_at for record in before if isinstance(record, Outage))
    last_lease_end = last_kill + max(plan.held_lease_secs, plan.working_lease_secs)
    # A delete in doubt that was undone has to stay undone: its message must come more than once.
    doubtful = {record.body for record in before if isinstance(record, Deleted) and record.answered_at is None}
    while True:
        quiet_from = time.monotonic()
        deliveries = receive(connection, queue, plan.working_lease_secs, records)
        delete(connection, queue, [one for one in deliveries if one.body not in doubtful], records)
        if not doubtful.isdisjoint(one.body for one in deliveries):
            last_lease_end = max(last_lease_end, time.monotonic() + plan.working_lease_secs)
            doubtful.difference_update(one.body for one in deliveries)
        if not deliveries and quiet_from > last_lease_end + 1:
            return records
