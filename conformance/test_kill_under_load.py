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
from promises import ConnectionLost, Deleted, Delivery, Doubt, Outage, Sent, broken, doubts

PLAN = kill_rounds.Plan(
    kills=3, senders=6, receivers=3, held_leases=100, held_lease_secs=6, working_lease_secs=3, load_secs=(0.5, 1.0)
)
# The check finds a fault in seconds; the fake service is slow.
SMALL_PLAN = PLAN._replace(kills=2, senders=4, held_leases=40, held_lease_secs=4, working_lease_secs=2)
LOST = "an acknowledged message is delivered until it is deleted"
UNANSWERED = "whoever asks is answered while the service runs"


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
    assert max(one.deletes for one in doubts(records)) <= PLAN.most_deletes_in_doubt()
    assert min(one.open_leases for one in rounds) >= 100
    assert sum(one.sends_acknowledged for one in rounds) > 100
    assert sum(one.deletes_acknowledged for one in rounds) > 100


@pytest.mark.parametrize(
    "fault, promise",
    [
        ("early-reply", LOST),
        ("forgets-deletes", "an acknowledged delete stays"),
        ("forgets-leases", "a lease holds"),
        ("forgets-counts", "a receive count only rises"),
        ("ignores-leases", "a lease holds"),
        ("hangs-up", UNANSWERED),
        ("late-deletes", LOST),
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


SENT = Sent("a", 1, 2, "id")
KILL, SECOND_KILL = Outage(10, 11), Outage(20, 21)


def delivery(asked_at, count=1):
    return Delivery("a", "id", f"handle-{count}", count, asked_at, asked_at + 1, 3)


def delete(asked_at, answered_at=None, count=1):
    return Deleted("a", f"handle-{count}", asked_at, answered_at)


IN_DOUBT = [SENT, delivery(8), delete(9.5), KILL]


@pytest.mark.parametrize(
    "records, doubt",
    [
        (IN_DOUBT, Doubt(deletes=1, delivered_again=0, absent=1)),
        (IN_DOUBT + [delivery(15, 2), delete(16, 17, 2)], Doubt(deletes=1, delivered_again=1, absent=0)),
        # A receive that was asked for before the kill may have been decided before the delete.
        ([SENT, delivery(5), delivery(9.8, 2), delete(9.5), KILL], Doubt(deletes=1, delivered_again=0, absent=1)),
        # So may one that was asked for before an acknowledged delete by an older handle.
        ([SENT, delivery(5), delivery(9, 2), delete(9.2, 9.5), KILL], Doubt(0, 0, 0)),
        # Another delete of the message was acknowledged.
        ([SENT, delivery(5), delivery(8.5, 2), delete(9.5), delete(9.4, 9.6, 2), KILL], Doubt(1, 0, 0)),
        # Sent to a connection that was gone already.
        ([SENT, delivery(8), delete(10.5), KILL], Doubt(deletes=1, delivered_again=0, absent=1)),
        ([SENT, delivery(8), delete(9, 9.5), KILL], Doubt(deletes=0, delivered_again=0, absent=0)),
    ],
)
def test_a_delete_in_doubt_may_have_been_carried_out_or_not(records, doubt):
    assert (broken(records), doubts(records)) == ({}, [doubt])


def test_a_delete_in_doubt_that_was_undone_explains_no_absence():
    assert list(broken(IN_DOUBT + [delivery(15, 2)])) == [LOST]
    # Nor does one of an earlier kill for a message that a later kill met without one.
    assert list(broken(IN_DOUBT + [delivery(15, 2), SECOND_KILL])) == [LOST]
    again = IN_DOUBT + [delivery(15, 2), delete(19.5, None, 2), SECOND_KILL]
    assert (broken(again), doubts(again)) == ({}, [Doubt(1, 1, 0), Doubt(1, 0, 1)])


def test_an_acknowledged_delete_explains_only_the_absence_after_it():
    late = delete(14, 15)  # Its lease had ended, so another delivery is right, and keeps the message.
    assert broken([SENT, delivery(8), late]) == {}
    assert list(broken([SENT, delivery(8), late, delivery(16, 2)])) == [LOST]


def test_only_a_kill_excuses_a_missing_answer():
    assert broken([*IN_DOUBT, ConnectionLost(10.5, "reset")]) == {}
    assert list(broken([*IN_DOUBT, ConnectionLost(9.9, "reset")])) == [UNANSWERED]
    assert list(broken([*IN_DOUBT, ConnectionLost(12, "reset")])) == [UNANSWERED]
    assert UNANSWERED in broken([SENT, delivery(8), delete(9.5)])
    assert UNANSWERED in broken([KILL, Sent("b", 12, None, None)])


class SilentService:
    """A connection on which a delete of a batch gets an answer with no word on the second entry."""

    def call(self, _action, _parameters):
        return 200, {"Successful": [{"Id": "0"}], "Failed": []}


def test_a_delete_that_its_answer_does_not_name_is_no_success():
    records = []
    kill_rounds.delete(SilentService(), "queue", [delivery(8), delivery(8)], records)
    assert "nothing is refused" in broken(records)
    assert [record.answered_at is None for record in records if isinstance(record, Deleted)] == [False, True]
