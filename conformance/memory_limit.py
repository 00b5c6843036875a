"""A memory limit for one process and its children, by a control group of the kernel (version 1 or 2).

    with MemoryLimit(512 << 20) as limit:
        Millpond(folder, wrapper=limit.wrapper)     # the server begins inside of the group
        limit.peak_bytes(), limit.kills()

What always holds: the limit counts the page cache, as the kernel does, and there is no swap beside it; the group goes with
the value. It needs root; `why_not` says what is missing.
"""

import os
import time
import uuid
from pathlib import Path

VERSION_1 = Path("/sys/fs/cgroup/memory")
VERSION_2 = Path("/sys/fs/cgroup")


def evict(folder):
    """Writes files out and takes them from the page cache: who reads them next pays for them, and not who wrote them."""
    for file in folder.rglob("*"):
        if file.is_file():
            opened = os.open(file, os.O_RDONLY)
            os.fsync(opened)
            os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(opened)


def why_not():
    """What keeps this machine from limiting memory; None when nothing does."""
    if os.getuid() != 0:
        return "a control group needs root"
    if not (VERSION_1 / "memory.limit_in_bytes").exists() and not (VERSION_2 / "cgroup.controllers").exists():
        return "there are no control groups"
    return None


class MemoryLimit:
    """A group with a limit; a context manager."""

    def __init__(self, limit_bytes):
        self._is_first = (VERSION_1 / "memory.limit_in_bytes").exists()
        self._limit_bytes = limit_bytes
        self._group = (VERSION_1 if self._is_first else VERSION_2) / f"millpond-{uuid.uuid4().hex[:12]}"

    def __enter__(self):
        self._group.mkdir()
        if self._is_first:
            (self._group / "memory.limit_in_bytes").write_text(str(self._limit_bytes))
        else:
            (self._group / "memory.max").write_text(str(self._limit_bytes))
            (self._group / "memory.swap.max").write_text("0")
        return self

    def __exit__(self, *_):
        # A process that has just ended may still be in the group.
        deadline = time.monotonic() + 10
        while True:
            try:
                self._group.rmdir()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    @property
    def wrapper(self):
        """A command that runs what follows it inside of the group."""
        return ["sh", "-c", f'echo $$ > {self._group}/cgroup.procs; exec "$@"', "sh"]

    def used_bytes(self):
        """What processes hold: without the page cache."""
        name = "rss" if self._is_first else "anon"
        return self._figures("memory.stat")[name]

    def peak_bytes(self):
        """The most that was used at once, the page cache included."""
        name = "memory.max_usage_in_bytes" if self._is_first else "memory.peak"
        return int((self._group / name).read_text())

    def kills(self):
        """Processes that were killed for want of memory."""
        return self._figures("memory.oom_control" if self._is_first else "memory.events")["oom_kill"]

    def _figures(self, name):
        lines = (line.split() for line in (self._group / name).read_text().splitlines())
        return {key: int(value) for key, value in lines}
