"""Runs of `millpond bench` for the proofs of speed: how long they are, and what they say.

What always holds: data and ceiling lie on the disk of MILLPOND_PROVE_DIR, not in the folder for temporary files, which
may be in memory; generator and server have cores of their own; a run that can't be made is an error with what the
command said. Whether a figure is good enough is the affair of the proof.

MILLPOND_PROVE_SECS (20) is the length of each run, MILLPOND_PROVE_PAIRS (10) how many pairs there are,
MILLPOND_PROVE_WARM_UP_SECS (2) the load before each of them: shorter ones try a proof out and prove nothing.
"""

import json
import os
import statistics
import tempfile

SECS = int(os.environ.get("MILLPOND_PROVE_SECS", "20"))
PAIRS = int(os.environ.get("MILLPOND_PROVE_PAIRS", "10"))
WARM_UP_SECS = int(os.environ.get("MILLPOND_PROVE_WARM_UP_SECS", "2"))


class BenchError(Exception):
    """A run could not be made; the text says why."""


def folder(name):
    """A folder of its own for a proof, removed at the end."""
    return tempfile.TemporaryDirectory(prefix=f"millpond-{name}-", dir=os.environ.get("MILLPOND_PROVE_DIR"))


def bench(millpond, *arguments, secs=SECS):
    """The report of a load on the server, generator and server on cores of their own."""
    run = ("--seconds", str(secs), "--warm-up", str(WARM_UP_SECS), "--pin", "--json")
    done = millpond.run("bench", *arguments, *run, "--endpoint", millpond.endpoint, timeout=None)
    # A void run is told by exit code 1 and has its figures all the same.
    if not done.stdout:
        raise BenchError(f"millpond bench {' '.join(arguments)}: {done.stderr}\n{millpond.log()}")
    return json.loads(done.stdout)


def beside_ceiling(millpond, *arguments):
    """The report of paired runs of the server and the ceiling."""
    ceiling = ("--ceiling", "--pairs", str(PAIRS), "--directory", str(millpond.folder))
    return bench(millpond, *arguments, *ceiling)


def valid(report):
    """Whether every pair may be drawn a conclusion from."""
    return all(pair["ratio"] is not None for pair in report["pairs"])


def at_least(spread, least):
    """Whether the median of a figure was measured and is so large."""
    return spread is not None and spread["median"] >= least


def at_most(spread, most):
    """Whether the median of a figure was measured and is so small."""
    return spread is not None and spread["median"] <= most


def rate_figures(report):
    """What paired runs say about rate and processor time."""
    disk = report["disk"]
    return {
        "load": load_text(report["load"]),
        "product": f"{round(report['product']['messages_per_sec'])} messages/s",
        "ceiling": f"{round(report['ceiling']['messages_per_sec'])} messages/s",
        "ratio": spread_text(report["ratio"], 3),
        "server CPU, product": cpu_text(report["product"]),
        "server CPU, ceiling": cpu_text(report["ceiling"]),
        "server CPU beyond the ceiling's": spread_text(report["more_cpu_us_per_request"], 1, " µs a request"),
        "generator": f"{max(shares(report)):.0%} of its core at most",
        "a sync alone": f"{disk['after_4_kib']['median_us']} µs after 4 KiB, {disk['after_64_kib']['median_us']} after 64",
        **void_figures(report),
    }


def shares(report):
    """The generator's share of its core in every run."""
    return [pair[side]["generator_core_share"] for pair in report["pairs"] for side in ("product", "ceiling")]


def void_figures(report):
    """Why runs are void, if some are."""
    reasons = [pair[side]["void"] for pair in report["pairs"] for side in ("product", "ceiling")]
    reasons = [reason for reason in reasons if reason]
    return {"void runs": f"{len(reasons)}, the first because {reasons[0]}"} if reasons else {}


def load_text(load):
    """What was asked for, in words."""
    length = f"{load['duration_secs']:g} s"
    return (
        f"{load['work']}, {load['connections']} connections, {load['messages_per_request']} x "
        f"{load['size_bytes']} bytes a request, runs of {length}"
    )


def cpu_text(run):
    """Processor time of a side's server."""
    cpu = run["server_cpu_us_per_request"]
    return "unknown" if cpu is None else f"{cpu:.1f} µs a request"


def spread_text(spread, digits, unit=""):
    """A figure over all valid pairs."""
    if spread is None:
        return "no valid pair"
    median, lowest, highest = (f"{spread[name]:.{digits}f}" for name in ("median", "lowest", "highest"))
    return f"{median}{unit} ({lowest} to {highest}, {spread['pairs']} pairs)"


def spread(figures):
    """The spread of figures, as a report has it."""
    if not figures:
        return None
    ends = {"lowest": min(figures), "highest": max(figures)}
    return {"median": statistics.median(figures), **ends, "pairs": len(figures)}


def alternating(first, second, pairs=PAIRS):
    """Calls both in turn, A B, B A, …; returns the pairs of what they returned."""
    results = []
    for index in range(pairs):
        if index % 2 == 0:
            one, other = first(), second()
        else:
            other, one = second(), first()
        results.append((one, other))
    return results
