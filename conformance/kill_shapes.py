"""Kills a service again and again under traffic of every shape, and keeps what its clients saw of it.

The shapes, each with a queue and clients of its own: FIFO (sends in groups, some of them repeated under their
deduplication id, and after a kill all that were left unanswered), delayed, in flight (leased before the kill, deleted with
the same handles after it), and jobs that become dead letters while a move task brings dead letters back. Rounds, workers
and the drain are those of `kill_rounds.py`.

What always holds: each group of a FIFO queue has one sender, which waits for each answer; a record is kept for every
request, answered or not (`promises.py` judges them).
"""

import json
import random
import time
import uuid
import zlib
from typing import NamedTuple

import kill_rounds
from kill_rounds import BATCH, PROCESSES, WORKER_TIMEOUT_SECS, delete, finish, receive, start
from load_client import Connection
from promises import Deleted, Delivery, Outage, Redrive, Refused, Sent

RECEIVES_MOST = 2
DELAY_SECS_MOST = 3
# A task that is under way for a while, so that kills meet it.
MOVES_PER_SEC = 10
DEAD_LETTERS_LEAST = 15
# Senders that do not wait for receivers keep to this, so that no backlog grows that a kill would find idle.
PACE_SECS = 0.005


class Plan(NamedTuple):
    """How many of what, and how long."""

    kills: int
    groups: int = 4
    held_leases: int = 60
    held_lease_secs: int = 15
    lease_secs: int = 3
    # How long a job is leased that is then left to come back.
    job_lease_secs: int = 1
    load_secs: tuple = (0.5, 2.0)


class Queues(NamedTuple):
    """Their URLs."""

    fifo: str
    delayed: str
    held: str
    jobs: str
    dead: str


class Round(NamedTuple):
    """What one kill met."""

    sends_acknowledged: int
    deletes_acknowledged: int
    open_leases: int
    in_doubt: int
    # Sends to the FIFO queue right after the kill: what was unanswered, what is next, and what had been answered.
    sent_again: int
    # A move task was at work before the kill and after it.
    moving: bool
    restart_secs: float


def run(service, plan, seed, report=lambda line: None):
    """Kills `service` (it has `endpoint`, `kill` and `start`) as planned; returns the rounds and all records."""
    draw = random.Random(seed)
    connection = Connection(service.endpoint)
    queues = create_queues(connection, seed)
    dead_arn = arn(connection, queues.dead)
    connection.close()
    rounds, records = [], [Redrive(queues.jobs, queues.dead, RECEIVES_MOST)]
    for number in range(plan.kills):
        seen, killed_at = load_until_kill(service, queues, dead_arn, plan, draw, number)
        before = time.monotonic()
        service.start()
        restart_secs = time.monotonic() - before
        again = send_again(service, queues, seen)
        records += seen + again
        open_leases = held_at(records, queues, killed_at)
        used = kill_rounds.use_old_handles(service, queues.held, open_leases, records)
        records += used
        moving = task_goes_on(service, dead_arn, records)
        rounds.append(summary(seen, used, again, len(open_leases), moving, restart_secs))
        report(f"kill {number + 1} of {plan.kills}: {rounds[-1]}")
    records += drain(service, queues, dead_arn, plan, records)
    return rounds, records


def create_queues(connection, seed):
    def create(name, **attributes):
        parameters = {"QueueName": name, "Attributes": attributes}
        return connection.expect("CreateQueue", parameters)["QueueUrl"]

    dead = create(f"dead-{seed}")
    policy = {"deadLetterTargetArn": arn(connection, dead), "maxReceiveCount": RECEIVES_MOST}
    return Queues(
        fifo=create(f"steps-{seed}.fifo", FifoQueue="true"),
        delayed=create(f"delayed-{seed}"),
        held=create(f"held-{seed}"),
        jobs=create(f"jobs-{seed}", RedrivePolicy=json.dumps(policy)),
        dead=dead,
    )


def arn(connection, queue):
    parameters = {"QueueUrl": queue, "AttributeNames": ["QueueArn"]}
    return connection.expect("GetQueueAttributes", parameters)["Attributes"]["QueueArn"]


def load_until_kill(service, queues, dead_arn, plan, draw, number):
    holding = PROCESSES.Event()
    common = (service.endpoint, queues, plan)
    workers = [start(send_in_order, *common, f"{number}-{group}") for group in range(plan.groups)]
    workers += [start(work_in_order, *common) for _ in range(2)]
    workers += [start(send_delayed, *common), start(send_delayed, *common), start(work_delayed, *common)]
    workers += [start(send_jobs, *common), start(work_jobs, *common), start(work_jobs, *common)]
    workers += [start(work_dead, *common), start(send_held, *common), start(hold, *common, holding)]
    if not holding.wait(WORKER_TIMEOUT_SECS):
        raise RuntimeError(f"there are not {plan.held_leases} leases after {WORKER_TIMEOUT_SECS} s")
    # The moment of the kill is what is random here; nothing is awaited.
    time.sleep(draw.uniform(*plan.load_secs))
    await_dead_letters(service, queues)
    begin_move(service, dead_arn)
    time.sleep(draw.uniform(0.3, 0.8))
    killed_at = time.monotonic()
    service.kill()
    records = [record for worker in workers for record in finish(worker)]
    records.append(Outage(killed_at, time.monotonic()))
    return records, killed_at


