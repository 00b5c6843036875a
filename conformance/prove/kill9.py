"""After SIGKILL under load, nothing acknowledged is lost, no delete is undone, leases hold, receive counts only rise.

At least 20 kills at random moments, each with at least 1,000 sends acknowledged in the second before it (single
requests, each answered for itself) and at least 100 leases open. What is checked is said in promises.py, and that a
message may be absent for a delete that the kill interrupted: those are counted, and there can't be more of them than
deletes that were under way.
"""

import json
import sys
import tempfile
import time

import kill_rounds
from millpond import Millpond
from promises import broken, doubts

KILLS = 25
LEAST_SENDS_PER_SEC = 1000
LEAST_OPEN_LEASES = 100


def main():
    seed = time.time_ns() % 1_000_000_000
    plan = kill_rounds.Plan(kills=KILLS)
    with tempfile.TemporaryDirectory(prefix="millpond-kill9-") as folder, Millpond(folder) as millpond:
        rounds, records = kill_rounds.run(millpond, plan, seed, report=print)
    found = broken(records)
    for promise, cases in found.items():
        print(f"BROKEN: {promise}: {len(cases)} times, for example {cases[:5]}")
    doubt = doubts(records)
    slowest = min(one.sends_in_last_second for one in rounds)
    fewest_leases = min(one.open_leases for one in rounds)
    figures = {
        "kills": len(rounds),
        "sends acknowledged": sum(one.sends_acknowledged for one in rounds),
        "sends acknowledged in the second before a kill, least": slowest,
        "deletes acknowledged": sum(one.deletes_acknowledged for one in rounds),
        "requests in doubt at a kill": sum(one.in_doubt for one in rounds),
        "deletes in doubt at a kill, most": max(one.deletes for one in doubt),
        "messages with a delete in doubt": sum(one.deletes for one in doubt),
        "delivered again after a delete in doubt": sum(one.delivered_again for one in doubt),
        "absent with a delete in doubt": sum(one.absent for one in doubt),
        "leases open at a kill, least": fewest_leases,
        "restart, longest": f"{max(one.restart_secs for one in rounds)} s",
        "broken promises": sum(len(cases) for cases in found.values()),
        "seed": seed,
    }
    enough = slowest >= LEAST_SENDS_PER_SEC and fewest_leases >= LEAST_OPEN_LEASES
    bounded = all(one.deletes <= plan.most_deletes_in_doubt() for one in doubt)
    passed = not found and enough and bounded and len(rounds) >= 20
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
