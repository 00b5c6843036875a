"""Hostile and broken requests get a clear refusal, change nothing, and leave the server well."""

import socket
from urllib.parse import urlsplit

import pytest

import raw_http
from millpond import Millpond
from raw_http import call, post

# The requests are written here, as bytes; test_query_requests.py has those of AWS Query.
PROTOCOLS = ["json"]

SEND = {"X-Amz-Target": "AmazonSQS.SendMessage"}
CREATE = {"X-Amz-Target": "AmazonSQS.CreateQueue"}


@pytest.fixture(autouse=True)
def well_afterwards(sqs, unique_name):
    """Whatever a test sends, the server still answers the next client."""
    yield
    url = sqs.create_queue(QueueName=unique_name("well"))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="well")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"] == "well"
    sqs.delete_queue(QueueUrl=url)


def assert_refused(reply):
    assert reply.status == 400
    assert reply.error_type()
    assert reply.message()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"QueueName": }',
        b'{"QueueName": "x"} trailing',
        b"[]",
        b"null",
        b'"text"',
        b'{"QueueName": "\xff\xfe"}',
        b'{"QueueName": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_malformed_json_is_refused(endpoint, body):
    assert_refused(post(endpoint, body, CREATE))


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("CreateQueue", {"QueueName": 7}),
        ("CreateQueue", {"QueueName": None}),
        ("CreateQueue", {"QueueName": ["x"]}),
        ("CreateQueue", {"QueueName": "x", "Attributes": []}),
        ("CreateQueue", {"QueueName": "x", "Attributes": {"VisibilityTimeout": {}}}),
        ("CreateQueue", {}),
        ("SendMessage", {"MessageBody": "x"}),
        ("SendMessage", {"QueueUrl": {}, "MessageBody": "x"}),
        ("SendMessage", {"QueueUrl": "QUEUE", "MessageBody": {"a": 1}}),
        ("SendMessage", {"QueueUrl": "QUEUE", "MessageBody": "x", "DelaySeconds": "soon"}),
        ("SendMessage", {"QueueUrl": "QUEUE", "MessageBody": "x", "DelaySeconds": 1e300}),
        ("SendMessage", {"QueueUrl": "QUEUE", "MessageBody": "x", "MessageAttributes": {"a": "b"}}),
        (
            "SendMessage",
            {
                "QueueUrl": "QUEUE",
                "MessageBody": "x",
                "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "not base64!"}},
            },
        ),
        ("SendMessageBatch", {"QueueUrl": "QUEUE", "Entries": {"Id": "a"}}),
        ("SendMessageBatch", {"QueueUrl": "QUEUE", "Entries": ["a"]}),
        ("ReceiveMessage", {"QueueUrl": "QUEUE", "MaxNumberOfMessages": [1]}),
        ("ReceiveMessage", {"QueueUrl": "QUEUE", "MessageAttributeNames": "All"}),
        ("DeleteMessage", {"QueueUrl": "QUEUE", "ReceiptHandle": 7}),
        ("DeleteMessage", {"QueueUrl": "QUEUE"}),
        ("ChangeMessageVisibility", {"QueueUrl": "QUEUE", "ReceiptHandle": "x"}),
    ],
    ids=str,
)
def test_wrong_types_and_missing_parameters_are_refused(endpoint, sqs, queue, action, parameters):
    sent = {name: queue if value == "QUEUE" else value for name, value in parameters.items()}
    assert_refused(call(endpoint, action, sent))
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_members_that_aws_does_not_know_are_left_alone(endpoint, queue):
    # Newer SDKs may send members that this server has never heard of.
    parameters = {"QueueUrl": queue, "MessageBody": "x", "FutureMember": {"nested": [1, None]}}
    assert call(endpoint, "SendMessage", parameters).status == 200


def test_a_body_far_over_the_limit_is_refused_before_it_is_read(endpoint):
    headers = (
        "POST / HTTP/1.1\r\n"
        f"Host: {urlsplit(endpoint).netloc}\r\n"
        "Content-Type: application/x-amz-json-1.0\r\n"
        "X-Amz-Target: AmazonSQS.SendMessage\r\n"
        "Content-Length: 10737418240\r\n\r\n"
    )
    with connect(endpoint) as connection:
        connection.sendall(headers.encode())
        assert status_line(connection).split()[1] == b"413"


def test_a_body_of_many_megabytes_is_refused(endpoint, queue):
    body = b'{"QueueUrl": "%s", "MessageBody": "%s"}' % (queue.encode(), b"x" * 20_000_000)
    try:
        assert post(endpoint, body, SEND).status == 413
    except (BrokenPipeError, ConnectionResetError):
        # The server may close the connection while the rest is still on its way.
        pass


