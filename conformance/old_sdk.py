"""boto3 from before SDKs spoke JSON to SQS, in a process of its own, used like any client.

It is the real thing: the last kind of client that speaks AWS Query, with its own model of SQS. Two versions of boto3
do not fit into one process, so calls and answers travel through pipes; many may be under way at once. A client raises
the errors that its boto3 raised; one that the old model does not know by name is found by its code.

It refuses to run with a boto3 that speaks anything but AWS Query.
"""

import itertools
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

from sdk_errors import Exceptions, error_class

PROTOCOL = "query"


class OldSdk:
    """One process with an old boto3; a context manager that starts it and ends it."""

    def __enter__(self):
        # Standard error is the test run's: what goes wrong there is worth seeing.
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": str(packages())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._writing = threading.Lock()
        self._numbers = itertools.count()
        self._calls = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._reader.join()

    def client(self, endpoint):
        """A client for the SQS at this endpoint."""
        return OldClient(self, endpoint)

    def call(self, endpoint, method, parameters):
        """What a method of a client returns; raises what it raises."""
        answer = Future()
        with self._writing:
            number = next(self._numbers)
            self._calls[number] = answer
            pickle.dump((number, endpoint, method, parameters), self._process.stdin)
            self._process.stdin.flush()
        kind, value = answer.result(timeout=120)
        if kind == "returned":
            return value
        raise error_class(kind)(*value)

    def _read(self):
        try:
            while True:
                number, answer = pickle.load(self._process.stdout)
                self._calls.pop(number).set_result(answer)
        except EOFError:
            for answer in self._calls.values():
                answer.set_exception(RuntimeError("the process with the old boto3 has ended"))


class OldClient:
    """A client of an old boto3, as far as tests use one."""

    def __init__(self, sdk, endpoint):
        self._sdk = sdk
        self._endpoint = endpoint
        self.exceptions = Exceptions()

    def __getattr__(self, method):
        def call(**parameters):
            if method == "receive_message" and "MessageSystemAttributeNames" in parameters:
                # The newer name of the parameter, which the old model does not know.
                parameters["AttributeNames"] = parameters.pop("MessageSystemAttributeNames")
            return self._sdk.call(self._endpoint, method, parameters)

        return call

    def get_paginator(self, operation):
        return Paginator(self._sdk, self._endpoint, operation)


class Paginator:
    """The pages of a list, all at once."""

    def __init__(self, sdk, endpoint, operation):
        self._sdk, self._endpoint, self._operation = sdk, endpoint, operation

    def paginate(self, **parameters):
        return self._sdk.call(self._endpoint, "paginate", {"operation": self._operation, **parameters})


def packages():
    """The folder with the old boto3."""
    root = Path(__file__).resolve().parent.parent
    folder = root / os.environ.get("CARGO_TARGET_DIR", "target") / "python-query"
    if not (folder / "boto3").is_dir():
        raise RuntimeError(f"there is no boto3 in {folder}; `cargo xtask test --only conformance` installs it")
    return folder


def serve():
    """The other end: calls come in on standard input, answers leave on standard output."""
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not end up among the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    writing = threading.Lock()

    def answer(number, endpoint, method, parameters):
        outcome = carry_out(endpoint, method, parameters)
        with writing:
            pickle.dump((number, outcome), answers)
            answers.flush()

    with ThreadPoolExecutor(max_workers=64) as workers:
        while True:
            try:
                call = pickle.load(calls)
            except EOFError:
                return
            workers.submit(answer, *call)


def carry_out(endpoint, method, parameters):
    from botocore.exceptions import ClientError

    try:
        client = old_client(endpoint)
        if method == "paginate":
            return "returned", list(client.get_paginator(parameters.pop("operation")).paginate(**parameters))
        return "returned", getattr(client, method)(**parameters)
    except ClientError as error:
        name = type(error).__name__
        if name == "ClientError":
            name = error.response["Error"]["Code"].rsplit(".", 1)[-1]
        return name, (error.response, error.operation_name)
    except Exception as error:
        return "NotAnswered", ({"Error": {"Code": type(error).__name__, "Message": str(error)}}, method)


creating = threading.Lock()


@cache
def created_client(endpoint):
    from millpond import client

    created = client(endpoint)
    spoken = created.meta.service_model.metadata["protocol"]
    if spoken != PROTOCOL:
        raise RuntimeError(f"this boto3 speaks {spoken}, not {PROTOCOL}")
    return created


def old_client(endpoint):
    with creating:
        return created_client(endpoint)


if __name__ == "__main__":
    serve()
