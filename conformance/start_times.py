"""How long the service takes from its start to `/ready`, with an empty log: a figure for people, no test.

Run it with the Python of the tests; MILLPOND_BIN names the binary, as everywhere here:

    target/python/bin/python conformance/start_times.py [STARTS]
"""

import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from millpond import Millpond, binary

DEADLINE_SECS = 30


def main():
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    millis = sorted(one_start() * 1000 for _ in range(starts))
    print(
        f"{binary()}: {starts} starts to ready: median {statistics.median(millis):.0f} ms, "
        f"fastest {millis[0]:.0f} ms, slowest {millis[-1]:.0f} ms"
    )


def one_start():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = Millpond(folder)
        command = [binary(), "serve", "--listen", f"127.0.0.1:{port}", "--data", Path(folder) / "data"]
        begun = time.monotonic()
        process = subprocess.Popen(
            command, env=server.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while not is_ready(port):
                if time.monotonic() > begun + DEADLINE_SECS or process.poll() is not None:
                    raise SystemExit("the service did not become ready")
                time.sleep(0.001)
            return time.monotonic() - begun
        finally:
            process.kill()
            process.wait()


def is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECS)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def free_port():
    """A port that was free a moment ago; whoever takes it meanwhile makes the start fail, not the figure wrong."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


if __name__ == "__main__":
    main()
