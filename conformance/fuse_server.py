"""A file system in user space, spoken straight to /dev/fuse: the part of the kernel's protocol that a data directory needs.

`serve(folder, files)` mounts `files` at a folder and answers the kernel until it is unmounted. `files` decides what each
operation does (`losing_disk.py`); this file knows bytes only. Structures and numbers are those of Linux'
include/uapi/linux/fuse.h, protocol 7.31, little-endian.

What always holds: the kernel keeps nothing back: names, attributes and pages are asked for anew each time, and a write
has reached `files` when its system call returns. It needs root, Linux and no library; it refuses every operation that it
does not know with ENOSYS.
"""

import ctypes
import errno
import os
import stat
import struct

IN_HEADER, OUT_HEADER = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
ENTRY, ATTRIBUTES_HEAD, OPENED = struct.Struct("<QQQQII"), struct.Struct("<QII"), struct.Struct("<QIi")
INIT_OUT = struct.Struct("<IIIIHHIIHHI7I")
WRITE_IN, READ_IN = struct.Struct("<QQIIQII"), struct.Struct("<QQIIQII")
SETATTR_IN = struct.Struct("<IIQQQQQQIIIIIIII")
STATFS = struct.Struct("<QQQQQIIII6I")
ENTRY_HEAD = struct.Struct("<QQII")
(LOOKUP, FORGET, GETATTR, SETATTR, MKDIR, UNLINK, RMDIR, RENAME) = (1, 2, 3, 4, 9, 10, 11, 12)
(OPEN, READ, WRITE, STATFS_CALL, RELEASE, FSYNC, FLUSH, INIT) = (14, 15, 16, 17, 18, 20, 25, 26)
(OPENDIR, READDIR, RELEASEDIR, FSYNCDIR, CREATE, INTERRUPT) = (27, 28, 29, 30, 35, 36)
(DESTROY, BATCH_FORGET, RENAME2) = (38, 42, 45)
UNANSWERED = {FORGET, BATCH_FORGET, INTERRUPT}
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
WRITE_BYTES_MOST = 1 << 20
SET_MODE, SET_SIZE = 1 << 0, 1 << 3
# The kernel must not answer reads of its own.
DIRECT_IO = 1 << 0
UNMOUNT_DETACHED = 2

libc = ctypes.CDLL(None, use_errno=True)


