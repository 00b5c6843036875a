"""Builds of Millpond that reply before they write, or never sync, are caught by the checks that the real one passes.

The sources of this workspace are copied and built as they are and with a line or two changed, so that what is shown to
be wrong is the real service:

- "slow log": the log waits for some milliseconds before it writes a group, as on a slow disk. It breaks no promise, and
  the checks must say so.
- "early reply": on top of that the engine lets a reply go when it is decided, not when what it reveals is durable.
  SIGKILL keeps what was written to a file, so the kills can only find what was answered and not yet written; on a disk
  that writes in no time that would take luck. Both checks must find it.
- "no sync": the log writes a group and takes it for durable without a sync. After a SIGKILL nothing is missing. The trace
  of system calls must find it, and so must power cuts, on a disk that loses what was not synced.

The builds that are right go through the same checks at the same size and must pass them, or what they find in the
others proves nothing. A change names the text that it replaces, which must be there exactly once; when the code
has moved on, the proof fails until the change is planted anew. Needs cargo, git, strace, root and /dev/fuse. The builds are debug builds
in MILLPOND_PROVE_DIR, kept there so that the next run builds only what differs; the data lies there, too, and not in
the folder for temporary files, which may be in memory, where a sync takes no time and kills find little.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import kill_rounds
import traced_load
from millpond import Millpond, MillpondError
from power_cuts import PowerCuts
from promises import broken
from sync_order import SyncOrder

WORKSPACE = Path(__file__).resolve().parent.parent.parent
PLAN = kill_rounds.Plan(kills=10, held_lease_secs=8, working_lease_secs=4, load_secs=(0.5, 1.5))
CUTS = PLAN._replace(kills=4)
SEED = 1
CONNECTIONS, ROUNDS, BODY_BYTES = 32, 25, 1024
TRACED_REPLIES = sum(traced_load.replies(CONNECTIONS, ROUNDS).values())
# The creation of a queue is known by what was durable, and else maps to nothing.
CREATED = traced_load.replies(CONNECTIONS, ROUNDS)["CreateQueue"]
LOST = "an acknowledged message is delivered until it is deleted"
UNDONE = "an acknowledged delete stays"
STARTS_AGAIN = "the service starts again"


class Change(NamedTuple):
    """One piece of source text and the wrong one that is planted in its place."""

    file: str
    right: str
    wrong: str


class Caught(NamedTuple):
    """What the checks found in a build."""

    broken_promises: dict
    broken_by_power_cuts: dict
    trace_problems: list
    covered_replies: int


SLOW_LOG = Change(
    "crates/log/src/segment_log/segment_writer.rs",
    "        let offset_bytes = self.active.end_bytes;\n        self.active\n",
    "        std::thread::sleep(std::time::Duration::from_millis(20));\n"
    "        let offset_bytes = self.active.end_bytes;\n        self.active\n",
)
EARLY_REPLY = Change(
    "crates/engine/src/step/mod.rs",
    "if self.batch.is_some() { self.submitted.next() } else { self.submitted }",
    "self.durable",
)
NO_SYNC = Change(
    "crates/log/src/segment_log/segment_writer.rs",
    'self.active.file.sync_data().map_err(failure("sync", &self.active.name))?;',
    "",
)
BUILDS = {
    "unchanged": [],
    "slow log": [SLOW_LOG],
    "early reply": [SLOW_LOG, EARLY_REPLY],
    "no sync": [NO_SYNC],
}


def main():
    with tempfile.TemporaryDirectory(prefix="millpond-planted-") as temporary:
        passed, figures = prove(Path(os.environ.get("MILLPOND_PROVE_DIR", temporary)))
    print(json.dumps({"passed": passed, "figures": figures}))
    return 0 if passed else 1


def prove(place):
    source = place / "source"
    copy_sources(source)
    check_changes(source)
    figures, passed = {}, True
    for name, changes in BUILDS.items():
        binary = build(source, place, name, changes)
        with tempfile.TemporaryDirectory(prefix="data-", dir=place) as folder:
            caught = check(binary, Path(folder), kills=name != "no sync")
        figures.update(figures_of(name, caught))
        as_it_should_be = VERDICTS[name](caught)
        print(f"{name}: {'as it should be' if as_it_should_be else 'NOT WHAT THE CHECKS SHOULD FIND'}", flush=True)
        passed = passed and as_it_should_be
    return passed, figures


def copy_sources(source):
    """Makes `source` a copy of the workspace. A file that is the same already keeps its time, and cargo its build."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=WORKSPACE, check=True, capture_output=True).stdout.decode().split("\0")
    # What is deleted and not yet committed is still listed.
    names = {name for name in names if name and (WORKSPACE / name).is_file()}
    for old in sorted(source.rglob("*"), reverse=True):
        if old.is_file() and str(old.relative_to(source)) not in names:
            old.unlink()
        elif old.is_dir() and not any(old.iterdir()):
            old.rmdir()  # An empty folder among the crates would be one without a manifest.
    for name in names:
        write_if_changed(source / name, (WORKSPACE / name).read_bytes())


