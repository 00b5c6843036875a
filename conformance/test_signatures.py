"""Signatures from outside: what is not exactly what its owner signed, for here and now, is refused with the error of AWS.

What always holds: both protocols' bodies and codes are checked; after all of it the service answers, and its log holds no
secret and no token. The signer is botocore's.
"""

import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from millpond import ACCESS_KEY, REGION, SECRET_KEY, client
import raw_http
from raw_http import JSON_TYPE, own

PROTOCOLS = ["json"]
FORM = "application/x-www-form-urlencoded; charset=utf-8"
QUEUE_NAME = "signed"
ROLE = "arn:aws:iam::000000000000:role/worker"
TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
NO_MATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details."
)
INVALID_TOKEN = "The security token included in the request is invalid."
STAMP = "%Y%m%dT%H%M%SZ"


# Who fails to say who they are waits a while; so each request comes from an address of its own.
SOURCES = (f"127.{high}.{low}.1" for high, low in itertools.product(range(1, 255), range(1, 255)))


def send(*request):
    return raw_http.send(*request, source=next(SOURCES))


class Sent:
    """A signed request, which a test may damage before it is sent."""

    def __init__(self, endpoint, headers, body, path="/", method="POST"):
        self.endpoint, self.headers, self.body, self.path, self.method = endpoint, dict(headers), body, path, method

    def send(self):
        host = {"Host": urlsplit(self.endpoint).netloc}
        return send(self.endpoint, self.method, self.path, self.body, {**host, **self.headers})

    def authorization(self, old, new):
        before = self.headers["Authorization"]
        self.headers["Authorization"] = re.sub(old, new, before)
        assert self.headers["Authorization"] != before
        return self


class Kind:
    """A protocol of SQS, or STS or IAM: how a request looks, and how its refusals do."""

    def __init__(self, name, service, headers, body, codes):
        self.name, self.service, self.headers, self.body, self.codes = name, service, headers, body, codes

    def sign(self, endpoint, key=(ACCESS_KEY, SECRET_KEY, None), service=None, region=REGION, at=None, headers=None):
        """A request that botocore signed with this key, for this service and region, at this time."""
        request = AWSRequest("POST", endpoint + "/", data=self.body, headers={**self.headers, **(headers or {})})
        signer = SigV4Auth(Credentials(*key), service or self.service, region)
        if at:
            signer = at_time(signer, request, at)
        else:
            signer.add_auth(request)
        return Sent(endpoint, request.headers, self.body)

    def refusal(self, reply):
        """Code (as AWS Query spells it) and text of a refusal, whose status fits."""
        if self.name == "json":
            body = reply.json()
            kind = body["__type"].split("#")[-1]
            assert reply.headers["Content-Type"] == JSON_TYPE
            return self.codes.get(kind, kind), body.get("message", body.get("Message"))
        root = ElementTree.fromstring(reply.body)
        error = root.find("{*}Error")
        assert root.tag.endswith("ErrorResponse") and error.findtext("{*}Type") == "Sender"
        return error.findtext("{*}Code"), error.findtext("{*}Message")


def at_time(signer, request, at):
    """Signs as of another time: botocore takes that of the machine, except in this part of its signer."""
    request.context["timestamp"] = at.strftime(STAMP)
    signer._modify_request_before_signing(request)
    signer._inject_signature_to_request(
        request, signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    )
    return signer


OF_JSON = {
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "IncompleteSignatureException": "IncompleteSignature",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "ExpiredTokenException": "ExpiredToken",
}
JSON = Kind(
    "json",
    "sqs",
    {"Content-Type": JSON_TYPE, "X-Amz-Target": "AmazonSQS.GetQueueUrl"},
    json.dumps({"QueueName": QUEUE_NAME}).encode(),
    OF_JSON,
)
QUERY = Kind(
    "query",
    "sqs",
    {"Content-Type": FORM},
    urlencode({"Action": "GetQueueUrl", "Version": "2012-11-05", "QueueName": QUEUE_NAME}).encode(),
    {},
)
STS = Kind(
    "sts", "sts", {"Content-Type": FORM}, urlencode({"Action": "GetCallerIdentity", "Version": "2011-06-15"}).encode(), {}
)
IAM = Kind("iam", "iam", {"Content-Type": FORM}, urlencode({"Action": "ListUsers", "Version": "2010-05-08"}).encode(), {})
ALL = pytest.mark.parametrize("kind", [JSON, QUERY, STS, IAM], ids=lambda kind: kind.name)


