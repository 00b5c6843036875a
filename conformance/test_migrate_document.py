"""`docs/migrate.md`: its files do what the page says when they are used as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from millpond import Millpond, binary

# The page has clients of its own.
PROTOCOLS = ["json"]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "migrate.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_the_pytest_files_pass(tmp_path):
    files = blocks("python")
    assert len(files) == 2
    for text in files:
        (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "millpond").symlink_to(binary().resolve())
    foreign = ("AWS_", "MILLPOND_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment = {**kept, "PATH": f"{programs}:{kept['PATH']}", "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, "2 passed" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_the_settings_bring_about_what_the_other_file_said(tmp_path):
    (text,) = blocks("toml")
    (tmp_path / "millpond.toml").write_text(text)
    # The harness gives an address of its own, which wins over that of the file.
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        assert "QueueUrls" not in sqs.list_queues(), "they are in another region"
        shown = millpond.run("queues", "--json").stdout
        assert shown.count('"account":"123456789012"') == shown.count('"region":"us-west-2"') == 3
        assert all(f'"name":"{name}"' in shown for name in ("orders", "orders-dead", "steps.fifo"))
