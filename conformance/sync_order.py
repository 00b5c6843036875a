"""Whether every reply of a traced service left only after the sync that makes durable what it says.

A reply is covered when each fact that it reveals was written to a log segment, a `fdatasync` of that segment began
after the write had ended, and that sync had ended before the reply's write began; for a segment that was given its
name in the trace, a sync of the directory after the rename, too. The fact is found by the message id in the reply
(SendMessage, a duplicate as well as the send that it repeats), by the receipt handles in it (ReceiveMessage: this very
delivery, and the message's own send), or by the handle in the request (DeleteMessage, the first one and those after it).
A receive without messages reveals that every message whose send was answered before it was asked is leased or deleted; it is
judged so, which holds where no lease ends and no message is delayed while the trace runs.

What always holds: a 200 that can't be mapped to facts is reported as loudly as one that came early.
"""

import base64
import json
import os.path
import re
import struct
from collections import Counter, defaultdict

import log_records
import strace_output

SEGMENT = re.compile(r"segment-[0-9a-f]{16}")
# A receive that is answered with no message.
EMPTY = "empty ReceiveMessage"
# How bytes might leave without a buffer that the trace shows.
UNSEEN = {"sendfile", "splice", "copy_file_range", "io_uring_setup"}


class SyncOrder:
    """Reads a trace; afterwards `problems` says what is wrong, `covered` counts covered replies by action.

    `syncs` counts syncs of the log and `segments_begun` the segments that got their name in the trace.
    """

    def __init__(self, lines):
        self.problems = []
        self.covered = Counter()
        self.syncs = 0
        self.segments_begun = 0
        self._written = []
        self._durable = {}
        self._deliveries = defaultdict(list)
        self._message_ids = {}
        self._unsynced_names = {}
        self._requests = defaultdict(bytes)
        self._asked_lines = {}
        # By the address of its queue: where the answer to each send began, and what was sent.
        self._acknowledged = defaultdict(list)
        # By queue and sequence: where it was first leased or deleted for good.
        self._taken = {}
        self._replies = []
        for call in strace_output.calls(lines):
            self._take(call)
        # Calls come by their end, replies are judged by their beginning: all syncs have to be known first.
        for (what, *message, _), line in self._durable.items():
            if what in ("received", "deleted"):
                self._taken[tuple(message)] = min(line, self._taken.get(tuple(message), line))
        for reply in self._replies:
            self._note_send(*reply)
        for reply in self._replies:
            self._judge(*reply)

    def _take(self, call):
        path = call.path()
        name = os.path.basename(path)
        if call.name in UNSEEN or (call.name == "mmap" and SEGMENT.search(call.arguments)):
            self.problems.append(f"{call.name}: bytes that the trace does not show")
        elif path.startswith("socket:"):
            self._take_socket(call, path)
        elif call.name.startswith("rename") and call.result == 0:
            new = os.path.basename(call.strings()[-1].decode())
            if SEGMENT.fullmatch(new):
                self.segments_begun += 1
                self._unsynced_names[new] = call.ended_line
        elif call.name == "fsync" and call.result == 0:
            for segment, renamed_line in list(self._unsynced_names.items()):
                if call.begun_line > renamed_line:
                    del self._unsynced_names[segment]
                    self._settle(lambda write: write[1] == segment, call.ended_line)
        elif not SEGMENT.fullmatch(name):
            return
        elif call.name in ("pwrite64", "pwritev", "pwritev2", "write", "writev"):
            self._written.append([call.ended_line, name, self._facts(call), False])
        elif call.name == "fdatasync" and call.result == 0:
            self.syncs += 1
            for write in self._written:
                if write[1] == name and write[0] < call.begun_line:
                    write[3] = True
            self._settle(lambda write: write[1] == name, call.ended_line)

    def _facts(self, call):
        facts = []
        for batch in log_records.batches(call.data()):
            facts += [(*fact, self._occurrence(fact)) for fact in batch.facts]
            self._message_ids.update(batch.message_ids)
            if not batch.facts:
                facts.append(("raw", batch.raw))
        return facts

    def _occurrence(self, fact):
        """A message is received more than once; each delivery is a fact of its own, counted from 1."""
        if fact[0] != "received":
            return 1
        self._deliveries[fact].append(fact)
        return len(self._deliveries[fact])

    def _settle(self, concerned, line):
        """Facts of synced writes to a segment whose name is durable are durable from this line on."""
        waiting = []
        for write in self._written:
            if write[3] and concerned(write) and write[1] not in self._unsynced_names:
                self._durable.update((fact, line) for fact in write[2])
            else:
                waiting.append(write)
        self._written = waiting

    def _take_socket(self, call, socket):
        if call.name in ("recvfrom", "recvmsg", "read", "readv"):
            self._requests[socket] += call.data()
            self._asked_lines[socket] = call.ended_line
        elif call.data().startswith(b"HTTP/1.1 "):
            request, self._requests[socket] = self._requests[socket], b""
            self._replies.append((call.begun_line, self._asked_lines.get(socket, 0), request, call.data()))

    def _note_send(self, line, _asked_line, request, reply):
        if reply.startswith(b"HTTP/1.1 200") and action_of(request) == "SendMessage":
            fact = self._message_ids.get(body(reply)["MessageId"])
            if fact:
                self._acknowledged[body(request).get("QueueUrl")].append((line, fact))

    def _judge(self, line, asked_line, request, reply):
        if not reply.startswith(b"HTTP/1.1 200"):
            return
        if action_of(request) == "ReceiveMessage" and not body(reply).get("Messages"):
            self._judge_empty(line, asked_line, body(request)["QueueUrl"])
            return
        action, facts = self._revealed(request, reply)
        if not facts:
            self.problems.append(f"line {line}: a 200 to {action} that maps to nothing in the log")
            return
        for fact in facts:
            durable_line = self._durable.get(fact)
            if durable_line is None or durable_line > line:
                when = f"durable at line {durable_line}" if durable_line else "never durable"
                self.problems.append(f"line {line}: a 200 to {action} left early: {fact} is {when}")
                return
        self.covered[action] += 1

    def _judge_empty(self, line, asked_line, queue):
        for sent_line, (_, *message) in self._acknowledged[queue]:
            if sent_line < asked_line and self._taken.get(tuple(message), line) >= line:
                self.problems.append(
                    f"line {line}: a 200 to an empty ReceiveMessage left early: {message} was there, "
                    "and who took it has not made that durable"
                )
                return
        self.covered[EMPTY] += 1

    def _revealed(self, request, reply):
        action = action_of(request)
        asked, answered = body(request), body(reply)
        if action == "SendMessage":
            fact = self._message_ids.get(answered["MessageId"])
            return action, [(*fact, 1)] if fact else []
        if action == "ReceiveMessage":
            return action, [fact for one in answered.get("Messages", []) for fact in delivered(one)]
        if action == "DeleteMessage":
            queue, sequence, _ = claim(asked["ReceiptHandle"])
            return action, [("deleted", queue, sequence, 1)]
        if action == "CreateQueue":
            name = asked["QueueName"].encode()
            return action, [fact for fact in self._durable if fact[0] == "raw" and name in fact[1]]
        return action, []


def action_of(request):
    found = re.search(rb"(?i)x-amz-target: *AmazonSQS\.(\w+)", request)
    return found.group(1).decode() if found else "an unknown request"


def delivered(message):
    queue, sequence, delivery = claim(message["ReceiptHandle"])
    return [("received", queue, sequence, delivery), ("sent", queue, sequence, 1)]


def body(message):
    text = message.partition(b"\r\n\r\n")[2]
    return json.loads(text) if text else {}


def claim(handle):
    """Queue, sequence and delivery that a receipt handle names."""
    data = base64.urlsafe_b64decode(handle + "=" * (-len(handle) % 4))
    return struct.unpack_from("<xQQI", data)