@pytest.fixture(scope="module", autouse=True)
def queue(server):
    """The queue that requests ask about."""
    return server.client().create_queue(QueueName=QUEUE_NAME)["QueueUrl"]


@pytest.fixture(scope="module")
def session(endpoint):
    """The key, secret and token of a session of a role that may do everything."""
    iam = client(endpoint, "iam")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": TRUST}))
    iam.attach_role_policy(RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_user(UserName="jane")
    key = iam.create_access_key(UserName="jane")["AccessKey"]
    sts = client(endpoint, "sts", (key["AccessKeyId"], key["SecretAccessKey"]))
    given = sts.assume_role(RoleArn=ROLE, RoleSessionName="shift")["Credentials"]
    return given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]


def is_refused(kind, sent, code, text=None, status=403):
    reply = sent.send()
    told = kind.refusal(reply)
    assert (reply.status, told[0]) == (status, code), (reply.status, told)
    if text:
        assert re.fullmatch(text, told[1]), told[1]


def now():
    return datetime.now(timezone.utc)


@ALL
def test_what_is_signed_is_taken(endpoint, session, kind):
    assert kind.sign(endpoint).send().status == 200
    assert kind.sign(endpoint, session).send().status == 200


@ALL
@pytest.mark.parametrize("minutes", [-14, 14])
def test_clocks_may_differ_by_a_quarter_of_an_hour(endpoint, kind, minutes):
    assert kind.sign(endpoint, at=now() + timedelta(minutes=minutes)).send().status == 200


@ALL
def test_a_request_from_long_ago_is_not_taken_again(endpoint, kind):
    sent = kind.sign(endpoint, at=now() - timedelta(minutes=16))
    at = r"\d{8}T\d{6}Z"
    is_refused(kind, sent, "SignatureDoesNotMatch", rf"Signature expired: {at} is now earlier than {at} \({at} - 15 min\.\)")
    # Another date on the same signature does not help.
    sent.headers["X-Amz-Date"] = now().strftime(STAMP)
    is_refused(kind, sent, "SignatureDoesNotMatch")


@ALL
def test_a_request_from_the_future_is_not_taken(endpoint, kind):
    sent = kind.sign(endpoint, at=now() + timedelta(minutes=16))
    at = r"\d{8}T\d{6}Z"
    is_refused(kind, sent, "SignatureDoesNotMatch", rf"Signature not yet current: {at} is still later than {at} \({at} \+ 15 min\.\)")


@ALL
def test_a_wrong_secret_does_not_match(endpoint, kind):
    is_refused(kind, kind.sign(endpoint, (ACCESS_KEY, "other", None)), "SignatureDoesNotMatch", re.escape(NO_MATCH))


@ALL
def test_an_unknown_key_is_not_valid(endpoint, kind):
    sent = kind.sign(endpoint, ("AKIAIOSFODNN7EXAMPLE", SECRET_KEY, None))
    is_refused(kind, sent, "InvalidClientTokenId", re.escape(INVALID_TOKEN))


@ALL
def test_a_changed_body_does_not_match(endpoint, kind):
    for body in (kind.body + b" ", kind.body[:-1], b"", kind.body.replace(b"e", b"E", 1)):
        sent = kind.sign(endpoint)
        sent.body = body
        # What can't be read any more may be told so, or that it does not match; never what it asks for.
        reply = sent.send()
        assert 400 <= reply.status < 404, (reply.status, reply.body)
        if body.startswith((b"{", b"Action=")):
            assert kind.refusal(reply) == ("SignatureDoesNotMatch", NO_MATCH)


@ALL
def test_a_truncated_signature_does_not_match(endpoint, kind):
    for old, new in (("Signature=(.{63}).$", r"Signature=\1"), ("Signature=(.{32}).*$", r"Signature=\1")):
        assert kind.sign(endpoint).authorization(old, new).send().status in (400, 403)
    is_refused(kind, kind.sign(endpoint).authorization("Signature=.*$", "Signature=" + "0" * 64), "SignatureDoesNotMatch")
    for old in (r", Signature=.*$", r"Credential=[^,]*, ", r"SignedHeaders=[^,]*, "):
        is_refused(kind, kind.sign(endpoint).authorization(old, ""), "IncompleteSignature", status=400)
    is_refused(kind, kind.sign(endpoint).authorization("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA1 "), "IncompleteSignature", status=400)


