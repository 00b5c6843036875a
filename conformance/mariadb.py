"""A throwaway MariaDB on a free loopback port, for every test that needs a real database.

Three ways in, one implementation:

* Python tests: `with MariaDb() as database:` and then `.url`, `.stop()`, `.kill()`, `.start()`.
* A command that only needs a database: `python3 conformance/mariadb.py run -- COMMAND…` (or
  `cargo xtask mariadb -- COMMAND…`) runs COMMAND with MILLPOND_TEST_MYSQL_URL set. `cargo xtask test`
  runs the Rust tests this way: share that server, and create a schema of your own in it.
* A test in any other language that stops and starts the database: spawn
  `python3 conformance/mariadb.py serve` and talk over its pipes. It prints one JSON line
  `{"url": …, "port": …, "pid": …}` when the server accepts connections; each of `stop`, `kill` and `start`
  on its standard input is answered by one JSON line (`{"running": false}` or the line above) when done;
  end of input stops the server and removes its data, so a killed test leaves nothing behind.

What always holds: data and socket live in one temporary directory; port, account and data stay the same
from `stop` or `kill` to the next `start`; only the process started here is ever signalled. As root, the
server runs as `nobody`, because it refuses to run as root. Durability settings are the server's defaults.
It refuses to use a server that it did not start, and reads no configuration file.
Only the standard library is used, so any Python from 3.9 on can run it.
"""

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START_TIMEOUT_SECS = 60
STOP_TIMEOUT_SECS = 60
SCHEMA = "millpond_test"
ACCOUNT = "millpond"


class MariaDbError(Exception):
    """The server can't be installed, started or stopped; the text says why and shows its log."""


class MariaDb:
    """One server with its own data directory; a context manager that starts it and cleans up."""

    def __init__(self, certificate=None):
        """With `certificate`, the texts of a PEM certificate (chain) and its key, the server takes encrypted
        connections only.
        """
        self._certificate = certificate
        self._mariadbd = find_program("mariadbd")
        self._password = secrets.token_hex(8)
        self._directory = None
        self._process = None
        self.port = None

    def __enter__(self):
        try:
            self._install()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    @property
    def url(self):
        """`mysql://account:password@127.0.0.1:port/schema`; the account may create schemas."""
        return f"mysql://{ACCOUNT}:{self._password}@127.0.0.1:{self.port}/{SCHEMA}"

    @property
    def pid(self):
        """The process id of the running server, or None while it is stopped."""
        return self._process.pid if self._process else None

    def connection_arguments(self):
        """The keyword arguments of `mysql.connector.connect`."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": ACCOUNT,
            "password": self._password,
            "database": SCHEMA,
        }

    def change_certificate(self, certificate):
        """Another certificate and key from the next start on."""
        self._certificate = certificate

    def start(self):
        """Starts the stopped server and returns when it accepts connections."""
        if self._process:
            raise MariaDbError("MariaDB is already running; stop() or kill() it first")
        if self.port:
            self._start_on(self.port)
            return
        # Between choosing a free port and listening on it someone else may take it: choose again.
        for attempt in range(5):
            try:
                port = free_port()
                self._start_on(port)
                self.port = port
                return
            except MariaDbError:
                if attempt == 4 or "Address already in use" not in self._log():
                    raise

    def stop(self):
        """Shuts the server down cleanly (SIGTERM) and returns when it is gone."""
        if not self._process:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_SECS)
        except subprocess.TimeoutExpired:
            raise MariaDbError(f"MariaDB did not stop in {STOP_TIMEOUT_SECS} s\n{self._log()}") from None
        self._process = None

    def kill(self):
        """Ends the server as a crash would (SIGKILL)."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _install(self):
        self._directory = Path(tempfile.mkdtemp(prefix="millpond-mariadb-"))
        if self._account():
            shutil.chown(self._directory, "nobody")
        grants = self._directory / "grants.sql"
        grants.write_text(
            f"CREATE DATABASE IF NOT EXISTS {SCHEMA};\n"
            f"CREATE USER IF NOT EXISTS '{ACCOUNT}'@'%' IDENTIFIED BY '{self._password}';\n"
            f"GRANT ALL ON *.* TO '{ACCOUNT}'@'%' WITH GRANT OPTION;\n"
        )
        command = [
            find_program("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={self._directory / 'data'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
        installed = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._directory,
            **self._account(),
        )
        if installed.returncode != 0:
            raise MariaDbError(f"mariadb-install-db failed ({installed.returncode}):\n{installed.stdout}")

    def _tls(self):
        """The arguments for the certificate, which is written where the server can read it."""
        if not self._certificate:
            return []
        arguments = ["--require-secure-transport=ON"]
        for option, text in zip(("ssl-cert", "ssl-key"), self._certificate):
            file = self._directory / f"{option}.pem"
            file.write_text(text)
            if self._account():
                shutil.chown(file, "nobody")
            arguments.append(f"--{option}={file}")
        return arguments

    def _start_on(self, port):
        with (self._directory / "error.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._mariadbd,
                    "--no-defaults",
                    f"--datadir={self._directory / 'data'}",
                    f"--socket={self._directory / 'socket'}",
                    f"--pid-file={self._directory / 'pid'}",
                    f"--init-file={self._directory / 'grants.sql'}",
                    f"--port={port}",
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                    "--innodb-buffer-pool-size=64M",
                    *self._tls(),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                **self._account(),
            )
        deadline = time.monotonic() + START_TIMEOUT_SECS
        while not (greets(port) and self._listens()):
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                self.kill()
                what = f"ended with {code}" if code is not None else f"is silent after {START_TIMEOUT_SECS} s"
                raise MariaDbError(f"MariaDB {what}\n{self._log()}")
            time.sleep(0.02)

    def _listens(self):
        """Whether it is this server that listens, and not another one at its port: it tells its id once it does."""
        told = self._directory / "pid"
        return told.exists() and told.read_text().strip() == str(self._process.pid)

    def _account(self):
        """As root, the arguments that make `subprocess` run the server as `nobody`."""
        if os.geteuid() != 0:
            return {}
        return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}

    def _log(self):
        log = self._directory / "error.log"
        return log.read_text(errors="replace")[-4000:] if log.exists() else ""


