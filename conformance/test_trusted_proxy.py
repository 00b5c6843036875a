"""A proxy in front of the service: believed when it is named, and nobody else."""

import json

import pytest

from millpond import Millpond
from raw_http import call, send

PROTOCOLS = ["json"]
FORWARDED = {
    "X-Forwarded-For": "192.0.2.66, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "queues.example:8443",
}


def url(millpond, headers):
    """The queue URL that a request with these headers gets."""
    return call(millpond.endpoint, "CreateQueue", {"QueueName": "jobs"}, headers)


def last_line(tmp_path):
    return json.loads((tmp_path / "audit.log").read_text().splitlines()[-1])


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.0/8"])
def test_a_named_proxy_is_believed(tmp_path, trusted):
    with Millpond(tmp_path, ["--trusted-proxy", trusted, "--audit", "audit.log"]) as millpond:
        # The host that the client signs is the one that the proxy tells of.
        millpond.client().create_queue(QueueName="jobs")
        reply = send_as_proxy(millpond)
        assert reply.json()["QueueUrl"] == "https://queues.example:8443/000000000000/jobs"
        millpond.stop()
    line = last_line(tmp_path)
    assert (line["source_ip"], line["tls"]) == ("198.51.100.7", True)


def send_as_proxy(millpond):
    """A request that was signed for the proxy's host, as the proxy passes it on."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    from millpond import ACCESS_KEY, REGION, SECRET_KEY

    body = json.dumps({"QueueName": "jobs"}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.GetQueueUrl"}
    request = AWSRequest("POST", "https://queues.example:8443/", data=body, headers=headers)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "sqs", REGION).add_auth(request)
    return send(millpond.endpoint, "POST", "/", body, {**dict(request.headers), **FORWARDED})


def test_nobody_else_is_believed(tmp_path):
    with Millpond(tmp_path, ["--trusted-proxy", "192.0.2.0/24", "--audit", "audit.log"]) as millpond:
        reply = url(millpond, FORWARDED)
        assert reply.json()["QueueUrl"] == f"{millpond.endpoint}/000000000000/jobs"
        millpond.stop()
    line = last_line(tmp_path)
    assert (line["source_ip"], line["tls"]) == ("127.0.0.1", False)


@pytest.mark.parametrize(
    "name, value",
    [
        ("X-Forwarded-For", "somewhere"),
        ("X-Forwarded-For", "198.51.100.7,"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Proto", "http, https"),
        ("X-Forwarded-Host", "a.example, b.example"),
        ("X-Forwarded-Host", "a.example/path"),
    ],
)
def test_a_trusted_proxy_that_makes_no_sense_is_told(trusting, name, value):
    reply = url(trusting, {name: value})
    assert reply.status == 400 and name in reply.body.decode()


@pytest.fixture(scope="module")
def trusting(tmp_path_factory):
    (folder := tmp_path_factory.mktemp("millpond")).joinpath("millpond.toml").write_text(
        '[service]\ntrusted_proxies = ["127.0.0.1"]\n'
    )
    with Millpond(folder) as millpond:
        yield millpond


def test_a_proxy_that_is_none_is_told(tmp_path):
    done = Millpond(tmp_path).run("serve", "--trusted-proxy", "10.0.0.0/33")
    assert done.returncode == 2 and "a network is an address" in done.stderr
