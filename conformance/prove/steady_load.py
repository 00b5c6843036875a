"""Through 30 minutes at 70 % load and 20 turns of the log, the disk stays flat and p99 grows by no more than a fifth.

Round trips in batches of 10 begin on a schedule, at 70 % of what a closed loop of MILLPOND_PROVE_SECS reached before.
The run takes MILLPOND_PROVE_LONG_SECS (1800) and is told in thirtieths: p99 of the last against that of the second.
The disk is flat when the data directory takes no more in the second half of the run than a tenth over the first half.
A turn of the log is as many bytes of bodies as the log's budget, which is less than was written.
"""

import json
import os
import sys
import threading

from bench_runs import SECS, bench, folder, load_text
from millpond import Millpond

LONG_SECS = int(os.environ.get("MILLPOND_PROVE_LONG_SECS", "1800"))
INTERVAL_SECS = max(1, LONG_SECS // 30)
SHARE = 0.7
MOST_GROWTH, MOST_DISK_GROWTH, LEAST_TURNS = 1.2, 1.1, 20
LOG_BUDGET_BYTES = 1 << 30
SIZE_BYTES = 1024
LOAD = ("round-trip", "--batch", "10", "--size", str(SIZE_BYTES), "--connections", "64")


def main():
    with folder("steady-load") as path, Millpond(path) as millpond:
        maximum = bench(millpond, *LOAD)["run"]["operations_per_sec"]
        ended, samples = threading.Event(), []
        sampler = threading.Thread(target=sample, args=(millpond.data, ended, samples))
        sampler.start()
        try:
            schedule = ("--rate", str(SHARE * maximum), "--interval", str(INTERVAL_SECS))
            report = bench(millpond, *LOAD, *schedule, secs=LONG_SECS)
        finally:
            ended.set()
            sampler.join()
    run = report["run"]
    # A part that was cut short by the end of the window has too few operations to compare.
    whole = LONG_SECS // INTERVAL_SECS
    second_us, last_us = p99_us(run, 1), p99_us(run, whole - 1)
    half = len(samples) // 2
    first_bytes, second_bytes = max(samples[:half]), max(samples[half:])
    turns = run["messages"] * SIZE_BYTES / LOG_BUDGET_BYTES
    passed = (
        run["void"] is None
        and last_us <= MOST_GROWTH * second_us
        and second_bytes <= MOST_DISK_GROWTH * first_bytes
        and turns >= LEAST_TURNS
    )
    figures = {
        "load": load_text(report["load"]),
        "maximum before": f"{round(maximum)} round trips/s in {SECS} s",
        "schedule": f"{round(report['load']['scheduled_per_sec'])} round trips/s",
        "messages": run["messages"],
        "turns of the log": round(turns, 1),
        f"p99 of the second {INTERVAL_SECS} s": f"{second_us} µs",
        f"p99 of the last {INTERVAL_SECS} s": f"{last_us} µs",
        "p99 of all": f"{run['latency']['p99_us']} µs, the slowest {run['latency']['max_us']} µs",
        "data directory, first half": f"{first_bytes >> 20} MiB at most",
        "data directory, second half": f"{second_bytes >> 20} MiB at most",
        "errors": run["errors"],
        "void": run["void"] or "no",
    }
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def p99_us(run, number):
    """The 99th percentile of one part of a run; endless when no operation of it succeeded."""
    parts = run["intervals"][number : number + 1]
    return parts[0]["latency"]["p99_us"] if parts and parts[0]["latency"] else 1e9


def sample(data, ended, samples):
    """Notes what the data takes on the disk, about a thousand times in all."""
    while not ended.wait(max(0.1, LONG_SECS / 1000)):
        samples.append(allocated_bytes(data))


def allocated_bytes(path):
    """What the files take on the disk, as `du` counts."""
    total = 0
    for file in path.rglob("*"):
        try:
            total += file.stat().st_blocks * 512
        except FileNotFoundError:
            pass  # Renamed or removed in between.
    return total


if __name__ == "__main__":
    sys.exit(main())
