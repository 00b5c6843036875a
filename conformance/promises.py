"""What a queue has promised to its clients, and which of these promises it broke.

A record is what one client saw of one request. Times are seconds of the machine's monotonic clock, which all processes
share: `asked_at` before the request was sent, `answered_at` after the whole answer was there, None when it never came.

What always holds: a message is named by its body, which is unique; a request without an answer has promised nothing,
and may have been carried out or not; only what must be wrong whatever the order of overlapping requests is reported.
It does no IO.
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
    # A delivery reveals a message as much as the answer to its send does.
    known = {body for body, message in sent.items() if message.answered_at is not None} | set(deliveries)
    for body in sorted(known - set(deletes)):
        last = f"last seen in delivery {len(deliveries[body])}" if body in deliveries else "never delivered"
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


def by_body(records):
    grouped = defaultdict(list)
    for record in records:
        grouped[record.body].append(record)
    return grouped


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
