"""A FIFO queue with 1,000 groups reaches 70 % of a standard queue's rate, and keeps that up for 30 minutes.

Both make round trips in batches of 10. First pairs of runs alternate, A B, B A, with a fresh queue each; then one run
goes on for MILLPOND_PROVE_LONG_SECS (1800), and every thirtieth of it must reach the rate. No run may be void.
"""

import json
import os
import sys

from bench_runs import alternating, at_least, bench, folder, load_text, spread, spread_text
from millpond import Millpond

LONG_SECS = int(os.environ.get("MILLPOND_PROVE_LONG_SECS", "1800"))
INTERVAL_SECS = max(1, LONG_SECS // 30)
LEAST_RATIO = 0.70
LOAD = ("--batch", "10", "--size", "1024", "--connections", "64")


def main():
    with folder("fifo-rate") as path, Millpond(path) as millpond:
        pairs = alternating(
            lambda: bench(millpond, "round-trip", *LOAD)["run"],
            lambda: bench(millpond, "fifo", "--groups", "1000", *LOAD)["run"],
        )
        interval = ("--interval", str(INTERVAL_SECS))
        report = bench(millpond, "fifo", "--groups", "1000", *LOAD, *interval, secs=LONG_SECS)
    long = report["run"]
    ratios = [fifo["messages_per_sec"] / standard["messages_per_sec"] for standard, fifo in pairs]
    standard = spread([one["messages_per_sec"] for one, _ in pairs])
    slowest = min(part["messages_per_sec"] for part in long["intervals"])
    void = [run["void"] for pair in pairs for run in pair if run["void"]] + [why for why in [long["void"]] if why]
    passed = (
        not void and at_least(spread(ratios), LEAST_RATIO) and slowest >= LEAST_RATIO * standard["median"]
    )
    figures = {
        "load": load_text(report["load"]),
        "standard queue": spread_text(standard, 0, " messages/s"),
        "FIFO queue": spread_text(spread([other["messages_per_sec"] for _, other in pairs]), 0, " messages/s"),
        "ratio": spread_text(spread(ratios), 3),
        "long run": f"{round(long['messages_per_sec'])} messages/s for {LONG_SECS} s",
        f"slowest {INTERVAL_SECS} s of it": f"{round(slowest)} messages/s",
        "receives that got nothing": long["empty_receives"],
        "void": void[0] if void else "no run",
    }
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