@ALL
@pytest.mark.parametrize("service", ["s3", "ec2", "sqs", "sts", "iam", "millpond"])
def test_a_signature_for_one_service_opens_no_other(endpoint, kind, service):
    if service == kind.service:
        return
    # One port serves all of them, so the scope says which is meant, and what is asked is not of that one.
    reply = kind.sign(endpoint, service=service, region="us-east-1").send()
    assert reply.status == 400, reply.body
    assert any(code in reply.body for code in (b"InvalidAction", b"UnknownOperationException")), reply.body
    # The right scope in its place is not what was signed.
    sent = kind.sign(endpoint, service=service, region="us-east-1").authorization(f"/{service}/", f"/{kind.service}/")
    is_refused(kind, sent, "SignatureDoesNotMatch", re.escape(NO_MATCH))


@ALL
def test_the_scope_must_end_as_it_should(endpoint, kind):
    sent = kind.sign(endpoint).authorization("/aws4_request,", "/aws5_request,")
    is_refused(kind, sent, "SignatureDoesNotMatch", "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'\\.")


@ALL
def test_the_scope_is_part_of_the_signature(endpoint, kind):
    day = now().strftime("%Y%m%d")
    for old, new in ((day, "20200101"), (f"/{REGION}/", "/eu-west-1/")):
        is_refused(kind, kind.sign(endpoint).authorization(old, new), "SignatureDoesNotMatch")
    for few in ("test/sqs", f"test/{day}/{REGION}", f"test/{day}/{REGION}/{kind.service}/aws4_request/more"):
        sent = kind.sign(endpoint).authorization("Credential=[^,]*", f"Credential={few}")
        reply = sent.send()
        assert reply.status in (400, 403) and reply.status != 200, reply.body


def test_iam_is_of_one_region(endpoint):
    sent = IAM.sign(endpoint, region="eu-west-1")
    is_refused(IAM, sent, "SignatureDoesNotMatch", "Credential should be scoped to a valid region.*")
    for kind in (JSON, QUERY, STS):
        reply = kind.sign(endpoint, region="eu-west-1").send()
        assert reply.status in (200, 400), reply.body
        assert b"SignatureDoesNotMatch" not in reply.body and b"InvalidSignature" not in reply.body


def test_what_a_request_is_for_is_signed(endpoint):
    # A header that says what is asked, added behind the signature's back.
    sent = JSON.sign(endpoint)
    sent.headers["X-Amz-Target"] = "AmazonSQS.ListQueues"
    is_refused(JSON, sent, "SignatureDoesNotMatch", re.escape(NO_MATCH))
    # Or one that the signature says nothing about.
    unsaid = Kind("json", "sqs", {"Content-Type": JSON_TYPE}, JSON.body, OF_JSON).sign(endpoint)
    unsaid.headers["X-Amz-Target"] = "AmazonSQS.GetQueueUrl"
    is_refused(JSON, unsaid, "SignatureDoesNotMatch", "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization\\.")
    for kind in (JSON, QUERY, STS, IAM):
        for header in ("host", "x-amz-date"):
            sent = kind.sign(endpoint).authorization(rf"(SignedHeaders=[^,]*?){header};?", r"\1")
            assert sent.send().status in (400, 403)


def test_another_host_or_path_is_another_request(endpoint):
    for kind in (JSON, QUERY, STS, IAM):
        sent = kind.sign(endpoint)
        sent.headers["Host"] = "queue.example.com"
        assert sent.send().status in (400, 403)
        sent = kind.sign(endpoint)
        sent.path = f"/000000000000/{QUEUE_NAME}"
        assert sent.send().status in (400, 403, 404)
        sent = kind.sign(endpoint)
        sent.path = "/?a=b"
        assert sent.send().status in (400, 403, 404)


@ALL
def test_a_session_needs_its_own_token(endpoint, session, kind):
    key, secret, token = session
    other = client(endpoint, "sts").get_session_token()["Credentials"]["SessionToken"]
    for wrong in (None, other, token[:-1], token[:40], "x", token.swapcase()):
        is_refused(kind, kind.sign(endpoint, (key, secret, wrong)), "InvalidClientTokenId", re.escape(INVALID_TOKEN))
    is_refused(kind, kind.sign(endpoint, (ACCESS_KEY, SECRET_KEY, token)), "InvalidClientTokenId")
    is_refused(kind, kind.sign(endpoint, (key, SECRET_KEY, token)), "SignatureDoesNotMatch")
    # It has to be signed with the rest.
    sent = kind.sign(endpoint, (key, secret, None))
    sent.headers["X-Amz-Security-Token"] = token
    assert sent.send().status in (400, 403)


