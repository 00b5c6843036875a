"""Synced round trips (send, receive, delete, in batches of 10) reach 70 % of the rate of a ceiling with the same calls.

The ceiling is a bare server on the same HTTP stack that answers the same three calls, writes and syncs as many bytes
and does nothing else (docs/benchmarks.md). Pairs of runs alternate, A B, B A; the median counts, and no run may be void.
"""

import json
import sys

from bench_runs import at_least, beside_ceiling, folder, rate_figures, valid
from millpond import Millpond

LEAST_RATIO = 0.70


def main():
    with folder("round-trip-rate") as path, Millpond(path) as millpond:
        report = beside_ceiling(millpond, "round-trip", "--batch", "10", "--size", "1024", "--connections", "64")
    passed = valid(report) and at_least(report["ratio"], LEAST_RATIO)
    print(json.dumps({"passed": passed, "figures": rate_figures(report)}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
