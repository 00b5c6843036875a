"""After power cuts that take what was not synced with them, nothing acknowledged is lost, under traffic of every shape.

The binary keeps its data on a file system in user space that keeps what was synced apart from what was not, for content by
sectors of 512 bytes and for names by directory (losing_disk.py). Each cut ends the process with SIGKILL and then loses each
unsynced sector and name on its own, every second cut all of them. Half of the cuts meet standard traffic, half of them FIFO,
delayed, leased, dead-letter and move-task traffic; what is checked is said in promises.py. Needs root and /dev/fuse.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import kill_rounds
import kill_shapes
import losing_disk
from power_cuts import PowerCuts
from promises import broken

STANDARD = kill_rounds.Plan(kills=15, held_lease_secs=8, working_lease_secs=4, load_secs=(0.5, 2.0), body_bytes=2000)
SHAPES = kill_shapes.Plan(kills=15, held_lease_secs=10)


def main():
    missing = losing_disk.why_not()
    if missing:
        print(json.dumps({"passed": False, "figures": {"not run": missing}}))
        return 1
    seed = time.time_ns() % 1_000_000_000
    lost, found, rounds, records = [], {}, [], []
    for shapes, plan in ((kill_rounds, STANDARD), (kill_shapes, SHAPES)):
        with tempfile.TemporaryDirectory(prefix="millpond-cuts-") as folder, PowerCuts(Path(folder), seed) as service:
            of_shapes, seen = shapes.run(service, plan, seed, report=print)
            lost += service.lost
        for promise, cases in broken(seen).items():
            print(f"BROKEN: {promise}: {len(cases)} times, for example {cases[:5]}")
            found[promise] = found.get(promise, 0) + len(cases)
        rounds += of_shapes
        records = seen
    happened = kill_shapes.happened(records)
    with_loss = sum(one["lost_sectors"] > 0 for one in lost)
    figures = {
        "power cuts": len(lost),
        "power cuts that took something": with_loss,
        "sectors lost": sum(one["lost_sectors"] for one in lost),
        "names lost": sum(one["lost_names"] for one in lost),
        "sends acknowledged": sum(one.sends_acknowledged for one in rounds),
        "deletes acknowledged": sum(one.deletes_acknowledged for one in rounds),
        "requests in doubt at a cut": sum(one.in_doubt for one in rounds),
        **happened,
        "restart, longest": f"{max(one.restart_secs for one in rounds)} s",
        "broken promises": sum(found.values()),
        "seed": seed,
    }
    passed = not found and with_loss >= 10 and min(happened.values()) > 10
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
