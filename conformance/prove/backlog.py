"""With 10 million messages waiting, in 512 MB of memory, a queue is as quick as with 1,000, and so is its restart.

For each shape of backlog (docs/benchmarks.md, `millpond bench fill`) there are two services, with 10 million messages
(MILLPOND_PROVE_COUNT) of 200 bytes and with 1,000, each in a memory limit of 512 MB that counts the page cache. Round trips
in batches of 10 go to the queue with the backlog, alternately on both: the deep one must reach 90 % of the other's rate.
The first receive must be answered 2 s after the start of the process, as it was filled and again after SIGKILL under
load; the process may hold 256 MB at most (VmHWM), and a purge of it all takes 100 ms at most. A queue of the shape
`delayed` or `deduplication` may have nothing to give; there the answer counts.

MILLPOND_PROVE_SHAPES names the shapes, with commas. Needs root, for the memory limit.
"""

import json
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from bench_runs import SECS, BenchError, alternating, at_least, bench, folder, spread, spread_text
from load_client import Connection
from memory_limit import MemoryLimit, evict
from millpond import Millpond, MillpondError

DEEP = int(os.environ.get("MILLPOND_PROVE_COUNT", "10000000"))
SHALLOW = 1_000
SHAPES = "waiting,returned,returned-often,delayed,dead-letters,fifo-groups,tenants,deduplication"
MAY_BE_EMPTY = ("delayed", "deduplication")
SIZE_BYTES = 200
# A group for so many messages.
GROUPS = {"fifo-groups": 10, "tenants": 10}
LIMIT_BYTES = 512_000_000
LEAST_RATIO, MOST_FIRST_RECEIVE_SECS, MOST_RESIDENT_BYTES, MOST_PURGE_SECS = 0.9, 2.0, 256_000_000, 0.1


def main():
    figures = {"memory limit": f"{LIMIT_BYTES // 10**6} MB, page cache included"}
    passed = True
    for shape in os.environ.get("MILLPOND_PROVE_SHAPES", SHAPES).split(","):
        try:
            good, of_shape = prove(shape)
        except (BenchError, MillpondError, OSError, RuntimeError) as failure:
            good, of_shape = False, {"failed": str(failure)[-500:]}
        passed = passed and good
        figures.update({f"{shape}: {name}": value for name, value in of_shape.items()})
        print(f"{shape}: {'good' if good else 'NOT GOOD'} {of_shape}")
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def prove(shape):
    """Whether a shape is served as it must be, and its figures."""
    with filled(shape, DEEP) as deep, filled(shape, SHALLOW) as shallow:
        firsts = [deep.first_receive_secs(shape)]
        shallow.first_receive_secs(shape)
        pairs = alternating(shallow.load, deep.load)
        deep.millpond.kill()
        firsts.append(deep.first_receive_secs(shape))
        deep.load()
        resident_bytes = deep.peak_resident_bytes
        purge_secs = deep.purge_secs()
        group_bytes = deep.limit.peak_bytes()
    ratios = [other["messages_per_sec"] / one["messages_per_sec"] for one, other in pairs if one["messages_per_sec"]]
    void = [run["void"] for pair in pairs for run in pair if run["void"]]
    good = (
        not void
        and at_least(spread(ratios), LEAST_RATIO)
        and max(firsts) <= MOST_FIRST_RECEIVE_SECS
        and resident_bytes <= MOST_RESIDENT_BYTES
        and purge_secs <= MOST_PURGE_SECS
    )
    rates = [spread([run[side]["messages_per_sec"] for run in pairs]) for side in (0, 1)]
    return good, {
        "backlog": f"{DEEP} messages in {deep.fill['queues']} queues, filled at {round(deep.fill['per_sec'])}/s",
        f"rate with {SHALLOW}": spread_text(rates[0], 0, " messages/s"),
        f"rate with {DEEP}": spread_text(rates[1], 0, " messages/s"),
        "ratio": f"{spread_text(spread(ratios), 3)}, runs of {SECS} s",
        "first receive after start and after SIGKILL": " and ".join(f"{secs:.2f} s" for secs in firsts),
        "peak resident": f"{resident_bytes / 1e6:.0f} MB",
        "peak with page cache": f"{group_bytes / 1e6:.0f} MB",
        "purge": f"{purge_secs * 1000:.1f} ms",
        "void": void[0] if void else "no run",
    }


class Filled:
    """A service with a backlog inside of a memory limit."""

    def __init__(self, millpond, limit, fill):
        self.millpond, self.limit, self.fill = millpond, limit, fill
        # Of all processes that have served it and been measured.
        self.peak_resident_bytes = 0

    def first_receive_secs(self, shape):
        """Starts the service; how long it is until a receive is answered."""
        begun = time.monotonic()
        self.millpond.start()
        connection = Connection(self.millpond.endpoint)
        answer = connection.expect("ReceiveMessage", {"QueueUrl": self.url(connection), "VisibilityTimeout": 0})
        secs = time.monotonic() - begun
        if "Messages" not in answer and shape not in MAY_BE_EMPTY:
            raise RuntimeError(f"a receive from {self.fill['queue']} gave nothing")
        connection.close()
        self.note_resident()
        return secs

    def load(self):
        """The figures of one run on the queue with the backlog."""
        queue = self.fill["queue"]
        work = ("fifo", "--groups", "1000") if queue.endswith(".fifo") else ("round-trip",)
        load = ("--queue", queue, "--batch", "10", "--size", str(SIZE_BYTES), "--connections", "64")
        run = bench(self.millpond, *work, *load)["run"]
        self.note_resident()
        return run

    def purge_secs(self):
        connection = Connection(self.millpond.endpoint)
        url = self.url(connection)
        begun = time.monotonic()
        connection.expect("PurgeQueue", {"QueueUrl": url})
        secs = time.monotonic() - begun
        connection.close()
        return secs

    def url(self, connection):
        return connection.expect("GetQueueUrl", {"QueueName": self.fill["queue"]})["QueueUrl"]

    def note_resident(self):
        status = Path(f"/proc/{self.millpond.ready['pid']}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        self.peak_resident_bytes = max(self.peak_resident_bytes, int(line.split()[1]) * 1024)


@contextmanager
def filled(shape, count):
    """A service whose data has that backlog; it has not been started."""
    with folder(f"backlog-{shape}") as path, MemoryLimit(LIMIT_BYTES) as limit:
        millpond = Millpond(path, wrapper=limit.wrapper)
        groups = ("--groups", str(max(1, count // GROUPS[shape]))) if shape in GROUPS else ()
        asked = ("--shape", shape, "--count", str(count), "--size", str(SIZE_BYTES), *groups, "--json")
        done = millpond.run("bench", "fill", str(millpond.data), *asked, timeout=None)
        if done.returncode:
            raise BenchError(f"millpond bench fill: {done.stderr}")
        # What the filling left in the page cache would be memory beyond the limit.
        evict(millpond.data)
        try:
            yield Filled(millpond, limit, json.loads(done.stdout))
        finally:
            millpond.kill()


if __name__ == "__main__":
    sys.exit(main())
