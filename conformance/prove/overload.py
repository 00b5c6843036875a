"""With 512 MB and floods of every kind, or a disk that stalls, the service goes on and tells the excess to try again.

The limit is that of a control group and counts the page cache. The floods: replies of ten megabytes that nobody reads, idle
and half-sent connections, receives that wait, sends of a megabyte; and, on a disk that answers no sync (losing_disk.py), more
sends of a megabyte than the service may hold. A client with small requests beside each flood is answered, within a bound.
"""

import json
import sys
import tempfile
from pathlib import Path

import floods
import losing_disk
import memory_limit
from losing_disk import LosingDisk
from memory_limit import MemoryLimit
from millpond import Millpond

SIZES = floods.Sizes(unread=1_000, large=120, silent=4_000, waiting=4_000, secs=15)
SENDERS = 150
# The service holds 48 MiB that are not durable, and what comes in the same turn.
HELD_MOST = 64
BESIDE_SECS_MOST = 5


def main():
    missing = memory_limit.why_not() or losing_disk.why_not()
    if missing:
        print(json.dumps({"passed": False, "figures": {"not run": missing}}))
        return 1
    figures, passed = {"memory limit": f"{floods.LIMIT_BYTES >> 20} MiB"}, True
    with tempfile.TemporaryDirectory(prefix="millpond-overload-") as folder, MemoryLimit(floods.LIMIT_BYTES) as limit:
        with Millpond(Path(folder), wrapper=limit.wrapper) as millpond:
            seen = floods.flood(millpond, SIZES, report=print)
            figures["floods: most memory, page cache included"] = f"{limit.peak_bytes() >> 20} MiB"
            figures["floods: killed for want of memory"] = limit.kills()
            passed = passed and limit.kills() == 0
    for one in seen:
        name = one.flood.replace("_", " ")
        figures[f"{name}: small requests beside it, answered"] = one.beside_answered
        figures[f"{name}: small requests beside it, longest"] = f"{one.beside_longest_secs} s"
        if one.answered:
            figures[f"{name}: answered, told to try again"] = f"{one.answered}, {one.told_to_try_again}"
        for problem in one.problems[:5]:
            print(f"BROKEN: {name}: {problem}")
        passed = passed and not one.problems and one.beside_answered and one.beside_longest_secs < BESIDE_SECS_MOST
    stalled, kills = stall()
    figures["stalled disk: sends held, told to try again"] = f"{stalled.answered_afterwards}, {stalled.told_to_try_again}"
    figures["stalled disk: acknowledged meanwhile"] = stalled.acknowledged_meanwhile
    figures["stalled disk: health answered after"] = f"{stalled.health_secs} s"
    figures["stalled disk: killed for want of memory"] = kills
    held = stalled.answered_afterwards + stalled.told_to_try_again == SENDERS and stalled.answered_afterwards <= HELD_MOST
    passed = bool(passed and held and not (stalled.problems or stalled.acknowledged_meanwhile or kills))
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def stall():
    with tempfile.TemporaryDirectory(prefix="millpond-stall-") as folder, MemoryLimit(floods.LIMIT_BYTES) as limit:
        millpond = Millpond(Path(folder), wrapper=limit.wrapper)
        with LosingDisk(millpond.data) as disk, millpond:
            stalled = floods.stall(millpond, disk, SENDERS, HELD_MOST)
            return stalled, limit.kills()


if __name__ == "__main__":
    sys.exit(main())
