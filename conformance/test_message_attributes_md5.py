"""Message attributes come back as sent, with the MD5 that SDKs check, over exactly what is returned."""

import hashlib
import struct

import pytest

# Computed by AWS's published algorithm; they agree with the npm package aws-md5-of-message-attributes.
STRING = {"attribName1": {"DataType": "String", "StringValue": "attribValue 1"}}
NUMBER = {
    "customNumberTypeAttrib": {
        "DataType": "Number.float",
        "StringValue": "4563442423554324324264524243.32543234",
    }
}
BINARY = {"binaryAttribute": {"DataType": "Binary", "BinaryValue": b"Hello binary world!"}}
VECTORS = [
    (STRING, "19e27d4e946b072f3f58da80d94fd778"),
    (NUMBER, "9fe1b90bbd9965bdf77bac517c7d2495"),
    (BINARY, "31a92b15d92f8db860eda32aceb656c3"),
    ({**STRING, **NUMBER, **BINARY}, "c932db14a896c663f83c260297d594ff"),
    ({"MyAttribute": {"DataType": "String", "StringValue": "foobar"}}, "adb59cd4678ea5a855436b949cd07ab6"),
]


def md5_of(attributes):
    """MD5 of names, types and values in order of names, each after its length (SQS Developer Guide)."""
    digest = hashlib.md5()
    for name, value in sorted(attributes.items()):
        is_binary = value["DataType"].startswith("Binary")
        data = value["BinaryValue"] if is_binary else value["StringValue"].encode()
        for part in (name.encode(), value["DataType"].encode()):
            digest.update(struct.pack(">I", len(part)) + part)
        digest.update(b"\x02" if is_binary else b"\x01")
        digest.update(struct.pack(">I", len(data)) + data)
    return digest.hexdigest()


@pytest.mark.parametrize(("attributes", "md5"), VECTORS)
def test_the_md5_of_known_attributes(sqs, queue, attributes, md5):
    assert md5_of(attributes) == md5
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == md5
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == md5


@pytest.mark.parametrize(
    ("asked", "returned"),
    [
        (["All"], {"order.id", "order.total", "source"}),
        ([".*"], {"order.id", "order.total", "source"}),
        (["order.*"], {"order.id", "order.total"}),
        (["source"], {"source"}),
        (["source", "absent"], {"source"}),
        (["absent"], set()),
    ],
)
def test_the_named_attributes_come_with_the_md5_of_what_came(sqs, queue, asked, returned):
    attributes = {
        "order.id": {"DataType": "Number", "StringValue": "17"},
        "order.total": {"DataType": "Number.eur", "StringValue": "9.99"},
        "source": {"DataType": "String", "StringValue": "web"},
    }
    sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MessageAttributeNames=asked)["Messages"]
    expected = {name: value for name, value in attributes.items() if name in returned}
    assert message.get("MessageAttributes", {}) == expected
    if expected:
        assert message["MD5OfMessageAttributes"] == md5_of(expected)
    else:
        assert "MessageAttributes" not in message
        assert "MD5OfMessageAttributes" not in message


def test_without_attributes_there_is_no_md5_of_them(sqs, queue):
    assert "MD5OfMessageAttributes" not in sqs.send_message(QueueUrl=queue, MessageBody="x")


def test_entries_of_a_batch_have_their_own_attributes(sqs, queue):
    batch = [
        {"Id": "with", "MessageBody": "x", "MessageAttributes": STRING},
        {"Id": "without", "MessageBody": "y"},
    ]
    sent = {entry["Id"]: entry for entry in sqs.send_message_batch(QueueUrl=queue, Entries=batch)["Successful"]}
    assert sent["with"]["MD5OfMessageAttributes"] == md5_of(STRING)
    assert "MD5OfMessageAttributes" not in sent["without"]


def test_ten_attributes_are_allowed_and_eleven_are_not(sqs, queue):
    eleven = {f"name{number}": {"DataType": "String", "StringValue": "x"} for number in range(11)}
    ten = dict(list(eleven.items())[:10])
    assert sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=ten)["MessageId"]
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=eleven)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_empty_value_is_refused(sqs, queue):
    empty = {"name": {"DataType": "String", "StringValue": ""}}
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=empty)
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"] == "Message (user) attribute 'name' must contain a non-empty value of type 'String'."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (".leading", {"DataType": "String", "StringValue": "x"}),
        ("trailing.", {"DataType": "String", "StringValue": "x"}),
        ("AWS.reserved", {"DataType": "String", "StringValue": "x"}),
        ("amazon.reserved", {"DataType": "String", "StringValue": "x"}),
        ("with space", {"DataType": "String", "StringValue": "x"}),
        ("n" * 257, {"DataType": "String", "StringValue": "x"}),
        ("type", {"DataType": "Date", "StringValue": "x"}),
        ("number", {"DataType": "Number", "StringValue": "seventeen"}),
        ("control", {"DataType": "String", "StringValue": "\u0001"}),
    ],
)
def test_bad_names_types_and_values_are_refused(sqs, queue, name, value):
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes={name: value})
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
