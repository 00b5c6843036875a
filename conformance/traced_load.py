"""Runs the service under strace and puts load on it: every connection sends, receives and deletes in turn.

What always holds: a receive finds a message, because its connection has sent one more than it has received; so every
reply of this load says something that must be durable. The trace is complete: the service has ended when it is read.
"""

import os
import signal
import threading

import strace_output
from load_client import Connection
from millpond import Millpond


def run(folder, connections, rounds, body_bytes):
    """Returns the path of the trace; each connection makes `rounds` times three requests."""
    trace = folder / "trace"
    with Millpond(folder, wrapper=strace_output.command(trace)) as millpond:
        ready = millpond.ready
        queue = Connection(millpond.endpoint).expect("CreateQueue", {"QueueName": "traced"})["QueueUrl"]
        failures = []

        def work(number):
            try:
                send_receive_delete(Connection(millpond.endpoint), queue, number, rounds, body_bytes)
            except Exception as failure:
                failures.append(failure)

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
