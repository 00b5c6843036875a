"""15,000 idle long polls take under 5 % of one core and 300 MB; parked receivers get a message 2 ms after its sync.

Every poll waits for 20 seconds, comes back empty and is asked again, all on connections of their own; processor time and
resident memory are read over 40 seconds of that, on queues by the thousand. Then messages are sent to queues with a
parked receiver, one after the other: the time from the send to the received message, beside that of the send alone.
"""

import json
import os
import resource
import selectors
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import raw_http
from load_client import Connection, signed
from millpond import Millpond

POLLS, QUEUES = 15_000, 1_000
MEASURED_SECS, WAIT_SECS = 40, 20
SENDS = 200
MOST_CPU_PERCENT, MOST_RESIDENT_MB, MOST_LATER_MILLIS = 5.0, 300.0, 2.0


class Polls:
    """Long polls that are asked again whenever they come back."""

    def __init__(self, endpoint, queues):
        self._address = urlsplit(endpoint)
        self._selector = selectors.DefaultSelector()
        self._requests = [self._request(queue) for queue in queues]
        self.answered = 0
        self.connections = []

    def _request(self, queue):
        body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": WAIT_SECS}).encode()
        # A signature holds for a quarter of an hour, which is longer than this takes.
        headers = signed(self._address.netloc, "ReceiveMessage", body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def open(self, count):
        """Opens `count` more connections with a poll on each."""
        for number in range(count):
            connection = socket.create_connection((self._address.hostname, self._address.port), 60)
            request = self._requests[number % len(self._requests)]
            connection.sendall(request)
            self._selector.register(connection, selectors.EVENT_READ, request)
            self.connections.append(connection)
            self.renew(0)

    def renew(self, timeout_secs):
        """Asks again on every connection that was answered within this time."""
        for key, _ in self._selector.select(timeout_secs):
            answer = key.fileobj.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(b"{}"):
                raise RuntimeError(f"an idle poll was answered with {answer!r}")
            self.answered += 1
            key.fileobj.sendall(key.data)

    def renew_for(self, secs):
        until = time.monotonic() + secs
        while (left := until - time.monotonic()) > 0:
            self.renew(left)

    def close(self):
        for connection in self.connections:
            connection.close()


def cpu_secs(pid):
    # The command's name may hold spaces; what follows it does not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_resident_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return round(int(line.split()[1]) * 1024 / 1e6, 1)


def delivery(endpoint, queue, parked):
    """Median milliseconds of a send alone, and from a send to the message at a receiver that was parked."""
    sends, deliveries = [], []
    sender, receiver = Connection(endpoint), Connection(endpoint)
    for _ in range(SENDS):
        begun = time.perf_counter()
        sender.expect("SendMessage", {"QueueUrl": queue, "MessageBody": "x", "DelaySeconds": 900})
        sends.append(time.perf_counter() - begun)
        receiver.begin("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": WAIT_SECS})
        await_waiters(endpoint, parked + 1)
        begun = time.perf_counter()
        sender.begin("SendMessage", {"QueueUrl": queue, "MessageBody": "x"})
        status, answer = receiver.finish()
        deliveries.append(time.perf_counter() - begun)
        sender.finish()
        if status != 200 or len(answer.get("Messages", [])) != 1:
            raise RuntimeError(f"the parked receiver was answered with {status}: {answer}")
        handle = answer["Messages"][0]["ReceiptHandle"]
        sender.expect("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": handle})
    sender.close()
    receiver.close()
    return [statistics.median(times) * 1e3 for times in (sends, deliveries)]


def await_waiters(endpoint, count):
    deadline = time.monotonic() + 60
    while (found := waiters(endpoint)) != count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{found} polls wait, not {count}")


def waiters(endpoint):
    return raw_http.own(endpoint, "status").json()["waiters"]


def main():
    needed = POLLS + 100
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < needed:
        print(f"open files are limited to {most}; this needs {needed}", file=sys.stderr)
        return 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="millpond-polls-") as folder, Millpond(folder) as millpond:
        creator = Connection(millpond.endpoint)
        queues = [
            creator.expect("CreateQueue", {"QueueName": f"queue-{number}"})["QueueUrl"] for number in range(QUEUES)
        ]
        creator.close()
        polls = Polls(millpond.endpoint, queues)
        polls.open(POLLS)
        await_waiters(millpond.endpoint, POLLS)
        answered, before, begun = polls.answered, cpu_secs(millpond.pid), time.monotonic()
        polls.renew_for(MEASURED_SECS)
        percent = 100 * (cpu_secs(millpond.pid) - before) / (time.monotonic() - begun)
        answered = polls.answered - answered
        resident = peak_resident_mb(millpond.pid)
        polls.close()
        await_waiters(millpond.endpoint, 0)
        send, delivered = delivery(millpond.endpoint, queues[0], 0)
    passed = percent < MOST_CPU_PERCENT and resident < MOST_RESIDENT_MB and delivered < send + MOST_LATER_MILLIS
    figures = {
        "polls": f"{POLLS} on {QUEUES} queues, {answered} of them came back and were asked again",
        "processor": f"{percent:.2f} %",
        "peak resident": f"{resident} MB",
        "median send": f"{send:.2f} ms",
        "median from a send to a parked receiver": f"{delivered:.2f} ms",
    }
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
