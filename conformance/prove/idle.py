"""An idle queue service takes under 1 % of one core and under 30 MB of memory, fresh and after traffic.

Twenty seconds each: after a start with an empty directory, and after 20,000 messages have been sent, received and
deleted. Memory is what is resident at the end of each (VmRSS), processor time is user and system time.
"""

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from load_client import Connection
from millpond import Millpond

IDLE_SECS = 20
MESSAGES, CONNECTIONS, BODY = 20_000, 16, "x" * 1024
MOST_CPU_PERCENT, MOST_RESIDENT_MB = 1.0, 30.0


def idle(pid):
    """Percent of one core while nothing is asked for, and resident megabytes (10^6 bytes) after that."""
    before, begun = cpu_secs(pid), time.monotonic()
    # The time is what is measured.
    time.sleep(IDLE_SECS)
    percent = 100 * (cpu_secs(pid) - before) / (time.monotonic() - begun)
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return round(percent, 2), round(int(line.split()[1]) * 1024 / 1e6, 1)


def cpu_secs(pid):
    # The command's name may hold spaces; what follows it does not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def traffic(endpoint):
    queue = Connection(endpoint).expect("CreateQueue", {"QueueName": "idle"})["QueueUrl"]
    failures = []
    threads = [
        threading.Thread(target=send_receive_delete, args=(endpoint, queue, failures)) for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def send_receive_delete(endpoint, queue, failures):
    connection = Connection(endpoint)
    try:
        for _ in range(MESSAGES // CONNECTIONS):
            connection.expect("SendMessage", {"QueueUrl": queue, "MessageBody": BODY})
            (message,) = connection.expect("ReceiveMessage", {"QueueUrl": queue})["Messages"]
            handle = message["ReceiptHandle"]
            connection.expect("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": handle})
    except Exception as failure:
        failures.append(failure)
    finally:
        connection.close()


def main():
    with tempfile.TemporaryDirectory(prefix="millpond-idle-") as folder, Millpond(folder) as millpond:
        fresh = idle(millpond.pid)
        traffic(millpond.endpoint)
        used = idle(millpond.pid)
    passed = all(percent < MOST_CPU_PERCENT and resident < MOST_RESIDENT_MB for percent, resident in (fresh, used))
    figures = {
        "fresh: processor": f"{fresh[0]} %",
        "fresh: resident": f"{fresh[1]} MB",
        f"after {MESSAGES} messages: processor": f"{used[0]} %",
        f"after {MESSAGES} messages: resident": f"{used[1]} MB",
    }
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
