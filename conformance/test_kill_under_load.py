"""Kills in the middle of load lose nothing; and the check that says so finds each fault that is planted.

The long form, on the release build, is prove/kill9.py.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import kill_rounds
import pytest
from millpond import Millpond
from promises import broken

PLAN = kill_rounds.Plan(
    kills=3, senders=6, receivers=3, held_leases=100, held_lease_secs=6, working_lease_secs=3, load_secs=(0.5, 1.0)
)
# The check finds a fault in seconds; the fake service is slow.
SMALL_PLAN = PLAN._replace(kills=2, senders=4, held_leases=40, held_lease_secs=4, working_lease_secs=2)


class FaultyService:
    """`faulty_sqs.py` as a process that can be killed and started again."""

    def __init__(self, folder, fault):
        self.endpoint = None
        self._folder = folder
        self._fault = fault
        self._process = None

    def start(self):
        ready_file = self._folder / "ready.json"
        ready_file.unlink(missing_ok=True)
        port = self.endpoint.rpartition(":")[2] if self.endpoint else "0"
        program = Path(__file__).with_name("faulty_sqs.py")
        command = [sys.executable, program, port, self._folder / "data", ready_file, self._fault]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not ready_file.exists():
            assert self._process.poll() is None and time.monotonic() < deadline, "the fake service did not start"
            time.sleep(0.01)
        self.endpoint = json.loads(ready_file.read_text())["endpoint"]

    def kill(self):
        self._process.kill()
        self._process.wait()


def test_what_was_acknowledged_outlives_every_kill(tmp_path):
    with Millpond(tmp_path) as millpond:
        rounds, records = kill_rounds.run(millpond, PLAN, seed=1)
    assert broken(records) == {}
    assert min(one.open_leases for one in rounds) >= 100
    assert sum(one.sends_acknowledged for one in rounds) > 100
    assert sum(one.deletes_acknowledged for one in rounds) > 100


@pytest.mark.parametrize(
    "fault, promise",
    [
        ("early-reply", "an acknowledged message is delivered until it is deleted"),
        ("forgets-deletes", "an acknowledged delete stays"),
        ("forgets-leases", "a lease holds"),
        ("forgets-counts", "a receive count only rises"),
        ("ignores-leases", "a lease holds"),
    ],
)
def test_the_check_finds_a_planted_fault(tmp_path, fault, promise):
    assert promise in run_faulty(tmp_path, fault)


def test_the_check_finds_nothing_where_nothing_is_wrong(tmp_path):
    assert run_faulty(tmp_path, "none") == {}


def run_faulty(folder, fault):
    service = FaultyService(folder, fault)
    service.start()
    try:
        _, records = kill_rounds.run(service, SMALL_PLAN, seed=1)
    finally:
        service.kill()
    return broken(records)
