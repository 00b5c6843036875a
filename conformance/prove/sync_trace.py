"""No 200 leaves before the fdatasync that makes durable what it says, by a trace of every write, sync and reply.

The release build under strace, 64 connections that send, receive and delete 1 KiB messages, then in pairs that ask the same at
the same time: duplicates, receives that find nothing, deletes of what is deleted. How a reply is mapped to
its sync is said in sync_order.py; a reply that can't be mapped fails the proof.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import traced_load
from sync_order import EMPTY, SyncOrder

CONNECTIONS, ROUNDS, BODY_BYTES = 64, 250, 1024


def main():
    folder = Path(tempfile.mkdtemp(prefix="millpond-sync-trace-"))
    trace = traced_load.run(folder, CONNECTIONS, ROUNDS, BODY_BYTES)
    trace_bytes = trace.stat().st_size
    with trace.open() as lines:
        order = SyncOrder(lines)
    for problem in order.problems[:20]:
        print(f"BROKEN: {problem}")
    complete = dict(order.covered) == traced_load.replies(CONNECTIONS, ROUNDS)
    passed = complete and not order.problems
    if passed:
        shutil.rmtree(folder)
    else:
        print(f"the trace is kept: {trace}")
    figures = {
        "connections": CONNECTIONS,
        "replies covered by a sync before them": sum(order.covered.values()),
        "of these, empty receives": order.covered[EMPTY],
        "of these, duplicates": CONNECTIONS // 2 * ROUNDS,
        "replies early or unmapped": len(order.problems),
        "syncs of the log": order.syncs,
        "segments begun": order.segments_begun,
        "trace": f"{trace_bytes >> 20} MiB",
    }
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