def check_changes(workspace):
    """Refuses a workspace in which a change has no place, or more than one."""
    for change in [SLOW_LOG, EARLY_REPLY, NO_SYNC]:
        found = (workspace / change.file).read_text().count(change.right)
        if found != 1:
            raise RuntimeError(
                f"{change.file} has {found} times, not once, the text that a bug is planted in: {change.right!r}; "
                "write the change in planted_bug.py anew"
            )


def write_if_changed(file, data):
    if file.is_file() and file.read_bytes() == data:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def build(source, place, name, changes):
    """Builds the sources with changes; returns the binary. The sources are as they were afterwards."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(place / "target")}
    command = ["cargo", "build", "--locked", "--quiet", "--package", "millpond"]
    print(f"building: {name}", flush=True)
    originals = {change.file: (source / change.file).read_text() for change in changes}
    try:
        for change in changes:
            file = source / change.file
            file.write_text(file.read_text().replace(change.right, change.wrong))
        subprocess.run(command, cwd=source, env=environment, check=True)
    finally:
        for name_of_file, text in originals.items():
            (source / name_of_file).write_text(text)
    binary = place / f"millpond-{name.replace(' ', '-')}"
    shutil.copy2(place / "target" / "debug" / "millpond", binary)
    return binary


def check(binary, folder, kills):
    """Puts a build through the checks."""
    os.environ["MILLPOND_BIN"] = str(binary)
    found = {}
    if kills:
        (folder / "kills").mkdir()
        with Millpond(folder / "kills") as millpond:
            _, records = kill_rounds.run(millpond, PLAN, SEED, report=print)
        found = broken(records)
        for promise, cases in found.items():
            print(f"found: {promise}: {len(cases)} times, for example {cases[:2]}")
    by_power_cuts = cut_power(folder / "cuts")
    (folder / "trace").mkdir()
    with traced_load.run(folder / "trace", CONNECTIONS, ROUNDS, BODY_BYTES).open() as lines:
        order = SyncOrder(lines)
    for problem in order.problems[:3]:
        print(f"found: {problem}")
    return Caught(found, by_power_cuts, order.problems, sum(order.covered.values()))


def cut_power(folder):
    """The promises that power cuts break."""
    folder.mkdir()
    with PowerCuts(folder, SEED) as service:
        try:
            found = broken(kill_rounds.run(service, CUTS, SEED, report=print)[1])
        except MillpondError as error:
            # What was durable is not there, and the service says so and refuses the directory.
            found = {STARTS_AGAIN: [str(error).rpartition("millpond: ")[2]]}
    for promise, cases in found.items():
        print(f"found by power cuts: {promise}: {len(cases)} times, for example {cases[:2]}")
    return found


def nothing_found(caught):
    covered = caught.covered_replies == TRACED_REPLIES
    return not (caught.broken_promises or caught.broken_by_power_cuts or caught.trace_problems) and covered


def early_reply_found(caught):
    by_the_kills = LOST in caught.broken_promises or UNDONE in caught.broken_promises
    # A reply may leave before its write, which then is nowhere, or between write and sync.
    return by_the_kills and bool(caught.trace_problems)


def missing_sync_found(caught):
    by_power_cuts = {LOST, UNDONE, STARTS_AGAIN} & set(caught.broken_by_power_cuts)
    return caught.covered_replies == 0 and early(caught) == TRACED_REPLIES - CREATED and bool(by_power_cuts)


def early(caught):
    """Replies of which the trace shows what they say, and that it was not durable when they left."""
    return sum("left early" in problem for problem in caught.trace_problems)


VERDICTS = {
    "unchanged": nothing_found,
    "slow log": nothing_found,
    "early reply": early_reply_found,
    "no sync": missing_sync_found,
}


def figures_of(name, caught):
    figures = {}
    if name != "no sync":
        figures[f"{name}: kills"] = PLAN.kills
        figures[f"{name}: acknowledged messages lost"] = len(caught.broken_promises.get(LOST, []))
        figures[f"{name}: acknowledged deletes undone"] = len(caught.broken_promises.get(UNDONE, []))
        figures[f"{name}: broken promises"] = sum(len(cases) for cases in caught.broken_promises.values())
    figures[f"{name}: power cuts"] = CUTS.kills
    figures[f"{name}: promises broken by power cuts"] = ", ".join(caught.broken_by_power_cuts) or "none"
    figures[f"{name}: replies not covered by a sync"] = f"{len(caught.trace_problems)} of {TRACED_REPLIES}"
    return figures


if __name__ == "__main__":
    sys.exit(main())
