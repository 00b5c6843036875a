"""The real binary on a disk whose power can be cut: `kill` ends the process and cuts the power, `start` starts it again.

What always holds: a cut is after the end of the process, and what was not synced by then is lost in part or, at every second
cut, as a whole. It is used in the place of a `Millpond` by `kill_rounds.py` and `kill_shapes.py`.
"""

import contextlib
import os
import signal

from losing_disk import LosingDisk
from millpond import Millpond


class PowerCuts:
    """A service on a losing disk; a context manager that starts and ends both."""

    def __init__(self, folder, seed, sync_secs=0.01):
        self.millpond = Millpond(folder)
        self.disk = LosingDisk(self.millpond.data)
        # What each cut has lost: numbers of sectors and of names.
        self.lost = []
        self._seed = seed
        # With syncs that take no time, most cuts would find nothing that is not synced.
        self._sync_secs = sync_secs
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._stack.enter_context(self.disk)
            self._stack.enter_context(self.millpond)
            self.disk.stall(self._sync_secs)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    @property
    def endpoint(self):
        return self.millpond.endpoint

    def kill(self):
        os.kill(self.millpond.pid, signal.SIGKILL)
        # A process does not end while the kernel waits for its sync.
        self.disk.release()
        self.millpond.kill()
        loses = "all" if len(self.lost) % 2 else "some"
        self.lost.append(self.disk.cut(f"{self._seed}-{len(self.lost)}", loses))

    def start(self):
        self.millpond.start()
        self.disk.stall(self._sync_secs)
