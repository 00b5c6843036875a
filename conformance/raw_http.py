"""SQS requests as bytes: what a client library would hide or refuse to send, sent as it is.

Every request is signed as AWS clients sign (Signature Version 4), so that it stays valid where signatures are
checked; only the header or body that a test is about is unusual. It never retries and follows no redirect.
"""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from millpond import ACCESS_KEY, REGION, SECRET_KEY

JSON_TYPE = "application/x-amz-json-1.0"


@dataclass
class Reply:
    """One HTTP response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    def error_type(self):
        """The error's shape name with its namespace, `com.amazonaws.sqs#QueueDoesNotExist`."""
        return self.json()["__type"]

    def message(self):
        """The error's text; AWS spells the member both ways."""
        body = self.json()
        return body.get("message", body.get("Message"))


def call(endpoint, action, parameters, headers=None):
    """Calls an SQS action with any JSON value as parameters; a header of None is left out."""
    target = {"X-Amz-Target": f"AmazonSQS.{action}"}
    return post(endpoint, json.dumps(parameters).encode(), {**target, **(headers or {})})


def post(endpoint, body, headers, path="/"):
    """Posts bytes with these headers beside those every SQS client sends."""
    usual = {"Content-Type": JSON_TYPE, "x-amzn-query-mode": "true"}
    sent = {name: value for name, value in {**usual, **headers}.items() if value is not None}
    return send(endpoint, "POST", path, body, signed(endpoint, "POST", path, body, sent))


def signed(endpoint, method, path, body, headers, service="sqs", key=(ACCESS_KEY, SECRET_KEY)):
    """These headers, and those that sign the request."""
    request = AWSRequest(method, endpoint + path, data=body, headers=headers)
    SigV4Auth(Credentials(*key), service, REGION).add_auth(request)
    return dict(request.headers)


def own(endpoint, path, body=None, method=None, key=(ACCESS_KEY, SECRET_KEY), headers=None):
    """Calls our own JSON API, signed; `body` is any JSON value, and makes it a POST."""
    data = b"" if body is None else json.dumps(body).encode()
    method = method or ("GET" if body is None else "POST")
    sent = {"Content-Type": "application/json", **(headers or {})}
    address = f"/_millpond/v1/{path}"
    proven = signed(endpoint, method, address, data, sent, "millpond", key)
    return send(endpoint, method, address, data, {"Host": urlsplit(endpoint).netloc, **proven})


def send(endpoint, method, path, body, headers, source=None):
    """Sends one request exactly as given, from this address of the machine, and reads the answer."""
    origin = (source, 0) if source else None
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=30, source_address=origin)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()
