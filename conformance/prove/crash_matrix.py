"""After a crash in any disk call of a scripted run, and one in any call of that recovery, every promise is kept.

The crash matrix of the engine (crates/engine/tests/crash_matrix) in full: a process kill, a power cut that loses all that
was not synced, one that tears the last write, and one that loses some, in each disk call; then the recovery is crashed
in each of its own disk calls. Needs cargo; nothing of the binary under test is used.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

WORKSPACE = Path(__file__).resolve().parent.parent.parent
FIRST, SECOND = "a_crash_in_any_disk_call", "a_second_crash_in_any_disk_call"


def main():
    figures, passed = {}, True
    for test, figure in ((FIRST, "crashes in a disk call"), (SECOND, "crashes of a recovery")):
        code, output = run(test)
        found = re.search(r"^(\d+) crashes$", output, re.MULTILINE)
        figures[figure] = int(found.group(1)) if found else 0
        passed = passed and code == 0 and figures[figure] > 1000
        if code:
            print(output[-5000:])
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def run(test):
    command = ["cargo", "test", "--locked", "--quiet", "--package", "millpond-engine", "--test", "crash_matrix"]
    environment = {**os.environ, "MILLPOND_CRASH_MATRIX": "all"}
    done = subprocess.run(
        [*command, "--", test, "--nocapture"],
        cwd=WORKSPACE,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main())