def test_no_signature_is_no_one(endpoint):
    reply = send(endpoint, "POST", "/", STS.body, {"Host": urlsplit(endpoint).netloc, **STS.headers})
    assert (reply.status, STS.refusal(reply)[0]) == (403, "MissingAuthenticationToken")
    reply = send(endpoint, "POST", "/", IAM.body, {"Host": urlsplit(endpoint).netloc, **IAM.headers})
    assert (reply.status, IAM.refusal(reply)[0]) == (403, "MissingAuthenticationToken")
    for kind in (JSON, QUERY):
        reply = send(endpoint, "POST", "/", kind.body, {"Host": urlsplit(endpoint).netloc, **kind.headers})
        code, text = kind.refusal(reply)
        assert reply.status == 403 and code.startswith("AccessDenied"), (reply.status, code)
        assert re.fullmatch(r"Access to the resource http://\S+ is denied\.", text)


def presigned(endpoint, parameters, service, key=(ACCESS_KEY, SECRET_KEY, None), path="/", expires=60, at=None):
    """The path and query of a presigned GET."""
    request = AWSRequest("GET", f"{endpoint}{path}?{urlencode(parameters)}")
    signer = SigV4QueryAuth(Credentials(*key), service, REGION, expires=expires)
    if at:
        at_time(signer, request, at)
    else:
        signer.add_auth(request)
    return request.url.removeprefix(endpoint)


def get(endpoint, path):
    return send(endpoint, "GET", path, None, {"Host": urlsplit(endpoint).netloc})


IDENTITY = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
GET_URL = {"Action": "GetQueueUrl", "Version": "2012-11-05", "QueueName": QUEUE_NAME}


@pytest.mark.parametrize(("parameters", "service"), [(IDENTITY, "sts"), (GET_URL, "sqs")], ids=["sts", "sqs"])
def test_a_presigned_address_opens_one_thing_for_a_while(endpoint, session, parameters, service):
    for key in ((ACCESS_KEY, SECRET_KEY, None), session):
        assert get(endpoint, presigned(endpoint, parameters, service, key)).status == 200
    address = presigned(endpoint, parameters, service)
    kind = STS if service == "sts" else QUERY
    refused = get(endpoint, address.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))
    assert (refused.status, kind.refusal(refused)) == (403, ("SignatureDoesNotMatch", NO_MATCH))
    refused = get(endpoint, address + "&Extra=1")
    assert (refused.status, kind.refusal(refused)) == (403, ("SignatureDoesNotMatch", NO_MATCH))
    refused = get(endpoint, address[:-1])
    assert refused.status in (400, 403)
    late = get(endpoint, presigned(endpoint, parameters, service, at=now() - timedelta(seconds=61)))
    assert (late.status, kind.refusal(late)[0]) == (403, "SignatureDoesNotMatch") and "expired" in kind.refusal(late)[1]
    for expires in (0, 604_801):
        assert get(endpoint, presigned(endpoint, parameters, service, expires=expires)).status == 400
    # The same signature for another method opens nothing.
    assert send(endpoint, "POST", address, b"", {"Host": urlsplit(endpoint).netloc}).status in (400, 403)


def test_a_cluster_may_ask_who_someone_is_by_their_address(endpoint):
    # Kubernetes signs a further header into such an address and sends it again.
    request = AWSRequest("GET", f"{endpoint}/?{urlencode(IDENTITY)}", headers={"x-k8s-aws-id": "mill"})
    SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "sts", REGION, expires=60).add_auth(request)
    path, host = request.url.removeprefix(endpoint), {"Host": urlsplit(endpoint).netloc}
    assert send(endpoint, "GET", path, None, {**host, "x-k8s-aws-id": "mill"}).status == 200
    for headers in ({}, {"x-k8s-aws-id": "other"}):
        assert send(endpoint, "GET", path, None, {**host, **headers}).status in (400, 403)


def test_the_service_stands_and_its_log_holds_no_secret(endpoint, server, session, queue):
    # The last of this file: everything above has been refused and logged.
    assert server.client().get_queue_url(QueueName=QUEUE_NAME)["QueueUrl"] == queue
    assert own(endpoint, "queues").status == 200
    printed = (server.folder / "serve.log").read_text()
    assert session[1] not in printed and session[2] not in printed and session[2][:40] not in printed
    assert "panicked" not in printed
