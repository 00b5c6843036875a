"""Runs the service under strace and puts load on it: every connection sends, receives and deletes in turn.

Then every two connections share a FIFO queue and ask the same at the same time: the same send, one of which is the duplicate,
a receive, one of which finds nothing, and a delete by the same handle.

What always holds: a receive of the first part finds a message, because its connection has sent one more than it has received;
so every reply of this load says something that must be durable. The trace is complete: the service has ended when it is read.
"""

import os
import signal
import threading

import strace_output
from load_client import Connection
from sync_order import EMPTY
from millpond import Millpond


def replies(connections, rounds):
    """How many replies of each kind a run has. The queues are one and one for each pair."""
    pairs = connections // 2 * rounds
    return {
        "CreateQueue": 1 + connections // 2,
        "SendMessage": connections * rounds + 2 * pairs,
        "ReceiveMessage": connections * rounds + pairs,
        EMPTY: pairs,
        "DeleteMessage": connections * rounds + 2 * pairs,
    }


def run(folder, connections, rounds, body_bytes):
    """Returns the path of the trace; each of an even number of connections makes `rounds` times six requests."""
    trace = folder / "trace"
    with Millpond(folder, wrapper=strace_output.command(trace)) as millpond:
        ready = millpond.ready
        queue = Connection(millpond.endpoint).expect("CreateQueue", {"QueueName": "traced"})["QueueUrl"]
        failures = []
        pairs = [Pair(millpond.endpoint, number) for number in range(connections // 2)]

        def work(number):
            pair = pairs[number // 2]
            try:
                send_receive_delete(Connection(millpond.endpoint), queue, number, rounds, body_bytes)
                ask_twice(Connection(millpond.endpoint), pair, rounds, body_bytes)
            except Exception as failure:
                failures.append(failure)
                pair.together.abort()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # The service and not strace: a tracer that is signalled lets go of what it traces.
        os.kill(ready["pid"], signal.SIGTERM)
        millpond.wait()
    if failures:
        raise failures[0]
    return trace


def send_receive_delete(connection, queue, number, rounds, body_bytes):
    for turn in range(rounds):
        text = f"{number}-{turn}".ljust(body_bytes, ".")
        connection.expect("SendMessage", {"QueueUrl": queue, "MessageBody": text})
        (message,) = connection.expect("ReceiveMessage", {"QueueUrl": queue})["Messages"]
        connection.expect("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]})
    connection.close()


class Pair:
    """Two connections that ask the same at the same time, of a FIFO queue of their own."""

    def __init__(self, endpoint, number):
        parameters = {"QueueName": f"pair-{number}.fifo", "Attributes": {"FifoQueue": "true"}}
        connection = Connection(endpoint)
        self.queue = connection.expect("CreateQueue", parameters)["QueueUrl"]
        connection.close()
        self.together = threading.Barrier(2, timeout=60)
        self.handle = None


def ask_twice(connection, pair, rounds, body_bytes):
    for turn in range(rounds):
        text = str(turn).ljust(body_bytes, ".")
        send = {"MessageBody": text, "MessageGroupId": "group", "MessageDeduplicationId": str(turn)}
        pair.together.wait()
        connection.expect("SendMessage", {"QueueUrl": pair.queue, **send})
        pair.together.wait()
        found = connection.expect("ReceiveMessage", {"QueueUrl": pair.queue}).get("Messages", [])
        for message in found:
            pair.handle = message["ReceiptHandle"]
        pair.together.wait()
        connection.expect("DeleteMessage", {"QueueUrl": pair.queue, "ReceiptHandle": pair.handle})
    connection.close()
