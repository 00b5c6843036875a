"""A limit on the memory of a process and all that it starts, page cache included: a control group of Linux.

What always holds: the group is this process's own and is gone at the end, together with the limit; a process is in the
group from its first instruction on. It refuses to run without a limit: where no group can be made, that is an error.
"""

import os
from pathlib import Path

# Version 1 of control groups has the memory apart from the rest, version 2 has all in one tree.
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


class MemoryLimit:
    """At most so many bytes; a context manager that makes the group and takes it away."""

    def __init__(self, limit_bytes, name):
        self._limit_bytes = limit_bytes
        self._is_first = (VERSION_1 / "memory.limit_in_bytes").exists()
        root = VERSION_1 if self._is_first else VERSION_2
        self._group = root / f"millpond-{os.getpid()}-{name}"

    def __enter__(self):
        self._group.mkdir()
        (self._group / ("memory.limit_in_bytes" if self._is_first else "memory.max")).write_text(str(self._limit_bytes))
        return self

    def __exit__(self, *_):
        # Only processes that have ended leave it.
        self._group.rmdir()

    @property
    def wrapper(self):
        """What a command line begins with whose process is to be in the group."""
        enter = 'echo $$ > "$0" && exec "$@"'
        return ["sh", "-c", enter, str(self._group / "cgroup.procs")]

    def largest_bytes(self):
        """The most memory that was in use, page cache included."""
        name = "memory.max_usage_in_bytes" if self._is_first else "memory.peak"
        return int((self._group / name).read_text())
