"""100,000 queues take at most 300 MB, and creating the last of them costs what creating the first did.

The queues (MILLPOND_PROVE_COUNT) are created one after the other over one connection. The first 1,000 and the last 1,000
are compared by the median time of a call and by the server's processor time for each; the last may take a quarter more.
Memory is the most that was ever resident (VmHWM), while they were created and after a restart.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

from bench_runs import folder
from load_client import Connection
from millpond import Millpond

COUNT = int(os.environ.get("MILLPOND_PROVE_COUNT", "100000"))
COMPARED = min(1_000, COUNT // 10)
MOST_RESIDENT_BYTES, MOST_GROWTH = 300_000_000, 1.25


def main():
    with folder("queues") as path, Millpond(path) as millpond:
        connection = Connection(millpond.endpoint)
        # Whatever is only there once the first request has come costs the first queue nothing.
        create(connection, range(-100, 0))
        first = costs(millpond, connection, range(COMPARED))
        create(connection, range(COMPARED, COUNT - COMPARED))
        last = costs(millpond, connection, range(COUNT - COMPARED, COUNT))
        connection.close()
        peak = peak_resident_bytes(millpond)
        begun = time.monotonic()
        millpond.restart()
        Connection(millpond.endpoint).expect("GetQueueUrl", {"QueueName": name(COUNT - 1)})
        restart_secs = time.monotonic() - begun
        peak_again = peak_resident_bytes(millpond)
    passed = (
        max(peak, peak_again) <= MOST_RESIDENT_BYTES
        and last["call_us"] <= MOST_GROWTH * first["call_us"]
        and last["cpu_us"] <= MOST_GROWTH * first["cpu_us"]
    )
    figures = {
        "queues": COUNT + 100,
        f"the first {COMPARED}": f"{first['call_us']:.0f} µs a call, {first['cpu_us']:.0f} µs of processor time",
        f"the last {COMPARED}": f"{last['call_us']:.0f} µs a call, {last['cpu_us']:.0f} µs of processor time",
        "peak resident": f"{peak / 1e6:.1f} MB",
        "peak resident after a restart": f"{peak_again / 1e6:.1f} MB",
        "restart, until a queue was found": f"{restart_secs:.2f} s",
    }
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def name(number):
    return f"many-{number}" if number >= 0 else f"before-{-number}"


def create(connection, numbers):
    """Creates the queues of these numbers; the time of each call in seconds."""
    times = []
    for number in numbers:
        begun = time.monotonic()
        connection.expect("CreateQueue", {"QueueName": name(number)})
        times.append(time.monotonic() - begun)
    return times


def costs(millpond, connection, numbers):
    """What creating these queues costs: the median call, and the server's processor time for each."""
    before = cpu_secs(millpond.pid)
    times = create(connection, numbers)
    cpu = (cpu_secs(millpond.pid) - before) / len(times)
    return {"call_us": statistics.median(times) * 1e6, "cpu_us": cpu * 1e6}


def cpu_secs(pid):
    # The command's name may hold spaces; what follows it does not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_resident_bytes(millpond):
    status = Path(f"/proc/{millpond.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    sys.exit(main())
