"""The AWS CLI (version 1), used like a client of boto3.

What always holds: each call is a run of the CLI's own `main` with the words that a person would type, in a process of
its own, and what counts is what it printed and its exit code. The processes are forks of one that has loaded the CLI
already, which makes a call ten times cheaper. Lists are taken page by page (`--no-paginate`) unless a test asks for a
paginator.

It refuses to guess what an error is that the CLI did not word as one of the service.
"""

import base64
import contextlib
import gc
import io
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path

from millpond import ACCESS_KEY, REGION, SECRET_KEY
from sdk_errors import Exceptions, error_class

AWS = Path(sys.executable).with_name("aws")
ERROR = re.compile(r"An error occurred \((\S+)\) when calling the (\w+) operation: (.*)", re.DOTALL)
CALL_TIMEOUT_SECS = 120
PARENT_CHECK_SECS = 5


def environment(home):
    """What a run of the CLI sees: nothing of this machine's user counts."""
    return {
        "PATH": str(AWS.parent),
        "HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_DEFAULT_OUTPUT": "json",
    }


class AwsCli:
    """A process that has loaded the CLI; a context manager that starts it and ends it."""

    def __init__(self, folder):
        """`folder` is an empty folder of its own."""
        self._folder = Path(folder)
        self._numbers = iter(range(sys.maxsize))

    def __enter__(self):
        listener = socket.socket(socket.AF_UNIX)
        self._address = str(self._folder / "calls")
        listener.bind(self._address)
        listener.listen(128)
        # Standard error is the test run's: what goes wrong there is worth seeing.
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**environment(self._folder), "AWS_MAX_ATTEMPTS": "1"},
            stdin=listener,
        )
        listener.close()
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def client(self, endpoint):
        """A client for the SQS at this endpoint."""
        return AwsCliClient(self, endpoint)

    def call(self, endpoint, method, parameters, *options):
        """What a command printed, read; raises the error that it told."""
        flags = [word for name, value in parameters.items() for word in self._flag(name, value)]
        command = method.replace("_", "-")
        run = self._run(["--endpoint-url", endpoint, *options, "sqs", command, *flags])
        if run["code"]:
            raise error_of(run, method)
        printed = run["stdout"].strip()
        shown = with_bytes(json.loads(printed)) if printed else {}
        return {**shown, "ResponseMetadata": {"HTTPStatusCode": run["status"]}}

    def run(self, *words, environment):
        """A run with these words and nothing but this environment: what it printed, read; raises the error that it told."""
        given = {"PATH": str(AWS.parent), "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_OUTPUT": "json", **environment}
        run = self._run(list(words), given)
        if run["code"]:
            raise error_of(run, " ".join(words))
        printed = run["stdout"].strip()
        return json.loads(printed) if printed else {}

    def _run(self, arguments, environment=None):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(CALL_TIMEOUT_SECS)
            connection.connect(self._address)
            connection.sendall(json.dumps({"arguments": arguments, "environment": environment}).encode())
            connection.shutdown(socket.SHUT_WR)
            answer = received(connection)
        if not answer:
            raise RuntimeError(f"a run of the AWS CLI ended without an answer: {arguments}")
        return json.loads(answer)

    def _flag(self, name, value):
        """A parameter as a person would type it."""
        from botocore import xform_name

        flag = f"--{xform_name(name, '-')}"
        if not has_bytes(value):
            return [f"{flag}={value if isinstance(value, str) else json.dumps(value)}"]
        # Only the shorthand can name a file of bytes below the top.
        items = value if isinstance(value, list) else [value]
        return [flag, *[self._pairs(item) for item in items]]

    def _pairs(self, value):
        return ",".join(self._pair(name, member) for name, member in value.items())

    def _pair(self, name, value):
        if isinstance(value, bytes):
            file = self._folder / f"bytes-{next(self._numbers)}"
            file.write_bytes(value)
            return f"{name}@=fileb://{file}"
        if isinstance(value, dict):
            return f"{name}={{{self._pairs(value)}}}"
        return f"{name}={json.dumps(value)}"


