"""AWS Query as it is on the wire: where parameters may stand, what XML comes back, and who may send them.

What clients of this protocol read is in every other file; here is what they hide.
"""

import hashlib
import json
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import raw_http
from millpond import ACCESS_KEY, REGION, SECRET_KEY
from test_bad_input import browser_requests

# The requests are written here, as bytes.
PROTOCOLS = ["json"]

NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
PREFIX = "AWS.SimpleQueueService."


@pytest.fixture(autouse=True)
def well_afterwards(sqs, unique_name):
    """Whatever a test sends, the server still answers the next client."""
    yield
    url = sqs.create_queue(QueueName=unique_name("well"))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="well")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"] == "well"
    sqs.delete_queue(QueueUrl=url)


def post(endpoint, path="/", headers=None, **parameters):
    """Posts a form; `_` in a name stands for `.`."""
    return post_bytes(endpoint, urlencode(named(parameters)).encode(), path, headers)


def post_bytes(endpoint, body, path="/", headers=None):
    sent = {"Content-Type": FORM_TYPE, "x-amzn-query-mode": None, **(headers or {})}
    return raw_http.post(endpoint, body, sent, path)


def submit(endpoint, path="/", headers=None, **parameters):
    """Posts a form as a browser does: nothing is signed."""
    usual = {"Host": urlsplit(endpoint).netloc, "Content-Type": FORM_TYPE}
    body = urlencode(named(parameters)).encode()
    return raw_http.send(endpoint, "POST", path, body, {**usual, **(headers or {})})


def get(endpoint, path="/", headers=None, **parameters):
    """Calls by GET with these parameters in the address, signed in the headers."""
    address = f"{path}?{urlencode(named(parameters))}"
    proven = raw_http.signed(endpoint, "GET", address, None, headers or {})
    return raw_http.send(endpoint, "GET", address, None, {"Host": urlsplit(endpoint).netloc, **proven})


def visit(endpoint, path="/", headers=None, **parameters):
    """Opens an address as a browser does: nothing is signed."""
    host = {"Host": urlsplit(endpoint).netloc}
    return raw_http.send(endpoint, "GET", f"{path}?{urlencode(named(parameters))}", None, {**host, **(headers or {})})


def named(parameters):
    return {name.replace("_", "."): value for name, value in parameters.items()}


def path_of(queue):
    return urlsplit(queue).path


def xml(reply):
    """The root of an XML reply."""
    assert reply.headers["Content-Type"].startswith("text/xml"), reply
    return ElementTree.fromstring(reply.body)


def texts(reply, name):
    """The texts of all elements of this name."""
    return [element.text for element in xml(reply).iter(f"{{{NAMESPACE}}}{name}")]


def error(reply):
    """Status, type, code and text of an error; it has nothing else."""
    root = xml(reply)
    assert root.tag == f"{{{NAMESPACE}}}ErrorResponse"
    assert [element.tag.split("}")[1] for element in root] == ["Error", "RequestId"]
    assert [element.tag.split("}")[1] for element in root[0]] == ["Type", "Code", "Message", "Detail"]
    return reply.status, *[element.text for element in root[0]][:3]


@pytest.mark.parametrize("body", ['"quoted"', "line\r\nends\r", "<b attribute='x'>&amp;</b>", "\tZoë 東京 🦆 \u0085\ufffd"])
def test_a_body_survives_xml(endpoint, queue, body):
    sent = post(endpoint, path_of(queue), Action="SendMessage", MessageBody=body)
    assert texts(sent, "MD5OfMessageBody") == [hashlib.md5(body.encode()).hexdigest()]
    received = post(endpoint, path_of(queue), Action="ReceiveMessage", WaitTimeSeconds=5)
    assert texts(received, "Body") == [body]
    written = received.body.split(b"<Body>")[1].split(b"</Body>")[0]
    # Old clients check digests over what they read: these two must be escaped.
    assert b'"' not in written and b"\r" not in written


def test_a_reply_has_one_request_id(endpoint, queue):
    for reply in (post(endpoint, Action="ListQueues"), post(endpoint, Action="Foobar")):
        assert texts(reply, "RequestId") == [reply.headers["x-amzn-RequestId"]]


def test_an_empty_receive_is_an_empty_element(endpoint, queue):
    assert b"<ReceiveMessageResult/>" in post(endpoint, path_of(queue), Action="ReceiveMessage").body


def test_an_action_without_a_result_has_metadata_only(endpoint, queue):
    root = xml(post(endpoint, path_of(queue), Action="PurgeQueue"))
    assert root.tag == f"{{{NAMESPACE}}}PurgeQueueResponse"
    assert [element.tag for element in root] == [f"{{{NAMESPACE}}}ResponseMetadata"]