def send_one(records, connection, queue, body, **more):
    """Sends a message and keeps the record; `more` are the fields of the record that say how."""
    parameters = {"QueueUrl": queue, "MessageBody": body}
    if more.get("delay_secs"):
        parameters["DelaySeconds"] = more["delay_secs"]
    if more.get("group"):
        parameters |= {"MessageGroupId": more["group"], "MessageDeduplicationId": body}
    asked_at = time.monotonic()
    records.append(Sent(body, asked_at, None, None, **more))
    status, answer = connection.call("SendMessage", parameters)
    if status != 200:
        records.append(Refused("SendMessage", str(answer)))
        return False
    records[-1] = Sent(body, asked_at, time.monotonic(), answer["MessageId"], **more)
    return True


def send_in_order(records, endpoint, queues, _plan, group):
    connection, draw = Connection(endpoint), random.Random(group)
    for place in range(10_000_000):
        of_group = {"group": group, "place": place}
        if not send_one(records, connection, queues.fifo, f"{group}-{place}", **of_group):
            return
        if draw.random() < 0.1:
            # A sender that did not hear the answer, or has forgotten that it did.
            earlier = draw.randint(max(0, place - 20), place)
            repeated = {"group": group, "place": earlier}
            send_one(records, connection, queues.fifo, f"{group}-{earlier}", **repeated)
        time.sleep(PACE_SECS)


def work_in_order(records, endpoint, queues, plan):
    work(records, Connection(endpoint), queues.fifo, plan.lease_secs)


def send_delayed(records, endpoint, queues, _plan):
    connection, name, draw = Connection(endpoint), uuid.uuid4().hex, random.Random()
    number = 0
    while send_one(
        records, connection, queues.delayed, f"{name}-{number}", delay_secs=draw.randint(0, DELAY_SECS_MOST)
    ):
        number += 1
        time.sleep(PACE_SECS)


def work_delayed(records, endpoint, queues, plan):
    work(records, Connection(endpoint), queues.delayed, plan.lease_secs)


def work(records, connection, queue, lease_secs):
    while True:
        deliveries = receive(connection, queue, lease_secs, records)
        # Some are left to come back when their lease ends, as after a receiver that failed.
        done = [one for one in deliveries if one.receive_count > 1 or zlib.crc32(one.body.encode()) % 64]
        delete(connection, queue, done, records)


def send_held(records, endpoint, queues, plan):
    connection, name = Connection(endpoint), uuid.uuid4().hex
    for number in range(plan.held_leases + BATCH):
        if not send_one(records, connection, queues.held, f"{name}-{number}"):
            return


def hold(records, endpoint, queues, plan, holding):
    connection, held = Connection(endpoint), 0
    while held < plan.held_leases:
        held += len(receive(connection, queues.held, plan.held_lease_secs, records))
    holding.set()


def send_jobs(records, endpoint, queues, _plan):
    connection, name, number = Connection(endpoint), uuid.uuid4().hex, 0
    while send_one(records, connection, queues.jobs, f"{name}-{number}"):
        number += 1
        time.sleep(PACE_SECS)


def work_jobs(records, endpoint, queues, plan):
    """Every sixth job fails until it is a dead letter, and again when it comes back."""
    connection = Connection(endpoint)
    while True:
        deliveries = receive(connection, queues.jobs, plan.job_lease_secs, records)
        # A job that is done must be deleted under its lease, or it comes back: that is right, but shows nothing.
        delete(connection, queues.jobs, [one for one in deliveries if zlib.crc32(one.body.encode()) % 6], records)


def work_dead(records, endpoint, queues, plan):
    """Some dead letters are looked at and deleted, most are left for the move task."""
    connection = Connection(endpoint)
    while True:
        deliveries = receive(connection, queues.dead, plan.job_lease_secs, records)
        delete(connection, queues.dead, [one for one in deliveries if not zlib.crc32(one.body.encode()) % 4], records)
        # Else it would hold all of them in flight, and the task would find none.
        time.sleep(0.3)


def await_dead_letters(service, queues):
    """Waits until a move task would have something to do for a while."""
    connection, deadline = Connection(service.endpoint), time.monotonic() + WORKER_TIMEOUT_SECS
    name = "ApproximateNumberOfMessages"
    parameters = {"QueueUrl": queues.dead, "AttributeNames": [name]}
    while int(connection.expect("GetQueueAttributes", parameters)["Attributes"][name]) < DEAD_LETTERS_LEAST:
        if time.monotonic() > deadline:
            raise RuntimeError(f"there are not {DEAD_LETTERS_LEAST} dead letters after {WORKER_TIMEOUT_SECS} s")
        time.sleep(0.05)


