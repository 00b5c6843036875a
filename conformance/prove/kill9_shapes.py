"""SIGKILL under FIFO, delayed, in-flight, dead-letter and move-task traffic breaks no promise of any of them.

At least 20 kills at random moments, each with leases open whose handles are used after it, and with senders that send again
what was left unanswered. Checked are loss, deletes, leases, receive counts, the order of each group, duplicates, delays,
and when a message is a dead letter; see promises.py.
"""

import json
import sys
import tempfile
import time

import kill_shapes
from millpond import Millpond
from promises import broken

KILLS = 25


def main():
    seed = time.time_ns() % 1_000_000_000
    plan = kill_shapes.Plan(kills=KILLS)
    with tempfile.TemporaryDirectory(prefix="millpond-shapes-") as folder, Millpond(folder) as millpond:
        rounds, records = kill_shapes.run(millpond, plan, seed, report=print)
    found = broken(records)
    for promise, cases in found.items():
        print(f"BROKEN: {promise}: {len(cases)} times, for example {cases[:5]}")
    happened = kill_shapes.happened(records)
    fewest_leases = min(one.open_leases for one in rounds)
    figures = {
        "kills": len(rounds),
        "kills that met a move task": sum(one.moving for one in rounds),
        "sends acknowledged": sum(one.sends_acknowledged for one in rounds),
        "deletes acknowledged": sum(one.deletes_acknowledged for one in rounds),
        "requests in doubt at a kill": sum(one.in_doubt for one in rounds),
        **happened,
        "leases open at a kill, least": fewest_leases,
        "restart, longest": f"{max(one.restart_secs for one in rounds)} s",
        "broken promises": sum(len(cases) for cases in found.values()),
        "seed": seed,
    }
    enough = fewest_leases >= plan.held_leases and min(happened.values()) > 10 and figures["kills that met a move task"]
    passed = not found and len(rounds) >= 20 and bool(enough)
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
