"""What a write to the log contains: frames as docs/format/log.md defines them, batches as core's format/batch.rs does.

A fact is `(what, queue, sequence)`, where `what` is "sent", "received" or "deleted"; a sent message has its id
beside it. Creation of queues and documents is not taken apart; `Batch.raw` has the bytes.
It refuses to guess: bytes that are no frame are an error.
"""

import struct
import uuid
from typing import NamedTuple

FRAME_MAGIC, SEGMENT_MAGIC = b"MPB", b"MPS"
HEADER_BYTES = 64
BLOCK_BYTES = 4096
BATCH_HEADER = struct.Struct("<BQI")
SENT, RECEIVED, RETURNED, VISIBILITY, DELETED, EXPIRED = 7, 8, 9, 10, 11, 12
SENT_IN_GROUP, RECEIVED_IN_ORDER = 17, 18
KEY_BYTES, ABSENT = 16, 0
WITH_SEQUENCES = {RECEIVED: "received", RETURNED: "returned", DELETED: "deleted", EXPIRED: "expired"}


class Batch(NamedTuple):
    """One batch of events."""

    facts: list
    message_ids: dict
    raw: bytes


def batches(data):
    """The batches in one write to a segment; none when the write is a segment's header."""
    place = 0
    while place < len(data):
        magic = data[place : place + 3]
        if magic == SEGMENT_MAGIC and place == 0 and len(data) == HEADER_BYTES:
            return
        if magic != FRAME_MAGIC:
            raise ValueError(f"no frame at byte {place} of a write to the log: {magic!r}")
        (length,) = struct.unpack_from("<I", data, place + 52)
        yield batch(data[place + HEADER_BYTES : place + HEADER_BYTES + length])
        # The next frame begins at the next block.
        place += -(-(HEADER_BYTES + length) // BLOCK_BYTES) * BLOCK_BYTES


def batch(payload):
    found = Batch([], {}, payload)
    if not payload:
        return found
    _version, _at, count = BATCH_HEADER.unpack_from(payload)
    place = BATCH_HEADER.size
    for _ in range(count):
        tag = payload[place]
        if tag in (SENT, SENT_IN_GROUP):
            place = sent(payload, place + 1, found, in_group=tag == SENT_IN_GROUP)
        elif tag == RECEIVED_IN_ORDER:
            place = with_sequences(payload, place + 1, found, "received", timed=True)
            (followers,), place = varints(payload, place, 1)
            _, place = varints(payload, place, followers)
        elif tag in WITH_SEQUENCES:
            place = with_sequences(payload, place + 1, found, WITH_SEQUENCES[tag], timed=tag == RECEIVED)
        elif tag == VISIBILITY:
            (queue, sequence, _), place = varints(payload, place + 1, 3)
            found.facts.append(("visibility", queue, sequence))
        else:
            return found  # Of another kind, and none of the kinds above shares a batch with it here.
    return found


def sent(payload, place, found, in_group):
    (queue, sequence, _visible_at), place = varints(payload, place, 3)
    if in_group:
        place += 1 + (KEY_BYTES if payload[place] != ABSENT else 0)
        # What is remembered of it: its deduplication key and its id.
        place += 1 + (2 * KEY_BYTES if payload[place] != ABSENT else 0)
    (length,), place = varints(payload, place, 1)
    # A checksum, then the id as a little-endian number.
    message_id = uuid.UUID(int=int.from_bytes(payload[place + 4 : place + 20], "little"))
    found.facts.append(("sent", queue, sequence))
    found.message_ids[str(message_id)] = ("sent", queue, sequence)
    return place + length


def with_sequences(payload, place, found, what, timed):
    numbers, place = varints(payload, place, 3 if timed else 2)
    sequences, place = varints(payload, place, numbers[-1])
    found.facts.extend((what, numbers[0], sequence) for sequence in sequences)
    return place


def varints(data, place, count):
    """So many unsigned LEB128 numbers, and the place behind them."""
    numbers = []
    for _ in range(count):
        value, shift = 0, 0
        while data[place] & 0x80:
            value |= (data[place] & 0x7F) << shift
            place, shift = place + 1, shift + 7
        numbers.append(value | data[place] << shift)
        place += 1
    return numbers, place