class AwsCliClient:
    """The CLI with one endpoint, as far as tests use a client."""

    def __init__(self, cli, endpoint):
        self._cli = cli
        self._endpoint = endpoint
        self.exceptions = Exceptions()

    def __getattr__(self, method):
        def call(**parameters):
            return self._cli.call(self._endpoint, method, parameters, "--no-paginate")

        return call

    def get_paginator(self, operation):
        return Paginator(self._cli, self._endpoint, operation)


class Paginator:
    """The pages of a list, as the CLI shows them to who asks for so many items at most and then for the next ones."""

    def __init__(self, cli, endpoint, operation):
        self._cli, self._endpoint, self._operation = cli, endpoint, operation

    def paginate(self, PaginationConfig=None, **parameters):
        size = (PaginationConfig or {}).get("PageSize")
        if size:
            parameters |= {"PageSize": size, "MaxItems": size}
        while True:
            page = self._cli.call(self._endpoint, self._operation, parameters)
            yield page
            if "NextToken" not in page:
                return
            parameters["StartingToken"] = page["NextToken"]


def has_bytes(value):
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, bytes) or (isinstance(value, list) and any(map(has_bytes, value)))


def with_bytes(printed):
    """What the CLI printed, with bytes where it has base64."""
    if isinstance(printed, list):
        return [with_bytes(value) for value in printed]
    if not isinstance(printed, dict):
        return printed
    into = {"BinaryValue": base64.b64decode}
    return {name: into.get(name, with_bytes)(value) for name, value in printed.items()}


def error_of(run, method):
    """The error that boto3 would raise for what the CLI told of one."""
    told = ERROR.search(run["stderr"])
    if not told:
        failure = {"Error": {"Code": f"exit {run['code']}", "Message": run["stderr"].strip()}}
        return error_class("NotAnswered")(failure, method)
    code, operation, message = told.groups()
    response = {
        "Error": {"Code": code, "Message": message.rstrip("\n")},
        "ResponseMetadata": {"HTTPStatusCode": run["status"]},
    }
    return error_class(run["error"] or code.rsplit(".", 1)[-1])(response, operation)


def received(connection):
    """All that the other end sent."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def serve():
    """The other end: a fork for each connection, which runs the CLI once. Standard input is the listening socket."""
    from awscli.clidriver import create_clidriver

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    driver = create_clidriver()
    # What each run would load, loaded once.
    driver.session.create_client("sqs", REGION)
    with contextlib.redirect_stdout(io.StringIO()):
        driver.main(["sqs", "list-queues", "--generate-cli-skeleton"])
    # A fork that collects garbage would copy all that it shares.
    gc.disable()
    gc.freeze()
    listener = socket.socket(fileno=os.dup(0))
    parent = os.getppid()
    while True:
        # A test run that was killed closes nothing that would be seen here.
        if not select.select([listener], [], [], PARENT_CHECK_SECS)[0]:
            if os.getppid() != parent:
                return
            continue
        connection, _ = listener.accept()
        if os.fork() == 0:
            try:
                run_once(driver, connection)
            except BaseException:
                traceback.print_exc(file=sys.__stderr__)
            finally:
                os._exit(0)
        connection.close()


def run_once(driver, connection):
    asked = json.loads(received(connection))
    if asked["environment"] is not None:
        from awscli.clidriver import create_clidriver

        # Another person's: settings and credentials are read anew. Where its models are, the CLI says at its import only.
        models = os.environ["AWS_DATA_PATH"]
        os.environ.clear()
        os.environ.update({"AWS_DATA_PATH": models, **asked["environment"]})
        driver = create_clidriver()
    # The CLI prints neither the status nor the name of an error's class, but the SDK in it tells who listens.
    heard = {"status": None, "error": None}

    def hear(http_response, parsed, **_):
        heard.update(status=http_response.status_code, error=parsed.get("Error", {}).get("QueryErrorCode"))

    driver.session.register("after-call", hear)
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    try:
        code = driver.main(asked["arguments"])
    except SystemExit as exit:
        code = exit.code
    printed = [stream.flush() or stream.buffer.getvalue().decode() for stream in (sys.stdout, sys.stderr)]
    answer = {"code": code, "stdout": printed[0], "stderr": printed[1], **heard}
    connection.sendall(json.dumps(answer).encode())
    connection.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    serve()