def find_program(name):
    """The path of an installed program; server programs live outside most people's PATH."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which(name, path=path)
    if not found:
        raise MariaDbError(f"{name} is not installed: run `cargo xtask test`, which installs what tests need")
    return found


def free_port():
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def greets(port):
    """Whether a MySQL server sends its greeting (protocol version 10) on this loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            greeting = connection.recv(5)
            return len(greeting) == 5 and greeting[4] == 10
    except OSError:
        return False


def run(command):
    """Runs a command with MILLPOND_TEST_MYSQL_URL set; returns its exit code."""
    with MariaDb() as database:
        environment = {**os.environ, "MILLPOND_TEST_MYSQL_URL": database.url}
        return subprocess.run(command, env=environment).returncode


def serve():
    """Serves one client over standard input and output, as the file's opening describes."""
    with MariaDb() as database:
        actions = {"stop": database.stop, "kill": database.kill, "start": database.start}
        answer(database)
        for line in sys.stdin:
            action = actions.get(line.strip())
            if not action:
                raise MariaDbError(f"unknown command {line.strip()!r}: say stop, kill or start")
            action()
            answer(database)
    return 0


def answer(database):
    state = {"running": False}
    if database.pid:
        state = {"url": database.url, "port": database.port, "pid": database.pid}
    print(json.dumps(state), flush=True)


def end_on_signal(number, _frame):
    # An exception unwinds the context manager, which ends the server and removes its data.
    sys.exit(128 + number)


def main(arguments):
    signal.signal(signal.SIGTERM, end_on_signal)
    signal.signal(signal.SIGHUP, end_on_signal)
    try:
        if arguments == ["serve"]:
            return serve()
        if arguments[:2] == ["run", "--"] and len(arguments) > 2:
            return run(arguments[2:])
    except MariaDbError as error:
        print(f"mariadb.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print("usage: mariadb.py run -- COMMAND… | mariadb.py serve", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
