"""Reads the output of `strace -f -y -T -xx` into system calls with a total order of their beginnings and ends.

The order is that of the lines: a traced thread stands still until strace has written its line, so what happened
after a call ended has a later line than that end. A call that another one interrupts has two lines, `<unfinished ...>`
where it began and `resumed` where it ended.

It refuses a trace that it does not understand: a line of no known form is an error.
"""

import re
from typing import NamedTuple

# What says when bytes reach files and sockets; every way of writing is among them, so that none goes unseen.
SYSTEM_CALLS = (
    "pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg,sendfile,splice,copy_file_range,mmap,"
    "io_uring_setup,fdatasync,fsync,sync_file_range,rename,renameat,renameat2,recvfrom,recvmsg,read,readv"
)
STRING_BYTES = 131_072

LINE = re.compile(r"(\d+) +(?:[\d.]+ )?(.*)")
BEGUN = re.compile(r"(\w+)\((.*) <unfinished \.\.\.>")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
WHOLE = re.compile(r"(\w+)\((.*)")
ENDED = re.compile(r"(.*)\) += (-?\d+|\?|0x[0-9a-f]+)(?:<.*>)?(?: \w+ \(.*\))?(?: <[\d.]+>)?")
DESCRIPTOR = re.compile(r"\d+<((?:\\x[0-9a-f]{2})*)>")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


class Call(NamedTuple):
    """One system call."""

    name: str
    arguments: str
    result: int
    begun_line: int
    ended_line: int

    def path(self):
        """What the first argument, a file descriptor, is: a path, or `socket:[NUMBER]`."""
        found = DESCRIPTOR.match(self.arguments)
        return unescaped(found.group(1)).decode() if found else ""

    def strings(self):
        """Its string and buffer arguments, in order."""
        found = STRING.findall(DESCRIPTOR.sub("", self.arguments, count=1))
        if any(more for _, more in found):
            raise ValueError(f"strace cut a buffer of {self.name} at line {self.begun_line}; raise STRING_BYTES")
        return [unescaped(text) for text, _ in found]

    def data(self):
        """The bytes that were read or written."""
        return b"".join(self.strings())[: max(self.result, 0)]


def command(output):
    """The command that traces what follows it."""
    options = ["-f", "-y", "-T", "-ttt", "-xx", "--seccomp-bpf", "-qq", "-e", "signal=none"]
    return ["strace", *options, "-s", str(STRING_BYTES), "-e", f"trace={SYSTEM_CALLS}", "-o", str(output)]


def calls(lines):
    """The calls that ended, in the order in which they ended."""
    begun = {}
    for number, line in enumerate(lines, 1):
        thread, text = LINE.fullmatch(line.rstrip("\n")).groups()
        if text.startswith(("+++", "---")):
            continue
        resumed = RESUMED.fullmatch(text)
        unfinished = None if resumed else BEGUN.fullmatch(text)
        if unfinished:
            begun[thread] = (number, *unfinished.groups())
            continue
        if resumed:
            start, name, first = begun.pop(thread)
            rest = first + resumed.group(2)
        else:
            start, (name, rest) = number, WHOLE.fullmatch(text).groups()
        ended = ENDED.fullmatch(rest)
        if not ended:
            raise ValueError(f"line {number} of the trace can't be read: {text[:200]}")
        arguments, result = ended.groups()
        yield Call(name, arguments, -1 if result == "?" else int(result, 0), start, number)


def unescaped(text):
    return bytes.fromhex(text.replace("\\x", ""))
