"""A disk that loses what was not synced when its power is cut, as a folder for a real process.

It keeps what a reader sees apart from what a power cut leaves, for content by sectors of 512 bytes and for names by
directory, like crates/log's faulty disk. Content becomes durable by a sync of its file, a name by a sync of its
directory, and by nothing else. A cut keeps or loses each unsynced sector and name on its own, or loses all of them.

    with LosingDisk(folder) as disk:     # mounted at the folder, in a process of its own
        disk.cut(seed=1)                 # nobody may use it meanwhile: end the process that does, first
        disk.stall(seconds=30)           # from now on a sync takes so long
        disk.release()                   # ends the wait: what waits fails; disk.resume() lets it succeed

What always holds: the same calls and the same seed leave the same content. It needs root and /dev/fuse, and refuses to run
without (`why_not` says what is missing); content is kept in memory.
"""

import errno
import json
import os
import random
import stat
import subprocess
import sys
import threading
from pathlib import Path

import fuse_server

SECTOR = 512
ROOT = 1
CAPACITY_BYTES = 8 << 30


def why_not():
    """What keeps this machine from mounting such a disk; None when nothing does."""
    if os.getuid() != 0:
        return "mounting needs root"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse"
    return None


class LosingDisk:
    """The disk, seen from a test; a context manager that mounts and unmounts it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self._process = None

    def __enter__(self):
        if missing := why_not():
            raise RuntimeError(f"no disk can be mounted, {missing}: run this as root, with the kernel's module fuse")
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, __file__, str(self.folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._hear()
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(30)

    def cut(self, seed, loses="some"):
        """Cuts the power and brings it back; `loses` is "some", as the seed draws, or "all". Returns what it lost."""
        return self._ask(command="cut", seed=seed, loses=loses)

    def stall(self, seconds):
        """From now on each sync takes so long."""
        self._ask(command="stall", seconds=seconds)

    def release(self):
        """Syncs take no time any more, and those that wait fail."""
        self._ask(command="release")

    def resume(self):
        """Syncs take no time any more, and those that wait are done."""
        self._ask(command="resume")

    def figures(self):
        """Syncs and writes so far, and syncs that wait."""
        return self._ask(command="figures")

    def _ask(self, **request):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the disk at {self.folder} has ended with {self._process.wait()}")
        return json.loads(line)


class File:
    """Content, or the names of a directory."""

    def __init__(self, mode):
        self.mode = mode
        self.seen, self.kept = bytearray(), bytearray()
        self.unsynced, self.length_unsynced = set(), False
        self.opens = 0
        # Of a directory.
        self.names, self.kept_names, self.changes = {}, {}, []

    def keep(self, sector):
        begin, end = sector * SECTOR, min((sector + 1) * SECTOR, len(self.seen), len(self.kept))
        if begin < end:
            self.kept[begin:end] = self.seen[begin:end]

    def keep_length(self):
        resize(self.kept, len(self.seen))
        self.length_unsynced = False

    def change(self, name, node):
        """Gives a name to a node, or to none."""
        apply(self.names, name, node)
        self.changes.append((name, node))


def apply(names, name, node):
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def resize(content, size):
    if len(content) > size:
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


class Files:
    """All files; what `fuse_server` asks for."""

    def __init__(self):
        self._lock = threading.RLock()
        self._files = {ROOT: File(stat.S_IFDIR | 0o700)}
        self._next_node = ROOT + 1
        self._stall_secs = 0
        self._waiting = []
        self.writes = self.syncs = 0

    def look_up(self, node, name):
        with self._lock:
            if name not in self._files[node].names:
                raise OSError(errno.ENOENT, name)
            return self._files[node].names[name]

    def status(self, node):
        with self._lock:
            if node not in self._files:
                raise OSError(errno.ENOENT, str(node))
            file = self._files[node]
            return file.mode, len(file.seen), 2 if stat.S_ISDIR(file.mode) else 1

    def set_size(self, node, size):
        with self._lock:
            file = self._files[node]
            shorter = min(len(file.seen), size)
            file.unsynced.update(range(shorter // SECTOR, -(-size // SECTOR)))
            resize(file.seen, size)
            file.length_unsynced = True

    def set_mode(self, node, mode):
        with self._lock:
            file = self._files[node]
            file.mode = stat.S_IFMT(file.mode) | stat.S_IMODE(mode)

    def create(self, node, name, mode):
        with self._lock:
            if name in self._files[node].names:
                raise OSError(errno.EEXIST, name)
            made = self._next_node
            self._next_node += 1
            self._files[made] = File(mode)
            self._files[node].change(name, made)
            return made

    def remove(self, node, name):
        with self._lock:
            found = self._files[self.look_up(node, name)]
            if found.names:
                raise OSError(errno.ENOTEMPTY, name)
            self._files[node].change(name, None)

    def rename(self, node, old, target, new):
        with self._lock:
            moved = self.look_up(node, old)
            if node == target:
                # One change: a cut leaves the old name or the new one.
                self._files[node].names.pop(old)
                self._files[node].names[new] = moved
                self._files[node].changes.append((old, new, moved))
            else:
                self._files[target].change(new, moved)
                self._files[node].change(old, None)

    def open(self, node):
        with self._lock:
            self._files[node].opens += 1

    def close(self, node):
        with self._lock:
            self._files[node].opens -= 1
            self._forget_unnamed()

    def read(self, node, offset, size):
        with self._lock:
            return bytes(self._files[node].seen[offset : offset + size])

    def write(self, node, offset, data):
        with self._lock:
            self.writes += 1
            file, end = self._files[node], offset + len(data)
            if len(file.seen) < end:
                resize(file.seen, end)
                file.length_unsynced = True
            file.seen[offset:end] = data
            file.unsynced.update(range(offset // SECTOR, -(-end // SECTOR)))

    def sync(self, node):
        if self._stall_secs:
            raise fuse_server.Later(lambda answer: self._wait(node, answer))
        self._sync_now(node)

    def _sync_now(self, node):
        with self._lock:
            self.syncs += 1
            file = self._files[node]
            if file.length_unsynced:
                file.keep_length()
            for sector in file.unsynced:
                file.keep(sector)
            file.unsynced.clear()

    def _wait(self, node, answer):
        """A stalled sync: it happens when its time has come, and fails when the stall is ended before."""

        def end(number):
            with self._lock:
                if timer not in self._waiting:
                    return
                self._waiting.remove(timer)
                if number == 0:
                    self._sync_now(node)
            answer(number)

        timer = threading.Timer(self._stall_secs, end, [0])
        timer.daemon = True
        timer.end = end
        with self._lock:
            self._waiting.append(timer)
        timer.start()

    def sync_names(self, node):
        with self._lock:
            directory = self._files[node]
            for change in directory.changes:
                apply_change(directory.kept_names, change)
            directory.changes.clear()
            self._forget_unnamed()

    def list(self, node):
        with self._lock:
            names = self._files[node].names
            return [(name, names[name], self._files[names[name]].mode) for name in sorted(names)]

    def free_bytes(self):
        with self._lock:
            return CAPACITY_BYTES - sum(len(file.seen) for file in self._files.values())

    def _forget_unnamed(self):
        """Drops the content of files that have no name on either side and are not open."""
        named = {ROOT} | {node for node, file in self._files.items() if file.opens}
        for file in self._files.values():
            named.update(file.names.values(), file.kept_names.values())
            named.update(node for change in file.changes for node in change[1:] if isinstance(node, int))
        for node in set(self._files) - named:
            self._files[node].seen.clear()
            self._files[node].kept.clear()
            self._files[node].unsynced.clear()

    def cut(self, seed, loses):
        """Keeps what a power cut leaves."""
        draw, lost_sectors, lost_names = random.Random(seed), 0, 0

        def is_kept():
            return loses == "some" and draw.random() < 0.5

        with self._lock:
            for node in sorted(self._files):
                file = self._files[node]
                for change in file.changes:
                    if is_kept():
                        apply_change(file.kept_names, change)
                    else:
                        lost_names += 1
                file.changes.clear()
                file.names = dict(file.kept_names)
                if file.length_unsynced and is_kept():
                    file.keep_length()
                file.length_unsynced = False
                for sector in sorted(file.unsynced):
                    if is_kept():
                        file.keep(sector)
                    else:
                        lost_sectors += 1
                file.unsynced.clear()
                file.seen, file.opens = bytearray(file.kept), 0
            self._forget_unnamed()
        return {"lost_sectors": lost_sectors, "lost_names": lost_names}

    def stall(self, seconds):
        self._stall_secs = seconds

    def release(self):
        self._end_stall(errno.EIO)

    def resume(self):
        self._end_stall(0)

    def _end_stall(self, number):
        self._stall_secs = 0
        with self._lock:
            waiting = list(self._waiting)
        for timer in waiting:
            timer.cancel()
            timer.end(number)

    def figures(self):
        with self._lock:
            return {"writes": self.writes, "syncs": self.syncs, "waiting": len(self._waiting)}


def apply_change(names, change):
    """Applies a change as far as it still makes sense: after a cut an earlier one may be missing."""
    if len(change) == 2:
        apply(names, *change)
        return
    old, new, node = change
    if names.pop(old, None) is not None:
        names[new] = node


def main(folder):
    files = Files()
    device = fuse_server.mount(folder)

    def begin():
        thread = threading.Thread(target=fuse_server.serve, args=(device, files), daemon=True)
        thread.start()
        return thread

    serving = begin()
    tell({"mounted": folder})
    for line in sys.stdin:
        request = json.loads(line)
        command = request.pop("command")
        if command != "cut":
            tell(getattr(files, command)(**request))
            continue
        files.release()
        fuse_server.unmount(folder)
        serving.join()
        lost = files.cut(**request)
        device = fuse_server.mount(folder)
        serving = begin()
        tell(lost)
    files.release()
    fuse_server.unmount(folder)
    serving.join(5)


def tell(answer):
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
