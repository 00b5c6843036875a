"""Synced sends of 1 KiB over 64 connections reach 85 % of the ceiling's rate, for 20 µs more processor time each.

The ceiling is a bare server on the same HTTP stack that writes and syncs as many bytes and does nothing else
(docs/benchmarks.md). Pairs of runs alternate, A B, B A; the median counts, and no run may be void.
"""

import json
import sys

from bench_runs import at_least, at_most, beside_ceiling, folder, rate_figures, valid
from millpond import Millpond

LEAST_RATIO, MOST_MORE_CPU_US = 0.85, 20


def main():
    with folder("send-rate") as path, Millpond(path) as millpond:
        report = beside_ceiling(millpond, "send", "--size", "1024", "--connections", "64")
    passed = (
        valid(report)
        and at_least(report["ratio"], LEAST_RATIO)
        and at_most(report["more_cpu_us_per_request"], MOST_MORE_CPU_US)
    )
    print(json.dumps({"passed": passed, "figures": rate_figures(report)}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
