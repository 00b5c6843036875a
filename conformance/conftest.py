"""What the tests share: a fresh server for each file, a client for it, and queues that are gone afterwards.

Every test that uses a client runs four times: in AWS JSON by the boto3 of today, in AWS Query by one from before, by the
AWS SDK for JavaScript and by the AWS CLI. A file where the last two show nothing says so by `CLIENTS = []` (or names the
one that does), one whose tests are about something else by `PROTOCOLS = ["json"]`.

MILLPOND_TEST_ENDPOINT runs the same tests against another SQS endpoint, to compare; nothing is started then.
"""

import functools
import os
import uuid

import pytest

from aws_cli import AwsCli
from javascript_sdk import JavascriptSdk
from millpond import Millpond, client
from old_sdk import OldSdk


class OtherEndpoint:
    """An SQS endpoint that someone else runs."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def client(self, **options):
        return client(self.endpoint, **options)

    def log(self):
        return ""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of this test file's own, with empty data."""
    other = os.environ.get("MILLPOND_TEST_ENDPOINT")
    if other:
        yield OtherEndpoint(other)
        return
    with Millpond(tmp_path_factory.mktemp("millpond")) as millpond:
        yield millpond


@pytest.fixture(scope="module")
def endpoint(server):
    """The address of the server, `http://127.0.0.1:PORT`."""
    return server.endpoint


def pytest_generate_tests(metafunc):
    if "protocol" in metafunc.fixturenames:
        alone = getattr(metafunc.module, "PROTOCOLS", None)
        clients = getattr(metafunc.module, "CLIENTS", ["javascript", "aws-cli"])
        # A client beside boto3 stands in the place of the protocol that it speaks.
        metafunc.parametrize("protocol", alone or ["json", "query", *clients], scope="module")


@pytest.fixture(scope="session")
def old_sdk():
    """A boto3 that speaks AWS Query."""
    with OldSdk() as sdk:
        yield sdk


@pytest.fixture(scope="session")
def javascript_sdk():
    """The AWS SDK for JavaScript."""
    with JavascriptSdk() as sdk:
        yield sdk


@pytest.fixture(scope="session")
def aws_cli(tmp_path_factory):
    """The AWS CLI."""
    with AwsCli(tmp_path_factory.mktemp("aws-cli")) as cli:
        yield cli


@pytest.fixture(scope="module")
def sqs(server, protocol, request):
    """A client for the server, which is used like one of boto3 and speaks `protocol`."""
    others = {"query": "old_sdk", "javascript": "javascript_sdk", "aws-cli": "aws_cli"}
    if protocol in others:
        return request.getfixturevalue(others[protocol]).client(server.endpoint)
    return server.client()


@pytest.fixture
def make_queue(sqs):
    """A function that creates a queue with these attributes and returns its URL; the test's end deletes it."""
    urls = []

    def make(prefix="queue", **attributes):
        values = {name: str(value) for name, value in attributes.items()}
        end = ".fifo" if "FifoQueue" in values else ""
        url = sqs.create_queue(QueueName=unique_name(prefix) + end, Attributes=values)["QueueUrl"]
        urls.append(url)
        return url

    yield make
    for url in urls:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass  # The test deleted it itself.


@pytest.fixture
def make_fifo(make_queue):
    """As `make_queue`, for FIFO queues."""
    return functools.partial(make_queue, FifoQueue="true")


@pytest.fixture
def queue(make_queue):
    """The URL of an empty queue with default attributes."""
    return make_queue()


@pytest.fixture(name="unique_name")
def unique_name_fixture():
    """A function that returns a queue name nobody has used."""
    return unique_name


def unique_name(prefix="queue"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its server printed."""
    report = yield
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and server:
        report.sections.append(("millpond's log", server.log()))
    return report
