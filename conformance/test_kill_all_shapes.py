"""Kills under FIFO, delayed, in-flight, dead-letter and move-task traffic break no promise; and each promise's check finds
what breaks it.

The long form, on the release build, is prove/kill9_shapes.py.
"""

import kill_shapes
import pytest
from millpond import Millpond
from promises import Deleted, Delivery, Outage, Redrive, Sent, broken

PLAN = kill_shapes.Plan(kills=2, held_leases=40, held_lease_secs=10, load_secs=(0.3, 1.0))
KILL = Outage(10, 11)
ORDER = "a group is delivered in order"
COUNTS = "a receive count counts receives"
DEAD = "a message is a dead letter after its receives, and not before"


def test_traffic_of_every_shape_outlives_every_kill(tmp_path):
    with Millpond(tmp_path) as millpond:
        rounds, records = kill_shapes.run(millpond, PLAN, seed=1)
    assert broken(records) == {}
    seen = kill_shapes.happened(records)
    assert all(one.open_leases > PLAN.held_leases // 2 for one in rounds)
    assert any(one.moving for one in rounds), "a kill met a move task"
    assert min(seen.values()) > 0, seen


def delivery(body, asked_at, count=1, queue="", message_id="id", lease_secs=3):
    handle = f"{body}-{message_id}-{count}"
    return Delivery(body, message_id, handle, count, asked_at, asked_at + 0.5, lease_secs, queue)


def delete(body, asked_at, count=1, message_id="id"):
    return Deleted(body, f"{body}-{message_id}-{count}", asked_at, asked_at + 0.1)


def in_group(body, place, message_id="id"):
    return Sent(body, 1 + place, 1.5 + place, message_id, group="g", place=place)


FIRST, SECOND = in_group("a", 0), in_group("b", 1)
BOTH_DELETED = [delete("a", 6), delete("b", 6.2)]
JOBS = Redrive("jobs", "dead", 2)
SENT = Sent("a", 1, 2, "id")


@pytest.mark.parametrize(
    "records",
    [
        [FIRST, SECOND, delivery("a", 5), delivery("b", 5), *BOTH_DELETED],
        [FIRST, SECOND, delivery("a", 5), delete("a", 5.6), delivery("b", 5.3), delete("b", 6)],
        # Who sends again hears the id that the first send was given, though its answer was lost.
        [Sent("a", 9, None, None, 0, "g", 0), KILL, Sent("a", 12, 13, "id", 0, "g", 0), delivery("a", 14), delete("a", 15)],
        # The answer to the first receive was lost with the kill.
        [SENT, KILL, delivery("a", 14, count=2), delete("a", 15, count=2)],
        # A dead letter that a task brings back begins anew.
        [
            JOBS,
            SENT,
            delivery("a", 3, 1, "jobs", lease_secs=1),
            delivery("a", 5, 2, "jobs", lease_secs=1),
            delivery("a", 7, 3, "dead", lease_secs=1),
            delivery("a", 9, 1, "jobs", "other"),
            delete("a", 10, 1, "other"),
        ],
        [Sent("a", 1, 2, "id", delay_secs=3), delivery("a", 3.6), delete("a", 5)],
    ],
)
def test_what_is_right_breaks_no_promise(records):
    assert broken(records) == {}


@pytest.mark.parametrize(
    "records, promise",
    [
        ([FIRST, SECOND, delivery("b", 3), delivery("a", 5), *BOTH_DELETED], ORDER),
        # The older one is leased: the group waits.
        ([FIRST, SECOND, delivery("a", 3), delivery("b", 5), *BOTH_DELETED], ORDER),
        ([FIRST, in_group("a", 0, "other"), delivery("a", 5), delete("a", 6)], "a duplicate is the message that it repeats"),
        ([SENT, delivery("a", 3, count=2), delete("a", 4, count=2)], COUNTS),
        ([SENT, KILL, delivery("a", 14, count=3), delete("a", 15, count=3)], COUNTS),
        ([Sent("a", 1, 2, "id", delay_secs=3), delivery("a", 3), delete("a", 5)], "a delay holds"),
        ([JOBS, SENT, delivery("a", 3, 1, "dead"), delete("a", 4)], DEAD),
        ([JOBS, SENT, *(delivery("a", 3 * n, n, "jobs", lease_secs=1) for n in (1, 2, 3)), delete("a", 9.7, 3)], DEAD),
        (
            [JOBS, SENT, delivery("a", 3, 1, "jobs"), delivery("a", 5, 1, "jobs", "other"), delete("a", 6, 1, "other")],
            "a lease holds",
        ),
        ([SENT, delivery("a", 3, message_id="other"), delete("a", 4, message_id="other")], "a message keeps its id"),
    ],
)
def test_what_breaks_a_promise_is_found(records, promise):
    assert promise in broken(records)
