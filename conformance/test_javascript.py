"""Programs in JavaScript: the AWS SDK (v3), sqs-consumer and sqs-producer, with the settings that `millpond env` prints.

Each file of `conformance/javascript` is a run of Node's own test runner; what it printed is shown when it fails.
"""

import os
import subprocess

import pytest
from javascript_sdk import NODE, PROGRAMS, node_modules
from millpond import ACCESS_KEY, REGION, SECRET_KEY


@pytest.mark.parametrize("program", ["sdk", "consumer"])
def test_javascript(server, program):
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_PATH": str(node_modules()),
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
    finished = subprocess.run(
        [NODE, "--test", "--test-timeout=60000", PROGRAMS / f"{program}.cjs"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "# pass 0" not in finished.stdout, "no test ran"
