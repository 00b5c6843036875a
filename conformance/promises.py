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
    """A SendMessage. A body that is sent again is sent under the same deduplication id, and is the same message."""

    body: str
    asked_at: float
    answered_at: Optional[float]
    message_id: Optional[str]
    delay_secs: float = 0
    # Of a FIFO queue: the message group, and the message's place in it, from 0.
    group: Optional[str] = None
    place: int = 0


class Delivery(NamedTuple):
    """One message of a ReceiveMessage's answer, leased for `lease_secs` from some moment after `asked_at`."""

    body: str
    message_id: str
    handle: str
    receive_count: int
    asked_at: float
    answered_at: float
    lease_secs: float
    queue: str = ""


class Redrive(NamedTuple):
    """Messages of `source` that were received `receives_most` times go to `target`, and a move task may bring them back
    as messages with other ids.
    """

    source: str
    target: str
    receives_most: int


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
    sent = sends_by_body(of[Sent])
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
        else:
            check_id(sent[body], seen, of[Redrive], found)
            check_delay(sent[body], seen, found)
        for of_id in by_id(seen).values():
            check_counts(body, of_id, of[Outage], found)
            check_leases(body, of_id, found)
        check_leases_of_ids(body, seen, found)
        check_deletes(body, seen, deletes.get(body, []), found)
    check_duplicates(of[Sent], found)
    check_order(sent, deliveries, deletes, found)
    check_dead_letters(of[Delivery], of[Redrive], found)
    return dict(found)


def sends_by_body(sends):
    """The sends by body; of one that was sent again, the first with an answer."""
    sent = {}
    for record in sends:
        known = sent.get(record.body)
        if known is None or (known.answered_at is None and record.answered_at is not None):
            sent[record.body] = record
    return sent


def by_id(deliveries):
    grouped = defaultdict(list)
    for delivery in deliveries:
        grouped[delivery.message_id].append(delivery)
    return grouped


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


def check_id(sent, seen, redrives, found):
    """Only a move task gives a message another id."""
    moving = {queue for redrive in redrives for queue in (redrive.source, redrive.target)}
    for delivery in seen:
        if sent.message_id not in (None, delivery.message_id) and delivery.queue not in moving:
            found["a message keeps its id"].append(sent.body)


def check_delay(sent, seen, found):
    for delivery in seen:
        early_secs = sent.asked_at + sent.delay_secs - delivery.answered_at
        if early_secs > CLOCK_TOLERANCE_SECS:
            found["a delay holds"].append(f"{sent.body}: delivered {early_secs:.3f} s too early")


def check_duplicates(sends, found):
    """A body that is sent again is answered with the id that it has."""
    ids = defaultdict(set)
    for record in sends:
        if record.message_id is not None:
            ids[record.body].add(record.message_id)
    for body, of_body in ids.items():
        if len(of_body) > 1:
            found["a duplicate is the message that it repeats"].append(f"{body}: {len(of_body)} ids")


def check_order(sent, deliveries, deletes, found):
    """In a group a message comes only when what is older was asked to be deleted, or is in the same answer."""
    groups = defaultdict(list)
    for body, record in sent.items():
        if record.group is not None and (record.answered_at is not None or body in deliveries):
            groups[record.group].append(record)
    for members in groups.values():
        members.sort(key=lambda record: record.place)
        older, free_from = [], float("-inf")
        for record in members:
            for delivery in deliveries.get(record.body, []):
                if delivery.answered_at < free_from:
                    check_turn(delivery, older, deliveries, found)
            asked = (delete.asked_at for delete in deletes.get(record.body, []))
            older.append((record.body, min(asked, default=float("inf"))))
            free_from = max(free_from, older[-1][1])


def check_turn(delivery, older, deliveries, found):
    for body, deleted_at in older:
        together = any(other.asked_at == delivery.asked_at for other in deliveries.get(body, []))
        if delivery.answered_at < deleted_at and not together:
            found["a group is delivered in order"].append(f"{delivery.body} before {body}")


def check_dead_letters(deliveries, redrives, found):
    promise = "a message is a dead letter after its receives, and not before"
    sources = {redrive.source: redrive.receives_most for redrive in redrives}
    targets = {redrive.target: redrive.receives_most for redrive in redrives}
    for one in deliveries:
        late = one.receive_count > sources.get(one.queue, float("inf"))
        early = one.receive_count <= targets.get(one.queue, 0)
        if late or early:
            found[promise].append(f"{one.body}: delivery {one.receive_count} from {one.queue}")


def check_counts(body, seen, outages, found):
    for delivery in seen:
        # A receive whose answer a kill took away has counted, too.
        asked = sum(other.asked_at <= delivery.answered_at for other in seen)
        lost = sum(outage.begun_at <= delivery.answered_at for outage in outages)
        if delivery.receive_count > asked + lost:
            what = f"{body}: {delivery.receive_count} after {asked} receives and {lost} kills"
            found["a receive count counts receives"].append(what)
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


def check_leases_of_ids(body, seen, found):
    """A message under another id is the same message: its leases do not overlap."""
    for earlier in seen:
        for later in seen:
            early_secs = earlier.asked_at + earlier.lease_secs - later.answered_at
            in_turn = earlier.message_id != later.message_id and earlier.answered_at < later.asked_at
            if in_turn and early_secs > CLOCK_TOLERANCE_SECS:
                what = f"{body}: delivered under another id {early_secs:.3f} s before the lease's end"
                found["a lease holds"].append(what)


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
