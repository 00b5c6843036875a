"""A plain SQS client for load: one kept connection, and nothing between the caller and the bytes.

What always holds: one request is under way at a time, and `call` returns only with a whole answer; whatever goes
wrong on the way is an OSError, so the caller knows that the outcome is unknown. It refuses to retry, and signs with the
root key of the harness (Signature Version 4). Only the standard library is used.
"""

import datetime
import functools
import hashlib
import hmac
import json
import socket
from urllib.parse import urlsplit

from millpond import ACCESS_KEY, REGION, SECRET_KEY

JSON_TYPE = "application/x-amz-json-1.0"


class Connection:
    """A connection to a service; it is opened by the first call."""

    def __init__(self, endpoint, timeout_secs=60):
        address = urlsplit(endpoint)
        self._address = (address.hostname, address.port)
        self._host = address.netloc
        self._timeout_secs = timeout_secs
        self._socket = None
        self._received = b""

    def call(self, action, parameters):
        """Calls an action; returns the HTTP status and the answer's JSON (an empty body is `{}`)."""
        self.begin(action, parameters)
        return self.finish()

    def begin(self, action, parameters):
        """Sends a request, whose answer `finish` returns."""
        body = json.dumps(parameters).encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in signed(self._host, action, body).items())
        head = f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        self.send_bytes(head.encode() + body)

    def send_bytes(self, data):
        """Sends bytes as they are, perhaps none."""
        if not self._socket:
            self._socket = socket.create_connection(self._address, self._timeout_secs)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(data)

    def expect(self, action, parameters):
        """Calls an action that must succeed; returns the answer's JSON."""
        status, answer = self.call(action, parameters)
        if status != 200:
            raise RuntimeError(f"{action} was answered with {status}: {answer}")
        return answer

    def close(self):
        """Closes the connection; a call opens another."""
        if self._socket:
            self._socket.close()
            self._socket = None
            self._received = b""

    def finish(self):
        """The answer to the request that was begun, as `call` returns it."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        status, length = int(head.split(None, 2)[1]), 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._received = rest
        while len(self._received) < length:
            self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return status, json.loads(body) if body else {}

    def _receive(self):
        part = self._socket.recv(262_144)
        if not part:
            raise ConnectionResetError("the service closed the connection")
        self._received += part


def signed(host, action, body):
    """The headers of a request, with its signature."""
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": JSON_TYPE,
        "host": host,
        "x-amz-date": moment,
        "x-amz-target": f"AmazonSQS.{action}",
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{REGION}/sqs/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(signing_key(moment[:8]), text.encode(), hashlib.sha256).hexdigest()
    proof = f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": proof}


@functools.cache
def signing_key(day):
    """What signatures of a day are made with."""
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (day, REGION, "sqs", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