def error_cases():
    """Parameters, then status, code and text as AWS gives them; Q is the queue's URL."""
    no_queue = (400, PREFIX + "NonExistentQueue", "The specified queue does not exist for this wsdl version.")
    not_valid = "The action {} is not valid for this endpoint."
    return {
        "queue": ({"Action": "ReceiveMessage", "QueueUrl": "Q-absent"}, *no_queue),
        "queue name": ({"Action": "GetQueueUrl", "QueueName": "absent"}, *no_queue),
        "action": ({"Action": "Foobar"}, 400, "InvalidAction", not_valid.format("Foobar")),
        "attribute": (
            {"Action": "GetQueueAttributes", "QueueUrl": "Q", "AttributeName_1": "Foobar"},
            400,
            "InvalidAttributeName",
            "Unknown Attribute Foobar.",
        ),
        "no body": (
            {"Action": "SendMessage", "QueueUrl": "Q"},
            400,
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ),
        "empty batch": (
            {"Action": "SendMessageBatch", "QueueUrl": "Q"},
            400,
            PREFIX + "EmptyBatchRequest",
            "There should be at least one SendMessageBatchRequestEntry in the request.",
        ),
        "number": (
            {"Action": "ReceiveMessage", "QueueUrl": "Q", "MaxNumberOfMessages": "11"},
            400,
            "InvalidParameterValue",
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        "list the long way": (
            {"Action": "ReceiveMessage", "QueueUrl": "Q", "MessageAttributeNames_member_1": "All"},
            400,
            "MalformedInput",
            "Start of list found where not expected",
        ),
    }


@pytest.mark.parametrize("case", error_cases())
@pytest.mark.parametrize("send", [post, get])
def test_an_error_has_status_code_and_text(endpoint, queue, send, case):
    parameters, status, code, text = error_cases()[case]
    sent = {name: value.replace("Q", queue, 1) if name == "QueueUrl" else value for name, value in parameters.items()}
    assert error(send(endpoint, **sent)) == (status, "Sender", code, text)


def test_parameters_stand_in_the_address_the_form_or_both(endpoint, queue):
    path = path_of(queue)
    account, name = path.strip("/").split("/")
    sent = {
        "form": post(endpoint, path, Action="SendMessage", MessageBody="form"),
        "slash": post(endpoint, path + "/", Action="SendMessage", MessageBody="slash"),
        "long": post(endpoint, f"/queue/{REGION}/{account}/{name}", Action="SendMessage", MessageBody="long"),
        "root": post(endpoint, Action="SendMessage", QueueUrl=queue, MessageBody="root"),
        "address": get(endpoint, path, Action="SendMessage", MessageBody="address"),
        "both": post(endpoint, path + "?Action=SendMessage", MessageBody="both"),
    }
    assert {name: reply.status for name, reply in sent.items()} == dict.fromkeys(sent, 200)
    received = get(endpoint, path, Action="ReceiveMessage", MaxNumberOfMessages=10)
    assert set(texts(received, "Body")) == set(sent)


def test_a_parameter_overrides_the_path(endpoint, make_queue):
    one, other = make_queue(), make_queue()
    post(endpoint, path_of(one), Action="SendMessage", QueueUrl=other, MessageBody="x")
    assert texts(get(endpoint, path_of(one), Action="ReceiveMessage"), "Body") == []
    assert texts(get(endpoint, path_of(other), Action="ReceiveMessage"), "Body") == ["x"]


@pytest.mark.parametrize("action", ["ListQueues", "CreateQueue"])
def test_actions_about_no_queue_have_no_business_on_a_queues_path(endpoint, queue, action):
    reply = get(endpoint, path_of(queue), Action=action, QueueName="x")
    assert error(reply) == (400, "Sender", "InvalidAction", f"The action {action} is not valid for this endpoint.")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html"])
def test_without_an_action_there_is_nothing(endpoint, queue, accept):
    reply = get(endpoint, path_of(queue), {"Accept": accept})
    assert (reply.status, reply.body.strip()) == (404, b"<UnknownOperationException/>")


def test_a_browser_that_opens_the_service_is_sent_to_the_console(endpoint):
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Site": "none"}
    reply = get(endpoint, "/", browser)
    assert (reply.status, reply.headers["Location"]) == (303, "/console/")


def test_items_are_in_the_order_of_their_numbers_and_one_needs_none(endpoint, queue):
    entries = {}
    for number in (12, 3, 7):
        entries[f"SendMessageBatchRequestEntry_{number}_Id"] = f"id-{number}"
        entries[f"SendMessageBatchRequestEntry_{number}_MessageBody"] = "x"
    sent = post(endpoint, path_of(queue), Action="SendMessageBatch", **entries)
    assert texts(sent, "Id") == ["id-3", "id-7", "id-12"]
    set_one = {"Attribute_Name": "VisibilityTimeout", "Attribute_Value": "35"}
    assert post(endpoint, path_of(queue), Action="SetQueueAttributes", **set_one).status == 200
    read = post(endpoint, path_of(queue), Action="GetQueueAttributes", AttributeName="VisibilityTimeout")
    assert (texts(read, "Name"), texts(read, "Value")) == (["VisibilityTimeout"], ["35"])


def test_who_accepts_json_is_answered_in_json(endpoint, queue):
    def read(**parameters):
        reply = get(endpoint, path_of(queue), {"Accept": "application/json"}, **parameters)
        assert reply.headers["Content-Type"] == "application/json"
        return reply.json()

    empty = read(Action="ReceiveMessage")["ReceiveMessageResponse"]
    assert empty["ReceiveMessageResult"] == {"messages": None}
    assert empty["ResponseMetadata"]["RequestId"]
    sent = read(Action="SendMessage", MessageBody="x")["SendMessageResponse"]["SendMessageResult"]
    received = read(Action="ReceiveMessage", AttributeName="ApproximateReceiveCount")
    (message,) = received["ReceiveMessageResponse"]["ReceiveMessageResult"]["messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "x")
    assert message["Attributes"] == [{"Name": "ApproximateReceiveCount", "Value": "1"}]
    refused = read(Action="ReceiveMessage", QueueUrl=queue + "-absent")["Error"]
    assert (refused["Type"], refused["Code"]) == ("Sender", PREFIX + "NonExistentQueue")


def signed(endpoint, region, **parameters):
    """An address that carries its signature."""
    request = AWSRequest("GET", f"{endpoint}/", params=parameters)
    SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "sqs", region).add_auth(request)
    return request.prepare().url.removeprefix(endpoint)


def test_a_signed_address_is_for_the_region_of_its_signature(endpoint, sqs, queue):
    name = queue.rsplit("/", 1)[1]
    for region, found in ((REGION, True), ("eu-west-1", False)):
        address = signed(endpoint, region, Action="GetQueueUrl", QueueName=name)
        reply = raw_http.send(endpoint, "GET", address, None, {"Host": urlsplit(endpoint).netloc})
        assert (reply.status == 200) == found, region


@pytest.mark.parametrize(
    "body",
    [
        b"Action",
        b"Action=SendMessage&Action=SendMessage",
        b"Action=SendMessage&MessageBody=%ff%fe",
        b"Action=SendMessage&MessageBody=%00",
        b"Action=SendMessage&MessageBody.1=x",
        b"Action=SendMessage&MessageBody=x&DelaySeconds=soon",
        b"Action=SendMessage&MessageBody=x&MessageAttribute.x.Name=a",
        b"Action=SendMessage&MessageBody=x&MessageAttribute.1.Value.DataType=String",
        b"Action=SendMessage&MessageBody=x&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=Binary"
        b"&MessageAttribute.1.Value.BinaryValue=not+base64%21",
        b"Action=SendMessageBatch&Entries.1.Id=a",
        b"Action=SendMessageBatch&SendMessageBatchRequestEntry.99999999999999999999.Id=a",
        b"Action=DeleteMessage&ReceiptHandle=%3Cx%3E%0D%01",
        b"Action=" + b"x" * 100_000,
        b"&".join(b"SendMessageBatchRequestEntry.%d.Id=a" % number for number in range(100_000)),
        b"Action=SendMessage&" + b"a." * 100_000 + b"=x",
        b"Action=SendMessage&" + b"&".join([b"%"] * 50_000),
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_malformed_form_is_refused(endpoint, queue, body):
    reply = post_bytes(endpoint, body, path_of(queue))
    assert reply.status in (400, 404)
    if reply.status == 400:
        assert error(reply)[3]
    received = get(endpoint, path_of(queue), Action="ReceiveMessage")
    assert texts(received, "Body") == []


def test_parameters_that_aws_does_not_know_are_left_alone(endpoint, queue):
    unknown = {"Future": "x", "Future_1_Name": "x", "AUTHPARAMS": "", "Expires": "2030-01-01", "Version": "2012-11-05"}
    assert post(endpoint, path_of(queue), Action="SendMessage", MessageBody="x", **unknown).status == 200


def pages(endpoint):
    """What browsers send for pages, mails and bookmarks."""
    return {
        **browser_requests(endpoint),
        "image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        "link in a mail": {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        "link in a page of our own": {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"},
        "browser that tells nothing": {"User-Agent": "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Safari/605.1.15"},
    }


def test_a_program_that_signs_may_call_itself_a_browser(endpoint, sqs, queue):
    agent = {"User-Agent": "Mozilla/5.0 (compatible; pycurl)"}
    assert post(endpoint, path_of(queue), agent, Action="SendMessage", MessageBody="x").status == 200
    assert sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"] == "x"


@pytest.mark.parametrize("case", pages("http://127.0.0.1:1"))
@pytest.mark.parametrize("send", [submit, visit])
def test_no_page_sends_parameters(endpoint, sqs, queue, send, case):
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": everyone})})
    assert submit(endpoint, path_of(queue), Action="SendMessage", MessageBody="x").status == 200, "no page"
    sqs.purge_queue(QueueUrl=queue)
    reply = send(endpoint, path_of(queue), pages(endpoint)[case], Action="SendMessage", MessageBody="x")
    assert reply.status == 403
    assert reply.body
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
