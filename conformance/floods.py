"""Floods a service that has little memory, and looks from beside how it fares.

Each flood is one thing too much: replies that nobody reads, large bodies, connections that say nothing or half of
a request, receives that wait. While it lasts a client with small requests of its own is answered or told to come again, and
what it waited is kept.

What always holds: an answer other than success and "try again later" is kept as a problem, and so is a connection that ends
without one, but for a large body, whose sender may be too busy sending to see the answer; the memory that counts is
that of the service alone, with its page cache.
"""

import contextlib
import threading
import time
import urllib.request
from typing import NamedTuple

from kill_rounds import PROCESSES, finish, start
from load_client import Connection

LIMIT_BYTES = 512 << 20
LARGE_BYTES = 1_000_000
# Too much is under way; and, for a large body, it came too slowly, as it may on a machine that is flooded.
TRY_AGAIN = (503, 408)


class Sizes(NamedTuple):
    """How many of what."""

    unread: int
    large: int
    silent: int
    waiting: int
    secs: float


class Seen(NamedTuple):
    """What came of a flood."""

    flood: str
    answered: int
    told_to_try_again: int
    # Of the small client beside it.
    beside_answered: int
    beside_longest_secs: float
    problems: list


class Tally:
    """Answers, by what they mean."""

    def __init__(self):
        self._lock = threading.Lock()
        self.answered = self.later = 0
        self.longest_secs = 0.0
        self.problems = []

    def call(self, connection, action, parameters):
        """Calls, notes how that went, and returns the answer of a success."""
        begun = time.monotonic()
        try:
            status, answer = connection.call(action, parameters)
        except OSError as error:
            connection.close()
            if len(parameters.get("MessageBody", "")) < LARGE_BYTES:
                self.problem(f"{action}: {error!r}")
            else:
                self.note_later()
            return None
        if status in TRY_AGAIN:
            # It may be closed behind a body that was not taken.
            connection.close()
            self.note_later()
        with self._lock:
            self.longest_secs = max(self.longest_secs, time.monotonic() - begun)
            self.answered += status == 200
        if status not in (200, *TRY_AGAIN):
            self.problem(f"{action}: {status} {answer}")
        return answer if status == 200 else None

    def note_later(self):
        with self._lock:
            self.later += 1

    def problem(self, text):
        with self._lock:
            self.problems.append(text)


def flood(service, sizes, report=lambda line: None):
    """Puts a service through all floods, one after the other; returns what was `Seen`."""
    connection = Connection(service.endpoint)
    queues = {
        name: connection.expect("CreateQueue", {"QueueName": name})["QueueUrl"]
        for name in ("beside", "large", "unread", "waiting")
    }
    for _ in range(10):
        connection.expect("SendMessage", {"QueueUrl": queues["unread"], "MessageBody": "x" * LARGE_BYTES})
    seen = []
    for one in (unread_replies, silent_connections, waiting_receives, large_bodies):
        tally, ended = Tally(), PROCESSES.Event()
        with one(service, queues, sizes, tally):
            # In a process of its own: the threads of the flood would make it wait.
            client = start(be_beside, service.endpoint, queues["beside"], ended)
            # The flood lasts so long; nothing is awaited.
            time.sleep(sizes.secs)
            ended.set()
            ((answered, longest_secs, problems),) = finish(client)
        counts = (tally.answered, tally.later, answered, round(longest_secs, 3))
        seen.append(Seen(one.__name__, *counts, tally.problems + problems))
        report(str(seen[-1]))
    return seen


def be_beside(records, endpoint, queue, ended):
    """Small requests, one after the other, as of a client that has nothing to do with the flood."""
    connection, tally = Connection(endpoint), Tally()
    while not ended.is_set():
        tally.call(connection, "SendMessage", {"QueueUrl": queue, "MessageBody": "small"})
        received = tally.call(connection, "ReceiveMessage", {"QueueUrl": queue}) or {}
        for message in received.get("Messages", []):
            handle = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
            tally.call(connection, "DeleteMessage", handle)
        time.sleep(0.01)
    records.append((tally.answered, tally.longest_secs, tally.problems))


@contextlib.contextmanager
def opened(service, count):
    connections = [Connection(service.endpoint) for _ in range(count)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


@contextlib.contextmanager
def unread_replies(service, queues, sizes, _tally):
    """Receives of ten megabytes each, whose replies nobody takes."""
    receive = {"QueueUrl": queues["unread"], "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    with opened(service, sizes.unread) as connections:
        for connection in connections:
            connection.begin("ReceiveMessage", receive)
        yield


@contextlib.contextmanager
def silent_connections(service, _queues, sizes, _tally):
    """Connections that say nothing, half of a head, or half of a body."""
    halves = [b"", b"POST / HTTP/1.1\r\nHost: 127", b"POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n{"]
    with opened(service, sizes.silent) as connections:
        for number, connection in enumerate(connections):
            connection.send_bytes(halves[number % len(halves)])
        yield


@contextlib.contextmanager
def waiting_receives(service, queues, sizes, _tally):
    """Long polls of a queue that stays empty."""
    with opened(service, sizes.waiting) as connections:
        for connection in connections:
            connection.begin("ReceiveMessage", {"QueueUrl": queues["waiting"], "WaitTimeSeconds": 20})
        yield


@contextlib.contextmanager
def large_bodies(service, queues, sizes, tally):
    """Sends of a megabyte each, as fast as they are taken."""
    ended = threading.Event()

    def send(connection):
        while not ended.is_set():
            tally.call(connection, "SendMessage", {"QueueUrl": queues["large"], "MessageBody": "x" * LARGE_BYTES})

    with opened(service, sizes.large) as connections:
        threads = [threading.Thread(target=send, args=(connection,)) for connection in connections]
        for thread in threads:
            thread.start()
        yield
        ended.set()
        for thread in threads:
            thread.join()


class Stalled(NamedTuple):
    """What came of sends to a disk that does not answer."""

    acknowledged_meanwhile: int
    told_to_try_again: int
    health_secs: float
    answered_afterwards: int
    problems: list


def stall(service, disk, senders, held_most):
    """Sends a megabyte from each of so many clients while the disk answers no sync, until all but those that the service
    may hold are told to try again; then the disk answers, and so must the service.
    """
    connection, tally = Connection(service.endpoint), Tally()
    queue = connection.expect("CreateQueue", {"QueueName": "stalled"})["QueueUrl"]
    parameters = {"QueueUrl": queue, "MessageBody": "x" * LARGE_BYTES}
    disk.stall(3_600)
    threads = [
        threading.Thread(target=tally.call, args=(Connection(service.endpoint, 600), "SendMessage", parameters))
        for _ in range(senders)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 120
    while tally.later < senders - held_most and time.monotonic() < deadline:
        time.sleep(0.05)
    meanwhile, begun = tally.answered, time.monotonic()
    with urllib.request.urlopen(f"{service.endpoint}/health", timeout=60) as reply:
        reply.read()
    health_secs = round(time.monotonic() - begun, 3)
    disk.resume()
    for thread in threads:
        thread.join()
    connection.expect("SendMessage", {"QueueUrl": queue, "MessageBody": "as before"})
    return Stalled(meanwhile, tally.later, health_secs, tally.answered, tally.problems)