def call_libc(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(folder):
    """Mounts at a folder; returns the descriptor on which the kernel asks."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},default_permissions"
    call_libc("mount", b"losing-disk", os.fsencode(folder), b"fuse", ctypes.c_ulong(0), options.encode())
    return device


def unmount(folder):
    call_libc("umount2", os.fsencode(folder), UNMOUNT_DETACHED)


class Later(Exception):
    """Raised by `files`: the answer comes by itself, when the function given to `when_ready` is called."""

    def __init__(self, when_ready):
        super().__init__()
        self.when_ready = when_ready


def serve(device, files):
    """Answers the kernel until the file system is unmounted."""
    handlers = Handlers(files)
    while True:
        try:
            request = os.read(device, WRITE_BYTES_MOST + 65_536)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                continue
            if error.errno == errno.ENODEV:
                os.close(device)
                return
            raise
        _, operation, unique, node, *_ = IN_HEADER.unpack_from(request)
        try:
            answer(device, unique, 0, handlers.handle(operation, node, request[IN_HEADER.size :]), operation)
        except Later as later:
            later.when_ready(lambda number, unique=unique: answer(device, unique, number, b"", FSYNC))
        except OSError as error:
            answer(device, unique, error.errno, b"", operation)


def answer(device, unique, number, data, operation):
    if operation in UNANSWERED:
        return
    try:
        os.write(device, OUT_HEADER.pack(OUT_HEADER.size + len(data), -number, unique) + data)
    except OSError as error:
        # Whoever asked is gone, or the file system is unmounted.
        if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EBADF):
            raise


class Handlers:
    """Takes requests apart and puts answers together."""

    def __init__(self, files):
        self.files = files

    def handle(self, operation, node, data):
        known = {
            INIT: self.init,
            LOOKUP: lambda: self.entry(self.files.look_up(node, name(data))),
            GETATTR: lambda: self.attributes(node),
            SETATTR: lambda: self.set_attributes(node, data),
            MKDIR: lambda: self.make_directory(node, data),
            UNLINK: lambda: self.files.remove(node, name(data)) or b"",
            RMDIR: lambda: self.files.remove(node, name(data)) or b"",
            RENAME: lambda: self.rename(node, data, 8),
            RENAME2: lambda: self.rename(node, data, 16),
            OPEN: lambda: self.open(node),
            OPENDIR: lambda: OPENED.pack(0, 0, 0),
            CREATE: lambda: self.create(node, data),
            READ: lambda: self.read(node, data),
            WRITE: lambda: self.write(node, data),
            FSYNC: lambda: self.files.sync(node) or b"",
            FSYNCDIR: lambda: self.files.sync_names(node) or b"",
            READDIR: lambda: self.list(node, data),
            STATFS_CALL: self.statfs,
            RELEASE: lambda: self.files.close(node) or b"",
            RELEASEDIR: lambda: b"",
            FLUSH: lambda: b"",
            DESTROY: lambda: b"",
        }
        if operation in UNANSWERED:
            return b""
        if operation not in known:
            raise OSError(errno.ENOSYS, f"operation {operation}")
        return known[operation]()

    def init(self):
        pages = WRITE_BYTES_MOST // 4096
        return INIT_OUT.pack(7, 31, 0, BIG_WRITES | MAX_PAGES, 16, 12, WRITE_BYTES_MOST, 1, pages, 0, 0, *[0] * 7)

    def packed(self, node):
        mode, size, links = self.files.status(node)
        blocks = -(-size // 512)
        owner = (os.getuid(), os.getgid())
        return ATTRIBUTES.pack(node, size, blocks, 0, 0, 0, 0, 0, 0, mode, links, *owner, 0, 4096, 0)

    def entry(self, node):
        return ENTRY.pack(node, 0, 0, 0, 0, 0) + self.packed(node)

    def attributes(self, node):
        return ATTRIBUTES_HEAD.pack(0, 0, 0) + self.packed(node)

    def set_attributes(self, node, data):
        valid, _, _, size, _, _, _, _, _, _, _, mode, *_ = SETATTR_IN.unpack_from(data)
        if valid & SET_SIZE:
            self.files.set_size(node, size)
        if valid & SET_MODE:
            self.files.set_mode(node, mode)
        return self.attributes(node)

    def make_directory(self, node, data):
        mode, _ = struct.unpack_from("<II", data)
        return self.entry(self.files.create(node, name(data[8:]), stat.S_IFDIR | stat.S_IMODE(mode)))

    def create(self, node, data):
        _, mode, _, _ = struct.unpack_from("<IIII", data)
        made = self.files.create(node, name(data[16:]), stat.S_IFREG | stat.S_IMODE(mode))
        return self.entry(made) + self.open(made)

    def rename(self, node, data, head_bytes):
        (target,) = struct.unpack_from("<Q", data)
        old, new = data[head_bytes:].split(b"\0")[:2]
        self.files.rename(node, os.fsdecode(old), target, os.fsdecode(new))
        return b""

    def open(self, node):
        self.files.open(node)
        return OPENED.pack(0, DIRECT_IO, 0)

    def read(self, node, data):
        _, offset, size, *_ = READ_IN.unpack_from(data)
        return self.files.read(node, offset, size)

    def write(self, node, data):
        _, offset, size, *_ = WRITE_IN.unpack_from(data)
        self.files.write(node, offset, data[WRITE_IN.size : WRITE_IN.size + size])
        return struct.pack("<II", size, 0)

    def list(self, node, data):
        _, offset, size, *_ = READ_IN.unpack_from(data)
        packed = b""
        for number, (entry_name, entry_node, mode) in enumerate(self.files.list(node), 1):
            if number <= offset:
                continue
            encoded = os.fsencode(entry_name)
            one = ENTRY_HEAD.pack(entry_node, number, len(encoded), stat.S_IFMT(mode) >> 12) + encoded
            one += b"\0" * (-len(one) % 8)
            if len(packed) + len(one) > size:
                break
            packed += one
        return packed

    def statfs(self):
        free = self.files.free_bytes() // 4096
        return STATFS.pack(1 << 24, free, free, 1 << 20, 1 << 20, 4096, 255, 4096, 0, *[0] * 6)


def name(data):
    return os.fsdecode(data.split(b"\0", 1)[0])
