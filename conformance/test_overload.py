"""A service with little memory is flooded, and goes on: the excess is told to try again, and nobody else is held up.

The long form, on the release build, is prove/overload.py.
"""

import floods
import pytest
from losing_disk import LosingDisk
from memory_limit import MemoryLimit, why_not
from millpond import Millpond

SIZES = floods.Sizes(unread=60, large=20, silent=300, waiting=300, secs=2)
SENDERS = 90
# 48 MiB that are not durable, and what comes in the same turn.
HELD_MOST = 64


@pytest.fixture
def limit():
    assert why_not() is None, f"no memory can be limited, {why_not()}"
    with MemoryLimit(floods.LIMIT_BYTES) as limit:
        yield limit


def test_floods_end_no_service(tmp_path, limit):
    with Millpond(tmp_path, wrapper=limit.wrapper) as millpond:
        seen = floods.flood(millpond, SIZES)
        assert limit.kills() == 0
    assert [one.problems for one in seen] == [[]] * len(seen)
    assert all(one.beside_answered > 0 for one in seen), seen


def test_sends_to_a_disk_that_stalls_are_held_or_told_to_try_again(tmp_path, limit):
    millpond = Millpond(tmp_path, wrapper=limit.wrapper)
    with LosingDisk(millpond.data) as disk, millpond:
        stalled = floods.stall(millpond, disk, SENDERS, HELD_MOST)
        assert limit.kills() == 0
    assert (stalled.problems, stalled.acknowledged_meanwhile) == ([], 0)
    assert stalled.answered_afterwards <= HELD_MOST
    assert stalled.answered_afterwards + stalled.told_to_try_again == SENDERS
