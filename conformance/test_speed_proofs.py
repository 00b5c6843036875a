"""The proofs of speed measure what they say: a short form of each, whose figures mean nothing and are not judged.

`cargo xtask prove` runs them in full. Here a proof must come to its result, with a figure for each of its claims and no
failed operation on the way; whether it passed is left open, because this machine has other things to do.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from millpond import binary

PROTOCOLS = ["json"]
PROOFS = Path(__file__).parent / "prove"
SHORT = {
    "MILLPOND_PROVE_SECS": "1",
    "MILLPOND_PROVE_PAIRS": "1",
    "MILLPOND_PROVE_WARM_UP_SECS": "0",
    "MILLPOND_PROVE_LONG_SECS": "3",
    "MILLPOND_PROVE_COUNT": "500",
    "MILLPOND_PROVE_SHAPES": "waiting,fifo-groups",
}
CLAIMS = {
    "send_rate": ["ratio", "server CPU beyond the ceiling's"],
    "batch_rate": ["ratio", "server CPU beyond the ceiling's"],
    "round_trip_rate": ["ratio"],
    "fifo_rate": ["ratio", "slowest 1 s of it"],
    "latency": ["p99 beyond 1.3 times the ceiling's", "one connection, p50", "a sync alone"],
    "steady_load": ["p99 of the second 1 s", "p99 of the last 1 s", "data directory, second half"],
    "queues_100k": ["the first 50", "the last 50", "peak resident"],
}
# Their limit on memory takes a control group of their own, and generator and server take two cores.
if os.access("/sys/fs/cgroup/memory", os.W_OK):
    ratio_and_more = ("ratio", "first receive after start and after SIGKILL", "peak resident", "purge")
    CLAIMS["backlog"] = [f"{shape}: {name}" for shape in ("waiting", "fifo-groups") for name in ratio_and_more]
if len(os.sched_getaffinity(0)) < 2:
    CLAIMS = {"queues_100k": CLAIMS["queues_100k"]}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_proof_comes_to_its_result(name, tmp_path):
    environment = {**os.environ, **SHORT, "MILLPOND_PROVE_DIR": str(tmp_path), "MILLPOND_BIN": str(binary())}
    environment["PYTHONPATH"] = str(PROOFS.parent)
    command = [sys.executable, str(PROOFS / f"{name}.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    result = json.loads(lines[-1])
    assert isinstance(result["passed"], bool)
    assert done.returncode == (0 if result["passed"] else 1), done.stderr
    missing = [figure for figure in CLAIMS[name] if figure not in result["figures"]]
    assert not missing, result["figures"]
    wrong = [text for text in result["figures"].values() if "operations failed" in str(text)]
    assert not wrong
    assert not list(tmp_path.iterdir()), "what it made is gone"
