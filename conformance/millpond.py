"""The real binary as a process, for tests: start it, end it as a crash or a person would, start it again.

What always holds: the server listens on a loopback port that the system chose and keeps it over a restart; its
data and everything it leaves for its user live below the folder it was given; it identifies its callers, and the root
key is `test` unless the environment that it is given says otherwise; what it printed is kept in one
log; only processes started here are ever signalled. It refuses to guess: a server that does not become ready
is an error that shows the log.

MILLPOND_BIN names the binary; without it, the release build, else the debug build.
Only the standard library is used; the AWS client comes from boto3 when `client` is called.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

READY_TIMEOUT_SECS = 60
STOP_TIMEOUT_SECS = 30
REGION = "us-east-1"
ACCESS_KEY = "test"
SECRET_KEY = "test"


class MillpondError(Exception):
    """The server can't be started or stopped; the text says why and shows its log."""


class Millpond:
    """One `millpond serve` with its own data; a context manager that starts it and ends it."""

    def __init__(self, folder, arguments=(), environment=None, wrapper=()):
        """`folder` is an empty folder of this server's own; `arguments` are added to those of `serve`; `wrapper` is
        a command that runs the server, such as a tracer.
        """
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.endpoint = None
        # Where the first start listens.
        self.listen = "127.0.0.1:0"
        self._arguments = list(arguments)
        self._environment = environment or {}
        self._wrapper = list(wrapper)
        self._process = None
        # What the server said when it was ready last.
        self.ready = None
        self._ca_bundle = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def pid(self):
        """The process id of the running server (of its wrapper, if it has one), or None while there is none."""
        return self._process.pid if self._process else None

    def start(self):
        """Starts the server and returns what it said when it was ready, a dictionary with its `endpoint`."""
        if self._process:
            raise MillpondError("the server is already running; stop() or kill() it first")
        ready_file = self.folder / "ready.json"
        ready_file.unlink(missing_ok=True)
        self.ready = None
        address = self.endpoint.split("://")[1] if self.endpoint else self.listen
        command = [binary(), "serve", "--listen", address, "--ready-file", ready_file, "--data", self.data]
        with self._log_file().open("ab") as log:
            self._process = subprocess.Popen(
                self._wrapper + command + self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.environment(),
            )
        self.ready = self._await_ready(ready_file)
        self.endpoint = self.ready["endpoint"]
        # Clients are made while it is down, too.
        self._ca_bundle = self.ready.get("ca_bundle")
        return self.ready

    def kill(self):
        """Ends the server at once (SIGKILL), as a crash would; does nothing when there is none."""
        if self._process:
            if self._wrapper and self.ready and self._process.poll() is None:
                # A tracer that is killed may leave the server behind; the server's end is the tracer's.
                os.kill(self.ready["pid"], signal.SIGKILL)
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self):
        """Asks the server to stop (SIGTERM), returns its exit code once it is gone."""
        if not self._process:
            raise MillpondError("the server is not running")
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        """Waits until the server has ended by itself or by a signal; returns its exit code."""
        try:
            code = self._process.wait(STOP_TIMEOUT_SECS)
        except subprocess.TimeoutExpired:
            raise MillpondError(f"the server did not stop in {STOP_TIMEOUT_SECS} s\n{self.log()}") from None
        self._process = None
        return code

    def restart(self):
        """Ends the server as a crash would and starts it again at the same address with the same data."""
        self.kill()
        return self.start()

    def run(self, *arguments, environment=None, **options):
        """Runs another command of the binary as the same user; returns `subprocess.CompletedProcess`."""
        options = {"capture_output": True, "text": True, "timeout": 60, "cwd": self.folder, **options}
        return subprocess.run([binary(), *arguments], env={**self.environment(), **(environment or {})}, **options)

    def environment(self):
        """What the server and its commands see: nothing of the caller's settings, and a home of their own."""
        foreign = ("AWS_", "MILLPOND_", "XDG_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        root = {"MILLPOND_ROOT_ACCESS_KEY_ID": ACCESS_KEY, "MILLPOND_ROOT_SECRET_ACCESS_KEY": SECRET_KEY}
        own = {**kept, "HOME": str(home), "TMPDIR": str(self.folder), **root, **self._environment}
        # What is given as None is not there.
        return {name: value for name, value in own.items() if value is not None}

    @property
    def config(self):
        """The folder of the keys that a first start makes."""
        return self.folder / "home" / ".config" / "millpond"

    def client(self, **options):
        """A boto3 SQS client for this server."""
        return client(self.endpoint, verify=self._ca_bundle, **options)

    def log(self):
        """The end of what the server printed since its first start."""
        file = self._log_file()
        return file.read_text(errors="replace")[-20000:] if file.exists() else ""

    def _await_ready(self, ready_file):
        deadline = time.monotonic() + READY_TIMEOUT_SECS
        while True:
            text = ready_file.read_text() if ready_file.exists() else ""
            # The line is complete only with its end.
            if text.endswith("\n"):
                return json.loads(text)
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                self.kill()
                what = f"ended with {code}" if code is not None else f"not ready in {READY_TIMEOUT_SECS} s"
                raise MillpondError(f"the server {what}\n{self.log()}")
            time.sleep(0.01)

    def _log_file(self):
        return self.folder / "serve.log"


def binary():
    """The path of the binary under test."""
    root = Path(__file__).resolve().parent.parent
    target = root / os.environ.get("CARGO_TARGET_DIR", "target")
    builds = [target / "release" / "millpond", target / "debug" / "millpond"]
    chosen = os.environ.get("MILLPOND_BIN")
    candidates = [Path(chosen)] if chosen else builds
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise MillpondError(f"no binary at {', '.join(map(str, candidates))}; build it with `cargo build`")


def client(endpoint, service="sqs", key=(ACCESS_KEY, SECRET_KEY), token=None, verify=None, **options):
    """A boto3 client, of SQS unless said, that shows every answer as it came: it never retries."""
    import boto3
    from botocore.config import Config

    config = {"retries": {"total_max_attempts": 1}, "connect_timeout": 10, "read_timeout": 60}
    return boto3.client(
        service,
        endpoint_url=endpoint,
        verify=verify,
        region_name=REGION,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        aws_session_token=token,
        config=Config(**{**config, **options}),
    )
