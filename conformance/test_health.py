"""Whether the process lives and whether it takes requests; and what our own API answers when it refuses."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

import raw_http

PROTOCOLS = ["json"]


def get(endpoint, path, method="GET", **headers):
    sent = {"Host": urlsplit(endpoint).netloc, **headers}
    return raw_http.send(endpoint, method, path, None, sent)


@pytest.mark.parametrize(("path", "body"), [("/health", b"ok\n"), ("/ready", b"ready\n")])
def test_a_running_service_is_well(endpoint, path, body):
    answer = get(endpoint, path)
    assert (answer.status, answer.body) == (200, body)
    answer = get(endpoint, path, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert get(endpoint, path, "POST").status == 404


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_no_foreign_page_asks(endpoint, path):
    assert get(endpoint, path, Host="attacker.example").status == 403
    assert get(endpoint, path, Origin="https://attacker.example").status == 403


def test_a_stopped_service_does_not_answer(server):
    server.stop()
    try:
        with pytest.raises(ConnectionRefusedError):
            get(server.endpoint, "/health")
    finally:
        server.start()
    assert get(server.endpoint, "/ready").status == 200


# Every answer of our own API is JSON.


def own(endpoint, path, method="GET", body=None, **headers):
    sent = {"Host": urlsplit(endpoint).netloc, **headers}
    answer = raw_http.send(endpoint, method, "/_millpond/v1/" + path, body, sent)
    return in_json(answer)


def in_json(answer):
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status, answer.json()


@pytest.mark.parametrize(
    "headers",
    [{"Host": "attacker.example"}, {"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "same-site"}],
    ids=lambda headers: next(iter(headers)),
)
def test_a_foreign_request_is_refused_in_json(endpoint, headers):
    status, body = own(endpoint, "queues", **headers)
    assert status == 403
    assert list(body) == ["error"] and body["error"]


def test_a_body_that_is_too_large_is_refused_in_json(endpoint):
    address = urlsplit(endpoint).netloc
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.putrequest("POST", "/_millpond/v1/stacks/x")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(1 << 30))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/json")
    assert "larger than 8388608 bytes" in json.loads(answer.read())["error"]
    connection.close()


def test_a_body_that_breaks_off_is_no_large_one(endpoint):
    host = urlsplit(endpoint)
    with socket.create_connection((host.hostname, host.port), timeout=30) as connection:
        connection.sendall(
            f"POST /_millpond/v1/stacks/x HTTP/1.1\r\nHost: {host.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
            "nonsense\r\n".encode()
        )
        first = connection.recv(1000).split(b"\r\n")[0]
    assert first.split()[1] == b"400"


@pytest.mark.parametrize("path", ["nothing", "queues/1", "queues/000000000000/us-east-1/not-there"])
def test_what_is_not_there_is_said_in_json(endpoint, path):
    status, body = in_json(raw_http.own(endpoint, path))
    assert (status, list(body)) == (404, ["error"])


def test_one_queue_can_be_asked_for(endpoint, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    name = queue.rsplit("/", 1)[1]
    status, body = in_json(raw_http.own(endpoint, f"queues/000000000000/us-east-1/{name}"))
    assert status == 200
    _, listed = in_json(raw_http.own(endpoint, "queues"))
    assert body["queue"] in listed["queues"]
    assert (body["queue"]["visible"], body["queue"]["expired"]) == (1, 0)