def begin_move(service, dead_arn):
    """Starts a move task unless one is under way."""
    parameters = {"SourceArn": dead_arn, "MaxNumberOfMessagesPerSecond": MOVES_PER_SEC}
    status, answer = Connection(service.endpoint).call("StartMessageMoveTask", parameters)
    if status != 200 and "already" not in str(answer):
        raise RuntimeError(f"no move task can be started: {answer}")


def latest_task(service, dead_arn):
    answer = Connection(service.endpoint).expect("ListMessageMoveTasks", {"SourceArn": dead_arn})
    return answer["Results"][0] if answer["Results"] else None


def task_goes_on(service, dead_arn, records):
    """Whether the task that was started before the kill is still at work; one that is lost or failed is recorded."""
    task = latest_task(service, dead_arn)
    if task is None or task["Status"] not in ("RUNNING", "COMPLETED"):
        records.append(Refused("StartMessageMoveTask", f"after a kill the task is {task}"))
    return task is not None and task["Status"] == "RUNNING"


def send_again(service, queues, seen):
    """After a kill, a FIFO sender sends what was left unanswered again, and one message after it."""
    connection, records = Connection(service.endpoint), []
    for lost in [record for record in seen if isinstance(record, Sent) and record.group]:
        if lost.answered_at is None:
            send_one(records, connection, queues.fifo, lost.body, group=lost.group, place=lost.place)
    last = {}
    for record in (record for record in seen if isinstance(record, Sent) and record.group):
        last[record.group] = max(record.place, last.get(record.group, 0))
    for group, place in last.items():
        send_one(records, connection, queues.fifo, f"{group}-{place + 1}", group=group, place=place + 1)
        # The window of duplicates reaches over the kill.
        send_one(records, connection, queues.fifo, f"{group}-{place // 2}", group=group, place=place // 2)
    return records


def held_at(records, queues, moment):
    of_queue = [record for record in records if not isinstance(record, Delivery) or record.queue == queues.held]
    return kill_rounds.leases_open_at(of_queue, moment)


def summary(seen, used, again, open_leases, moving, restart_secs):
    sends = [record for record in seen if isinstance(record, Sent)]
    deletes = [record for record in seen + used if isinstance(record, Deleted)]
    return Round(
        sends_acknowledged=sum(record.answered_at is not None for record in sends),
        deletes_acknowledged=sum(record.answered_at is not None for record in deletes),
        open_leases=open_leases,
        in_doubt=sum(record.answered_at is None for record in sends + deletes),
        sent_again=sum(isinstance(record, Sent) for record in again),
        moving=moving,
        restart_secs=round(restart_secs, 3),
    )


def drain(service, queues, dead_arn, plan, before):
    """Receives and deletes until the move task has ended, every lease and delay there can be has, and nothing comes."""
    connection, records = Connection(service.endpoint), []
    last_kill = max(record.ended_at for record in before if isinstance(record, Outage))
    last_end = last_kill + max(plan.held_lease_secs, plan.lease_secs, DELAY_SECS_MOST)
    # A delete in doubt that was undone has to stay undone: its message must come more than once.
    doubtful = {record.body for record in before if isinstance(record, Deleted) and record.answered_at is None}
    while True:
        quiet_from, quiet = time.monotonic(), True
        for queue in queues:
            while deliveries := receive(connection, queue, plan.lease_secs, records, wait_secs=0):
                delete(connection, queue, [one for one in deliveries if one.body not in doubtful], records)
                if not doubtful.isdisjoint(one.body for one in deliveries):
                    last_end = max(last_end, time.monotonic() + plan.lease_secs)
                    doubtful.difference_update(one.body for one in deliveries)
                quiet = False
        task = latest_task(service, dead_arn)
        if quiet and quiet_from > last_end + 1 and task["Status"] != "RUNNING":
            return records
        # Leases and delays have to end; nothing tells of it.
        time.sleep(0.1 if quiet else 0)


def happened(records):
    """How often each thing happened that a kill could spoil."""
    deliveries = [record for record in records if isinstance(record, Delivery)]
    sends = [record for record in records if isinstance(record, Sent)]
    dead = {redrive.target for redrive in records if isinstance(redrive, Redrive)}
    ids = {}
    for one in deliveries:
        ids.setdefault(one.body, set()).add(one.message_id)
    grouped = [record.body for record in sends if record.group]
    return {
        "messages in groups": len(set(grouped)),
        "duplicates sent": len(grouped) - len(set(grouped)),
        "messages delayed": sum(record.delay_secs > 0 for record in sends),
        "deliveries of dead letters": sum(one.queue in dead for one in deliveries),
        "messages brought back by a move task": sum(len(of_body) > 1 for of_body in ids.values()),
        "deliveries after the first": sum(one.receive_count > 1 for one in deliveries),
    }
