"""Workloads hold no key: each gets credentials of its role, renewed by themselves, and may do no more than it is for."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from architecture import Architecture, await_that, get, hidden_submission_id, post_form
from javascript_sdk import NODE, PROGRAMS, node_modules
from millpond import REGION, client

URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
WITHOUT_ROLES = """Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {QueueName: jobs}
  Worker:
    Type: Millpond::Sink::Table
    Properties: {Queue: !Ref Jobs, DatabaseUrl: 'sqlite://jobs.db', Table: jobs, Columns: [id]}
"""


@pytest.fixture(scope="module")
def architecture(tmp_path_factory):
    """The example, running, with callers that are identified."""
    with Architecture(tmp_path_factory.mktemp("customers")) as running:
        yield running


def environment_of(architecture, name):
    """The environment of a workload's process, which only its own user can read."""
    content = Path(f"/proc/{architecture.workload(name)['pid']}/environ").read_text()
    return dict(variable.split("=", 1) for variable in content.split("\0") if variable)


def ask(url, token):
    """Asks for credentials as SDKs do; status and body."""
    request = urllib.request.Request(url, headers={"Authorization": token} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def client_of(architecture, name):
    """A client of an SDK that knows nothing but the environment that the workload has."""
    environment = environment_of(architecture, name)
    with mock.patch.dict(os.environ, {variable: environment[variable] for variable in (URI, TOKEN)}):
        for variable in [variable for variable in os.environ if variable.startswith("AWS_") and variable not in (URI, TOKEN)]:
            del os.environ[variable]
        sqs = boto3.Session(region_name=REGION).client(
            "sqs", endpoint_url=architecture.endpoint, config=Config(retries={"total_max_attempts": 1})
        )
        # Credentials are asked for while the environment names them.
        return sqs, sqs.get_queue_url(QueueName="customers")["QueueUrl"]


def denied(call, **parameters):
    """The text with which a call is denied."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert "AccessDenied" in refused.value.response["Error"]["Code"]
    return refused.value.response["Error"]["Message"]


def submit(architecture, name):
    """Sends the form as a browser does."""
    url = architecture.form_url()
    fields = {"submission_id": hidden_submission_id(get(url)[2]), "name": name, "country": "UK"}
    return post_form(url, fields)[0]


def test_the_frontend_sends_and_cannot_receive(architecture):
    frontend, queue = client_of(architecture, "frontend")
    frontend.send_message(QueueUrl=queue, MessageBody="Ann,UK")
    await_that(lambda: ["Ann", "UK"] in [row[-2:] for row in architecture.rows()], architecture.log)
    who = "arn:aws:sts::000000000000:assumed-role/customers-frontend/frontend"
    message = denied(frontend.receive_message, QueueUrl=queue)
    assert message.startswith(f"User: {who} is not authorized to perform: sqs:receivemessage on resource: ")
    assert "sqs:purgequeue" in denied(frontend.purge_queue, QueueUrl=queue)


def test_the_backend_receives_and_cannot_send(architecture):
    backend, queue = client_of(architecture, "backend")
    backend.receive_message(QueueUrl=queue)
    who = "arn:aws:sts::000000000000:assumed-role/customers-backend/backend"
    message = denied(backend.send_message, QueueUrl=queue, MessageBody="Bob,UK")
    assert message.startswith(f"User: {who} is not authorized to perform: sqs:sendmessage on resource: ")


def test_the_sdk_for_javascript_needs_no_setting_either(architecture):
    of_workload = environment_of(architecture, "frontend")
    finished = subprocess.run(
        [NODE, "--test", "--test-timeout=60000", PROGRAMS / "role.cjs"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(architecture.folder),
            "NODE_PATH": str(node_modules()),
            "AWS_ENDPOINT_URL": architecture.endpoint,
            "AWS_REGION": REGION,
            **{variable: of_workload[variable] for variable in (URI, TOKEN)},
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "# pass 0" not in finished.stdout, "no test ran"


def test_credentials_last_an_hour_and_are_new_each_time(architecture):
    environment = environment_of(architecture, "frontend")
    status, first = ask(environment[URI], environment[TOKEN])
    assert status == 200
    assert set(first) == {"AccessKeyId", "SecretAccessKey", "Token", "Expiration", "RoleArn", "AccountId"}
    assert first["RoleArn"] == "arn:aws:iam::000000000000:role/customers-frontend"
    assert first["AccountId"] == "000000000000"
    ends = datetime.strptime(first["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert timedelta(minutes=55) < ends - datetime.now(timezone.utc) <= timedelta(minutes=60)
    second = ask(environment[URI], environment[TOKEN])[1]
    assert second["AccessKeyId"] != first["AccessKeyId"]
    assert second["SecretAccessKey"] != first["SecretAccessKey"]


def test_without_the_token_there_is_nothing(architecture):
    frontend, backend = environment_of(architecture, "frontend"), environment_of(architecture, "backend")
    refused = ask(frontend[URI], backend[TOKEN])
    assert refused[0] == 403, "the token of another workload"
    assert ask(frontend[URI], None) == refused
    assert ask(frontend[URI], frontend[TOKEN][:-1]) == refused
    unknown = frontend[URI].replace("/frontend/", "/nobody/")
    assert ask(unknown, frontend[TOKEN]) == refused, "nor is told which workloads there are"


def test_a_workload_holds_no_key(architecture):
    for name in ("frontend", "backend"):
        environment = environment_of(architecture, name)
        assert not environment.get("AWS_SECRET_ACCESS_KEY") and not environment.get("MILLPOND_MASTER_KEY")
        configuration = json.loads((architecture.data / "run" / f"{name}.json").read_text())
        assert not [key for key in configuration if "key" in key or "secret" in key]
        pid = architecture.workload(name)["pid"]
        assert environment[TOKEN] not in Path(f"/proc/{pid}/cmdline").read_text()


def test_a_killed_service_loses_neither_workloads_nor_their_tokens(architecture):
    tokens = {name: environment_of(architecture, name)[TOKEN] for name in ("frontend", "backend")}
    pids = {name: architecture.workload(name)["pid"] for name in tokens}
    service = architecture.service_pid()
    os.kill(service, signal.SIGKILL)
    await_that(lambda: "is back at" in architecture.log(), architecture.log)
    await_that(lambda: architecture.run("ps", "--json").returncode == 0, architecture.log)
    assert architecture.service_pid() != service
    for name, token in tokens.items():
        assert architecture.workload(name)["pid"] == pids[name], f"{name} was adopted"
        assert ask(environment_of(architecture, name)[URI], token)[0] == 200
    assert submit(architecture, "Cid") in (200, 303)
    await_that(lambda: ["Cid", "UK"] in [row[-2:] for row in architecture.rows()], architecture.log)


def test_a_workload_without_a_role_gets_one_of_its_own(architecture):
    template = architecture.folder / "jobs.yaml"
    template.write_text(WITHOUT_ROLES)
    address = architecture.endpoint.removeprefix("http://")
    up = architecture.run("up", template, "--listen", address, "--data", architecture.data)
    assert up.returncode == 0, up.stderr
    sqs = client(architecture.endpoint)
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="jobs")["QueueUrl"], MessageBody="1")
    await_that(lambda: len(architecture.rows("jobs")) == 1, architecture.log)
    environment = environment_of(architecture, "worker")
    credentials = ask(environment[URI], environment[TOKEN])[1]
    assert credentials["RoleArn"] == "arn:aws:iam::000000000000:role/millpond/jobs-worker"
    worker = boto3.client(
        "sqs",
        endpoint_url=architecture.endpoint,
        region_name=REGION,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["Token"],
    )
    queue = worker.get_queue_url(QueueName="jobs")["QueueUrl"]
    assert "sqs:sendmessage" in denied(worker.send_message, QueueUrl=queue, MessageBody="2")
    assert "sqs:getqueueurl" in denied(worker.get_queue_url, QueueName="customers"), "only its own queue"


def test_all_is_the_same_where_nobody_is_identified(tmp_path):
    with Architecture(tmp_path, arguments=["--auth", "off"]) as running:
        environment = environment_of(running, "frontend")
        assert ask(environment[URI], environment[TOKEN])[0] == 200
        assert ask(environment[URI], "no")[0] == 403
        assert submit(running, "Dee") in (200, 303)
        await_that(lambda: len(running.rows()) == 1, running.log)
