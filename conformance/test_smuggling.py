"""Signed requests whose bytes two readers could understand differently: what is routed is what was signed, or nothing."""

import socket
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from millpond import ACCESS_KEY, REGION, SECRET_KEY

PROTOCOLS = ["json"]
FORM = "application/x-www-form-urlencoded"
BEHIND = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def signed(endpoint, path, body):
    request = AWSRequest("POST", endpoint + path, data=body, headers={"Content-Type": FORM})
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "sqs", REGION).add_auth(request)
    return dict(request.headers)


def exchange(endpoint, path, headers, body):
    """Sends a request as it is, with another behind it, and returns all that is answered."""
    address = urlsplit(endpoint)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    request = f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\n{head}\r\n".encode() + body + BEHIND
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: received(connection), b"")).decode()


def received(connection):
    try:
        return connection.recv(4096)
    except ConnectionResetError:
        return b""  # It has ended.


@pytest.fixture(scope="module")
def queue_path(sqs):
    return urlsplit(sqs.create_queue(QueueName="smuggled")["QueueUrl"]).path


SEND = b"Action=SendMessage&MessageBody=x"


def test_the_usual_request_is_taken(endpoint, queue_path):
    headers = list(signed(endpoint, queue_path, SEND).items()) + [("Content-Length", len(SEND))]
    answered = exchange(endpoint, queue_path, headers, SEND)
    assert answered.startswith("HTTP/1.1 200") and answered.endswith("\r\n\r\nok\n")


@pytest.mark.parametrize("trick", ["/.{}", "/x/..{}", "/{}", "{}/.", "{}/../smuggled", "{}%00", "{}%2f", "/%2e{}"])
def test_a_path_that_only_becomes_the_signed_one_is_refused(endpoint, queue_path, trick):
    headers = list(signed(endpoint, queue_path, SEND).items()) + [("Content-Length", len(SEND))]
    answered = exchange(endpoint, trick.format(queue_path), headers, SEND)
    assert answered.startswith("HTTP/1.1 400") and answered.count("HTTP/1.1 ") == 1


@pytest.mark.parametrize("trick", ["/.{}", "/x/..{}", "{}/../other"])
def test_a_signature_of_a_path_in_another_form_opens_nothing(endpoint, queue_path, trick):
    path = trick.format(queue_path)
    headers = list(signed(endpoint, path, SEND).items()) + [("Content-Length", len(SEND))]
    answered = exchange(endpoint, path, headers, SEND)
    assert answered.startswith("HTTP/1.1 400") and answered.count("HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "framing",
    [
        [("Content-Length", len(SEND)), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "chunked"), ("Content-Length", len(SEND))],
        [("Content-Length", len(SEND)), ("Content-Length", 0)],
        [("Content-Length", f"{len(SEND)}, {len(SEND)}1")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "\tchunked, identity")],
        [("Content-Length ", len(SEND))],
        [("X", "a\r\n b"), ("Content-Length", len(SEND))],
        [("Host", "other.example"), ("Content-Length", len(SEND))],
        [("X-Amz-Date", "20200101T000000Z"), ("Content-Length", len(SEND))],
        [("Authorization", "AWS4-HMAC-SHA256 x"), ("Content-Length", len(SEND))],
    ],
)
def test_a_signature_does_not_excuse_a_body_without_a_clear_end(endpoint, queue_path, framing):
    headers = list(signed(endpoint, queue_path, SEND).items()) + framing
    answered = exchange(endpoint, queue_path, headers, SEND)
    assert answered.startswith("HTTP/1.1 400") and answered.count("HTTP/1.1 ") == 1


def test_nothing_was_sent_by_a_trick(endpoint, sqs, queue_path):
    counted = sqs.get_queue_attributes(
        QueueUrl=endpoint + queue_path, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert counted["Attributes"]["ApproximateNumberOfMessages"] == "1"