def test_an_unfinished_request_holds_up_nobody(endpoint, sqs, queue):
    halves = [b"POST", b"POST / HTTP/1.1\r\nHost: 127", b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\n{"]
    connections = [connect(endpoint) for _ in range(50)]
    try:
        for number, connection in enumerate(connections):
            connection.sendall(halves[number % len(halves)])
        sent = sqs.send_message(QueueUrl=queue, MessageBody="not held up")
        (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
        assert message["MessageId"] == sent["MessageId"]
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\x00" * 64,
        b"GET\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"A" * 200_000,
    ],
    ids=lambda noise: repr(noise[:16]),
)
def test_what_is_not_http_is_answered_with_an_error_or_a_closed_connection(endpoint, noise):
    with connect(endpoint) as connection:
        try:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            status = status_line(connection)
        except (BrokenPipeError, ConnectionResetError):
            status = b""
    assert status == b"" or 400 <= int(status.split()[1]) < 600


# What a web page can make a browser send: no page may reach the queue.


def test_json_as_plain_text_is_refused(endpoint, sqs, unique_name):
    # A page can send this to any address without asking, because its type needs no preflight.
    name = unique_name()
    reply = post(endpoint, b'{"QueueName": "%s"}' % name.encode(), {**CREATE, "Content-Type": "text/plain"})
    assert 400 <= reply.status < 500
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name)


def browser_requests(endpoint):
    port = urlsplit(endpoint).port
    neighbour = port + 1 if port < 65535 else port - 1
    return {
        "foreign origin": {"Origin": "https://attacker.example"},
        "null origin": {"Origin": "null"},
        "another port of this machine": {"Origin": f"http://127.0.0.1:{neighbour}"},
        "cross-site": {"Sec-Fetch-Site": "cross-site"},
        "cross-site with a local origin": {"Sec-Fetch-Site": "cross-site", "Origin": endpoint},
        "rebound name": {"Host": "attacker.example"},
        "rebound name with the port": {"Host": f"attacker.example:{port}"},
        "local name inside a foreign one": {"Host": f"localhost.attacker.example:{port}"},
        "local address inside a foreign name": {"Host": f"127.0.0.1.attacker.example:{port}"},
    }


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory):
    """A service that identifies no one: what a page asks for is refused for the page alone."""
    with Millpond(tmp_path_factory.mktemp("open"), ["--auth", "off"]) as millpond:
        yield millpond


@pytest.mark.parametrize("case", browser_requests("http://127.0.0.1:1").keys())
def test_requests_of_foreign_pages_are_refused(open_to_all, unique_name, case):
    name, endpoint = unique_name(), open_to_all.endpoint
    headers = {**CREATE, **browser_requests(endpoint)[case]}
    reply = post(endpoint, b'{"QueueName": "%s"}' % name.encode(), headers)
    assert reply.status == 403
    assert reply.body  # It says why; whoever gets this may be a person with a wrong proxy setting.
    assert "QueueUrls" not in open_to_all.client().list_queues(QueueNamePrefix=name)


@pytest.mark.parametrize("case", browser_requests("http://127.0.0.1:1").keys())
def test_foreign_pages_are_not_told_that_they_may_ask(endpoint, case):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target"}
    headers = {"Host": urlsplit(endpoint).netloc, **asked, **browser_requests(endpoint)[case]}
    reply = raw_http.send(endpoint, "OPTIONS", "/", b"", headers)
    assert reply.status >= 400
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}", "localhost"]
)
def test_local_names_are_served(endpoint, host):
    own = {"Host": host.format(port=urlsplit(endpoint).port)}
    assert call(endpoint, "ListQueues", {}, own).status == 200


def test_the_servers_own_pages_are_served(endpoint):
    own = {"Origin": endpoint, "Sec-Fetch-Site": "same-origin"}
    assert call(endpoint, "ListQueues", {}, own).status == 200


def test_a_request_without_a_host_is_refused(endpoint):
    with connect(endpoint) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        assert 400 <= int(status_line(connection).split()[1]) < 500


def connect(endpoint):
    address = urlsplit(endpoint)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def status_line(connection):
    """The first line of the answer; empty when the connection was closed without one."""
    received = b""
    while b"\r\n" not in received:
        part = connection.recv(1000)
        if not part:
            break
        received += part
    return received.split(b"\r\n")[0]
