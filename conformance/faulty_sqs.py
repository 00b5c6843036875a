"""A queue service with one planted fault, to show that the checkers find it; without a fault it keeps its promises.

It speaks just enough of SQS for `kill_rounds.py`: one queue, standard semantics, its state an append-only file of
JSON lines that is read again at the next start. SIGKILL keeps what was written to a file, so a write without a
sync is durable here. Run as `faulty_sqs.py PORT DATA_FILE READY_FILE FAULT`.
"""

import json
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FAULTS = {
    "none": "nothing is wrong",
    "early-reply": "answers first and writes a moment later",
    "forgets-deletes": "a delete is not written",
    "forgets-leases": "a lease ends with the process",
    "forgets-counts": "receive counts begin again with the process",
    "ignores-leases": "now and then hands out a leased message",
    "hangs-up": "until its first end, carries out a delete and closes the connection instead of answering",
    "late-deletes": "a delete under way at a kill is undone, but its message is gone once it has been delivered again",
}
LATE_SECS = 0.2
# With late deletes, sends and deletes take so long that there are deletes under way at every kill, and no backlog.
SLOW_SECS = 0.05


class Queue:
    """The queue in memory and its file."""

    def __init__(self, file, fault):
        self.fault = fault
        self.first_life = not file.exists()
        self._lock = threading.Lock()
        self._messages = {}
        self._doomed = set()
        self._receives = 0
        for line in file.read_text().splitlines() if file.exists() else []:
            self._apply(json.loads(line), replayed=True)
        self._file = file.open("a")
        self._unwritten = []
        if fault == "early-reply":
            threading.Thread(target=self._write_late, daemon=True).start()

    def send(self, body):
        if self.fault == "late-deletes":
            time.sleep(SLOW_SECS)
        with self._lock:
            message = {"id": str(uuid.uuid4()), "body": body, "count": 0, "visible_at": 0.0}
            self._record({"sent": message})
            return message["id"]

    def receive(self, most, lease_secs):
        now = time.time()
        with self._lock:
            self._receives += 1
            leaky = self.fault == "ignores-leases" and self._receives % 50 == 0
            found = [one for one in self._messages.values() if leaky or one["visible_at"] <= now][:most]
            for message in found:
                event = {"id": message["id"], "count": message["count"] + 1, "visible_at": now + lease_secs}
                self._record({"received": event})
                if message["id"] in self._doomed:
                    self._record({"deleted": message["id"]})
            return [dict(message) for message in found]

    def delete_all(self, handles):
        if self.fault == "late-deletes":
            with self._lock:
                self._write([{"doomed": handle.rsplit("/", 1)[0]} for handle in handles])
            time.sleep(SLOW_SECS)
        for handle in handles:
            self.delete(handle)

    def delete(self, handle):
        message_id, count = handle.rsplit("/", 1)
        with self._lock:
            message = self._messages.get(message_id)
            if message and message["count"] == int(count):
                self._record({"deleted": message_id})

    def _record(self, event):
        self._apply(event)
        if self.fault == "early-reply":
            self._unwritten.append(event)
        elif not (self.fault == "forgets-deletes" and "deleted" in event):
            self._write([event])

    def _apply(self, event, replayed=False):
        if "sent" in event:
            self._messages[event["sent"]["id"]] = event["sent"]
        elif "deleted" in event:
            self._messages.pop(event["deleted"], None)
        elif "doomed" in event:
            # Only ever read again after a kill.
            self._doomed.add(event["doomed"])
        elif event["received"]["id"] in self._messages:
            message = self._messages[event["received"]["id"]]
            if not (replayed and self.fault == "forgets-counts"):
                message["count"] = event["received"]["count"]
            if not (replayed and self.fault == "forgets-leases"):
                message["visible_at"] = event["received"]["visible_at"]

    def _write(self, events):
        self._file.write("".join(json.dumps(event) + "\n" for event in events))
        self._file.flush()

    def _write_late(self):
        while True:
            time.sleep(LATE_SECS)
            with self._lock:
                self._write(self._unwritten)
                self._unwritten.clear()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        parameters = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        action = self.headers["X-Amz-Target"].removeprefix("AmazonSQS.")
        body = json.dumps(getattr(self, action)(self.server.queue, parameters)).encode()
        queue = self.server.queue
        if action == "DeleteMessageBatch" and queue.fault == "hangs-up" and queue.first_life:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def CreateQueue(self, _queue, parameters):
        return {"QueueUrl": f"http://{self.headers['Host']}/000000000000/{parameters['QueueName']}"}

    def SendMessage(self, queue, parameters):
        return {"MessageId": queue.send(parameters["MessageBody"])}

    def ReceiveMessage(self, queue, parameters):
        deadline = time.monotonic() + parameters["WaitTimeSeconds"]
        found = []
        while not found and time.monotonic() < deadline:
            found = queue.receive(parameters["MaxNumberOfMessages"], parameters["VisibilityTimeout"])
            if not found:
                time.sleep(0.01)
        return {
            "Messages": [
                {
                    "Body": message["body"],
                    "MessageId": message["id"],
                    "ReceiptHandle": f"{message['id']}/{message['count']}",
                    "Attributes": {"ApproximateReceiveCount": str(message["count"])},
                }
                for message in found
            ]
        }

    def DeleteMessageBatch(self, queue, parameters):
        queue.delete_all([entry["ReceiptHandle"] for entry in parameters["Entries"]])
        return {"Successful": [{"Id": entry["Id"]} for entry in parameters["Entries"]]}

    def log_message(self, *_):
        pass


def main(port, data_file, ready_file, fault):
    if fault not in FAULTS:
        print(f"faulty_sqs.py: no fault {fault!r}; there are {', '.join(FAULTS)}", file=sys.stderr)
        return 2
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.daemon_threads = True
    server.queue = Queue(Path(data_file), fault)
    partial = Path(ready_file + ".new")
    partial.write_text(json.dumps({"endpoint": f"http://127.0.0.1:{server.server_address[1]}"}))
    partial.rename(ready_file)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
