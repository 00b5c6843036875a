"""`millpond up` as a process: a whole architecture with a form, a queue and a sink, for tests.

What always holds: the service takes a free port; data and everything that is left for the user live below the folder
it was given; it is ended like a crash of all its processes, and only processes of its own data directory are ever
signalled. A form is addressed by what `ps` says, because it may move to another port when it starts again.
Only the standard library is used.
"""

import html
import http.client
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

from millpond import Millpond, MillpondError, binary

READY_TIMEOUT_SECS = 60
END_TIMEOUT_SECS = 60
SUMMARY_END = "Ctrl-C stops everything."


class Architecture(Millpond):
    """One `millpond up`; a context manager that starts it and leaves no process of it behind."""

    def start(self, *arguments, environment=None):
        """Starts `up` with further arguments and returns what it printed once everything runs."""
        address = self.endpoint.split("://")[1] if self.endpoint else "127.0.0.1:0"
        command = [binary(), "up", *self._arguments, "--listen", address, "--data", self.data, *arguments]
        printed = self.folder / "up.out"
        printed.write_bytes(b"")
        with self._log_file().open("ab") as log, printed.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                cwd=self.folder,
                env={**self.environment(), **(environment or {})},
            )
        ended = lambda: self._process.poll() is not None
        await_that(lambda: SUMMARY_END in printed.read_text() or ended(), self.log, READY_TIMEOUT_SECS)
        if ended():
            raise MillpondError(f"up ended with {self._process.wait()}\n{self.log()}")
        self.endpoint = re.search(r"^  queues +(https?://\S+)$", printed.read_text(), re.MULTILINE).group(1)
        return printed.read_text()

    def interrupt(self):
        """Ends it as Ctrl-C does; returns the exit code."""
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(END_TIMEOUT_SECS)
        self._process = None
        return code

    def kill(self):
        """Ends every process of this architecture at once."""
        super().kill()
        # A supervisor that dies last might have started another workload before.
        for _ in range(3):
            for pid in self.processes():
                end(pid)

    def processes(self):
        """The ids of all processes that have a file of the data directory open, except the caller's own."""
        data = str(self.data)
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                files = open_files(process)
                if any(file == data or file.startswith(data + "/") for file in files):
                    found.append(int(process.name))
        return found

    def service_pid(self):
        """The id of the queue service's process."""
        notes = self.folder / "home" / ".local" / "state" / "millpond" / "services"
        # The newest is the one that lives: a service that was killed leaves its note behind.
        return max((json.loads(note.read_text()) for note in notes.glob("*.json")), key=lambda note: note["started_at_millis"])["pid"]

    def workload(self, name):
        """What `ps` says of a workload."""
        listed = self.run("ps", "--json")
        if listed.returncode != 0:
            raise MillpondError(listed.stderr)
        return next(each for each in json.loads(listed.stdout)["workloads"] if each["name"] == name)

    def rows(self, name="customers"):
        """The rows that landed, as lists; empty while there are none."""
        shown = self.run("rows", name, "--limit", "10000", "--wait", "0", "--json")
        if shown.returncode not in (0, 3):
            raise MillpondError(shown.stderr)
        return json.loads(shown.stdout)["rows"]

    def form_url(self):
        """Where the form is now."""
        return self.workload("frontend")["url"]


def open_files(process):
    """What a process has open, as paths; nothing when it is gone."""
    try:
        return [os.readlink(file) for file in (process / "fd").iterdir()]
    except OSError:
        return []


def end(pid):
    """Ends a process of the architecture like a crash, and waits until it is gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
    await_that(lambda: not alive(pid), lambda: f"process {pid} does not end")


def alive(pid):
    """Whether a process runs; one that has ended and was not collected does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] not in ("Z", "X")


def await_that(holds, explain=lambda: "", timeout_secs=60):
    """Waits until `holds()` is true; fails with what `explain()` says."""
    deadline = time.monotonic() + timeout_secs
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {timeout_secs} s: {explain()}")
        time.sleep(0.02)


def get(url, headers=None):
    """GET: status, headers, text."""
    return exchange("GET", url, None, headers or {})


def post_form(url, fields, headers=None):
    """Posts fields as a browser does."""
    body = urlencode(fields)
    return exchange("POST", url, body, {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})


def post_json(url, value, headers=None):
    """Posts JSON."""
    return exchange("POST", url, json.dumps(value), {"Content-Type": "application/json", **(headers or {})})


def exchange(method, url, body, headers):
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=30)
    try:
        target = (place.path or "/") + (f"?{place.query}" if place.query else "")
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def console(millpond):
    """The console's page, as a browser gets it by the address that `millpond console` prints."""
    address = millpond.run("console").stdout.strip()
    with build_opener(HTTPCookieProcessor()).open(address, timeout=30) as answer:
        return answer.read().decode()


def hidden_submission_id(page):
    """The submission id that a form page carries."""
    return html.unescape(re.search(r'name="submission_id" value="([^"]+)"', page).group(1))
