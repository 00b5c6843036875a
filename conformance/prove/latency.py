"""At half of the ceiling's maximum, p99 is at most 1.3 times the ceiling's and 0.5 ms; one send takes a sync and 0.3 ms.

The load is an open loop: sends of 1 KiB begin on a schedule, and latency counts from the moment at which each was to
begin (docs/benchmarks.md). Pairs of runs of server and ceiling alternate; the median over the pairs counts. Then one
connection alone sends one message after the other, beside the time of a write and sync of 4 KiB on the same disk.
"""

import json
import sys

from bench_runs import at_most, beside_ceiling, folder, load_text, spread, spread_text, valid, void_figures
from millpond import Millpond

MOST_RATIO, MOST_MORE_US = 1.3, 500
ALONE_MOST_MORE_US = 300


def main():
    with folder("latency") as path, Millpond(path) as millpond:
        half = beside_ceiling(millpond, "send", "--size", "1024", "--connections", "64", "--rate", "50%")
        alone = beside_ceiling(millpond, "send", "--size", "1024", "--connections", "1")
    p99_us = {side: [latency(pair[side], "p99_us") for pair in half["pairs"]] for side in ("product", "ceiling")}
    more_us = [one - MOST_RATIO * other for one, other in zip(p99_us["product"], p99_us["ceiling"])]
    late = half["product"]["generator_late"]["latency"] or {"p99_us": "no"}
    sync_us = alone["disk"]["after_4_kib"]["median_us"]
    alone_us = latency(alone["product"], "p50_us")
    passed = (
        valid(half)
        and valid(alone)
        and at_most(spread(more_us), MOST_MORE_US)
        and alone_us <= sync_us + ALONE_MOST_MORE_US
    )
    figures = {
        "load": load_text(half["load"]),
        "schedule": f"{round(half['load']['scheduled_per_sec'])} sends/s",
        "p99, product": spread_text(spread(p99_us["product"]), 0, " µs"),
        "p99, ceiling": spread_text(spread(p99_us["ceiling"]), 0, " µs"),
        "p99 beyond 1.3 times the ceiling's": spread_text(spread(more_us), 0, " µs"),
        "p99 of the generator's own delay": f"{late['p99_us']} µs",
        "one connection, p50": f"{alone_us} µs",
        "one connection, p50 of the ceiling": f"{latency(alone['ceiling'], 'p50_us')} µs",
        "a sync alone": f"{sync_us} µs",
        **void_figures(half),
        **{f"one connection, {name}": text for name, text in void_figures(alone).items()},
    }
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def latency(run, name):
    """A latency of a run; endless when no operation succeeded."""
    return run["latency"][name] if run["latency"] else 1e9


if __name__ == "__main__":
    sys.exit(main())
