"""What a queue has promised to its clients, and which of these promises it broke.

A record is what one client saw of one request. Times are seconds of the machine's monotonic clock, which all processes
share: `asked_at` before the request was sent, `answered_at` after the whole answer was there, None when it never came.

What always holds: a message is named by its body, which is unique; a request without an answer has promised nothing,
and may have been carried out or not, but it was under way at a kill and is over with it; only what must be wrong
whatever the order of overlapping requests is reported. It does no IO.

What it can't see: a message that is lost while its delete is in doubt looks like one that was deleted. `doubts` counts
them; at each kill there are at most as many as deletes were under way.
"""

from collections import defaultdict
from typing import NamedTuple, Optional

# Lease ends are in whole milliseconds of the service's clock, and wall clocks are slewed a little.
CLOCK_TOLERANCE_SECS = 0.02


class Sent(NamedTuple):
    """A SendMessage."""

    body: str
    asked_at: float
    answered_at: Optional[float]
    message_id: Optional[str]


class Delivery(NamedTuple):
    """One message of a ReceiveMessage's answer, leased for `lease_secs` from some moment after `asked_at`."""

    body: str
    message_id: str
    handle: str
    receive_count: int
    asked_at: float
    answered_at: float
    lease_secs: float


class Deleted(NamedTuple):
    """A DeleteMessage, or one entry of a batch of them."""

    body: str
    handle: str
    asked_at: float
    answered_at: Optional[float]


class Refused(NamedTuple):
    """An answer other than success where nothing should have been refused."""

    action: str
    answer: str


class ConnectionLost(NamedTuple):
    """A client waited for an answer and did not get all of it."""

    seen_at: float
    error: str


class Outage(NamedTuple):
    """A kill, sent after `begun_at`. At `ended_at` the process and all its connections were gone, and no other ran."""

    begun_at: float
    ended_at: float


class Doubt(NamedTuple):
    """What became of the messages with a delete under way at one kill, in numbers of messages."""

    deletes: int
    delivered_again: int
    absent: int


def broken(records):
    """The broken promises: a dictionary from the promise to a list of what broke it. Empty is good.

    The records must end with a drain: every message that was still there has been received and deleted.
    """
    of = defaultdict(list)
    for record in records:
        of[type(record)].append(record)
    sent = {record.body: record for record in of[Sent]}
    deliveries, deletes = by_body(of[Delivery]), by_body(of[Deleted])
    found = defaultdict(list)
    for refused in of[Refused]:
        found["nothing is refused"].append(f"{refused.action}: {refused.answer}")
    check_answers(of, found)
    # A delivery reveals a message as much as the answer to its send does.
    known = {body for body, message in sent.items() if message.answered_at is not None} | set(deliveries)
    for body in sorted(known):
        seen = deliveries.get(body, [])
        if not explains_absence(seen, deletes.get(body, []), of[Outage]):
            last = f"last seen in delivery {len(seen)}" if seen else "never delivered"
            found["an acknowledged message is delivered until it is deleted"].append(f"{body}: {last}")
    for body, seen in deliveries.items():
        if body not in sent:
            found["only what was sent is delivered"].append(body)
        elif any(sent[body].message_id not in (None, delivery.message_id) for delivery in seen):
            found["a message keeps its id"].append(body)
        check_counts(body, seen, found)
        check_leases(body, seen, found)
        check_deletes(body, seen, deletes.get(body, []), found)
    return dict(found)


def doubts(records):
    """A `Doubt` for each kill, in order. The records must end with a drain, as for `broken`."""
    outages = sorted(record for record in records if isinstance(record, Outage))
    deliveries = by_body(record for record in records if isinstance(record, Delivery))
    deletes = by_body(record for record in records if isinstance(record, Deleted))
    counted = {outage.ended_at: [0, 0, 0] for outage in outages}
    for body, of_body in deletes.items():
        seen = deliveries.get(body, [])
        answered = [delete for delete in of_body if delete.answered_at is not None]
        ends = {over_at(delete, outages) for delete in of_body if delete.answered_at is None} - {None}
        for end in ends:
            back = any(delivery.asked_at > end for delivery in seen)
            absent = not back and not explains_absence(seen, answered, outages)
            counted[end] = [old + new for old, new in zip(counted[end], (1, back, absent))]
    return [Doubt(*counted[outage.ended_at]) for outage in outages]


def by_body(records):
    grouped = defaultdict(list)
    for record in records:
        grouped[record.body].append(record)
    return grouped


def over_at(request, outages):
    """When a request had done what it ever did: a kill ends what it left unanswered. None when there was no kill."""
    if request.answered_at is not None:
        return request.answered_at
    return min((outage.ended_at for outage in outages if outage.ended_at >= request.asked_at), default=None)


def explains_absence(seen, deletes, outages):
    """Whether one of the deletes can have come after the last delivery; what was over by then deleted nothing."""
    last_asked_at = max((delivery.asked_at for delivery in seen), default=float("-inf"))
    ends = [over_at(delete, outages) for delete in deletes]
    return any(end is not None and end >= last_asked_at for end in ends)


def check_answers(of, found):
    promise = "whoever asks is answered while the service runs"
    for lost in of[ConnectionLost]:
        if not any(outage.begun_at <= lost.seen_at <= outage.ended_at for outage in of[Outage]):
            found[promise].append(f"at {lost.seen_at:.3f} s, not at a kill: {lost.error}")
    for request in of[Sent] + of[Deleted]:
        if over_at(request, of[Outage]) is None:
            found[promise].append(f"{type(request).__name__} of {request.body}: no answer, and no kill after it")


def check_counts(body, seen, found):
    for earlier in seen:
        for later in seen:
            if earlier.answered_at < later.asked_at and earlier.receive_count >= later.receive_count:
                what = f"{body}: {later.receive_count} after {earlier.receive_count}"
                found["a receive count only rises"].append(what)


def check_leases(body, seen, found):
    # Whoever received it first: its lease began no earlier than its request.
    ordered = sorted(seen, key=lambda delivery: delivery.receive_count)
    for earlier, later in zip(ordered, ordered[1:]):
        early_secs = earlier.asked_at + earlier.lease_secs - later.answered_at
        if early_secs > CLOCK_TOLERANCE_SECS:
            found["a lease holds"].append(f"{body}: delivered again {early_secs:.3f} s before the lease's end")


def check_deletes(body, seen, deletes, found):
    for delete in deletes:
        if delete.answered_at is None:
            continue
        owned = any(
            # Under its own lease nobody else can have received the message, so the handle counts.
            delivery.handle == delete.handle and delete.answered_at < delivery.asked_at + delivery.lease_secs
            for delivery in seen
        )
        back = [delivery for delivery in seen if delivery.asked_at > delete.answered_at]
        if owned and back:
            after_secs = min(delivery.asked_at for delivery in back) - delete.answered_at
            found["an acknowledged delete stays"].append(f"{body}: delivered {after_secs:.3f} s after its delete")
