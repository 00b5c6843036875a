"""Requests as SDKs that do not run here put them on the wire: Go, Java, PHP (Laravel), Ruby, .NET.

Each shape sends, receives and deletes one message. What differs is the path, the headers and the encoding of the body;
the shapes are those of the SDKs' serializers.
"""

import http.client
import json
from urllib.parse import urlencode, urlsplit

import pytest
import raw_http

PROTOCOLS = ["json"]
GO = {
    "User-Agent": "aws-sdk-go-v2/1.41.0 os/linux lang/go#1.25.4 md/GOOS#linux api/sqs#1.42.20",
    "Amz-Sdk-Invocation-Id": "8a1e7e4e-0dbb-4b5a-9a0e-6d9c0f3b2a11",
    "Amz-Sdk-Request": "attempt=1; max=3",
    "Accept-Encoding": "gzip",
    "X-Amzn-Query-Mode": "true",
}
JAVA = {
    "User-Agent": "aws-sdk-java/2.39.0 md/io#sync md/http#Apache api/SQS#2.39.0",
    "amz-sdk-invocation-id": "0c5f0a3e-53d6-3f2c-a1c5-5a4e0d4f8a55",
    "amz-sdk-request": "attempt=1; max=4",
    "x-amzn-query-mode": "true",
    "Connection": "Keep-Alive",
}
NET = {"User-Agent": "aws-sdk-dotnet-coreclr/4.0.2 api/SQS#4.0.2", "amz-sdk-request": "attempt=1; max=5"}
PHP = {"User-Agent": "aws-sdk-php/3.369.0 OS/Linux#6.1 lang/php#8.4", "aws-sdk-retry": "0/0", "Accept": None}


def to_root(_url):
    return "/"


def to_queue(url):
    return urlsplit(url).path


def json_call(path_of, headers):
    def call(endpoint, url, action, parameters):
        body = json.dumps({"QueueUrl": url, **parameters}).encode()
        reply = raw_http.post(endpoint, body, {"X-Amz-Target": f"AmazonSQS.{action}", **headers}, path_of(url))
        assert (reply.status, reply.headers["Content-Type"]) == (200, raw_http.JSON_TYPE), reply.body
        return reply.json() if reply.body else {}

    return call


def json_without_query_mode(endpoint, url, action, parameters):
    return json_call(to_root, {"x-amzn-query-mode": None})(endpoint, url, action, parameters)


def json_in_chunks(endpoint, url, action, parameters):
    """A body whose length is told by its end."""
    body = json.dumps({"QueueUrl": url, **parameters}).encode()
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=30)
    headers = {"Content-Type": raw_http.JSON_TYPE, "X-Amz-Target": f"AmazonSQS.{action}"}
    headers = raw_http.signed(endpoint, "POST", "/", body, headers)
    half = len(body) // 2
    connection.request("POST", "/", iter([body[:half], body[half:]]), headers, encode_chunked=True)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    assert response.status == 200, answer
    return json.loads(answer) if answer else {}


def query_to_queue_in_json(endpoint, url, action, parameters):
    """AWS Query by an SDK for Java of before, on the queue's path, asking for JSON."""
    fields = urlencode({"Action": action, "Version": "2012-11-05", **parameters})
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "Accept": "application/json",
        "User-Agent": "aws-sdk-java/1.12.500",
        "x-amzn-query-mode": None,
    }
    reply = raw_http.post(endpoint, fields.encode(), headers, to_queue(url))
    assert reply.status == 200, reply.body
    return reply.json()[f"{action}Response"].get(f"{action}Result") or {}


SHAPES = {
    "go": json_call(to_root, GO),
    "java": json_call(to_root, JAVA),
    "net": json_call(to_root, NET),
    "php": json_call(to_queue, PHP),
    "ruby": json_call(to_queue, {"Content-Type": "application/x-amz-json-1.0", "Accept-Encoding": ""}),
    "without-query-mode": json_without_query_mode,
    "in-chunks": json_in_chunks,
    "query-in-json": query_to_queue_in_json,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_message_lives(server, queue, shape):
    def call(action, parameters):
        return SHAPES[shape](server.endpoint, queue, action, parameters)

    sent = call("SendMessage", {"MessageBody": "größer & kleiner"})
    answer = call("ReceiveMessage", {"MaxNumberOfMessages": 1, "WaitTimeSeconds": 0})
    # The JSON form of AWS Query spells the list in its own way.
    (message,) = answer.get("Messages") or answer["messages"]
    assert message["Body"] == "größer & kleiner"
    assert message["MessageId"] == sent["MessageId"]
    assert call("DeleteMessage", {"ReceiptHandle": message["ReceiptHandle"]}) == {}
    assert not call("ReceiveMessage", {}).get("Messages")
