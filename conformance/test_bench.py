"""`millpond bench`: every load runs against the real service, and what `fill` makes is served like any other data.

Short runs, and no assertion on how fast anything is: the figures of a loaded machine mean nothing.
"""

import csv
import json
import os

import pytest

from millpond import Millpond

PROTOCOLS = ["json"]
SHORT = ("--seconds", "1", "--warm-up", "0", "--connections", "4", "--size", "200")


def bench(server, *arguments):
    """The JSON report of a short run."""
    done = server.run("bench", *arguments, *SHORT, "--endpoint", server.endpoint, "--json")
    return report_of(done)


def report_of(done):
    """The report, whose exit code says whether it is void; on a loaded machine any may be."""
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    runs = [report["run"]["void"] is None] if "run" in report else [pair["ratio"] is not None for pair in report["pairs"]]
    assert done.returncode == (0 if any(runs) else 1), done.stderr
    return report


@pytest.mark.parametrize(
    "arguments, requests_per_operation",
    [
        (("send",), 1),
        (("send", "--batch", "10", "--queues", "3"), 1),
        (("receive", "--batch", "10", "--messages", "500"), 2),
        (("round-trip",), 3),
        (("round-trip", "--batch", "10", "--queues", "2"), 3),
        (("fifo", "--batch", "10", "--groups", "1000"), 3),
    ],
)
def test_every_load_runs_without_errors(server, arguments, requests_per_operation):
    report = bench(server, *arguments)
    run = report["run"]
    assert (run["errors"], run["error_texts"]) == (0, [])
    assert run["operations"] > 0
    assert run["requests"] >= requests_per_operation * run["operations"]
    assert len(run["actions"]) == requests_per_operation
    assert run["server_cpu_us_per_request"] is not None, "the pid of a service of this user is known"
    batch = report["load"]["messages_per_request"]
    assert run["operations"] <= run["messages"] <= batch * run["operations"]
    latency = run["latency"]
    assert latency["p50_us"] <= latency["p90_us"] <= latency["p99_us"] <= latency["p999_us"] <= latency["max_us"]


def test_queues_of_a_load_are_gone_afterwards(server):
    bench(server, "round-trip", "--queues", "3")
    assert "bench-" not in server.run("queues", "--endpoint", server.endpoint).stdout


def test_a_receive_ends_with_the_last_message(server):
    run = bench(server, "receive", "--batch", "10", "--messages", "100")["run"]
    assert run["drained"]
    assert run["messages"] == 100


def test_a_void_run_is_a_failure_with_its_figures(server):
    nothing = ("receive", "--messages", "0", *SHORT, "--endpoint", server.endpoint)
    done = server.run("bench", *nothing, "--json")
    assert done.returncode == 1
    assert "the run is void: the queues were empty before anything was measured" in done.stderr
    assert json.loads(done.stdout)["run"]["void"].startswith("the queues were empty")
    assert server.run("bench", *nothing).returncode == 1


def test_a_schedule_is_kept_and_parts_of_it_are_told(server, tmp_path):
    histogram = tmp_path / "latencies.csv"
    arguments = ("send", "--rate", "50", "--histogram", str(histogram))
    done = server.run(
        *("bench", *arguments, *SHORT[2:], "--seconds", "2", "--interval", "1", "--json"),
        *("--endpoint", server.endpoint),
    )
    report = report_of(done)
    run = report["run"]
    assert report["load"]["scheduled_per_sec"] == 50
    assert run["operations"] == 100
    assert [part["operations"] for part in run["intervals"]] == [50, 50]
    assert run["generator_late"] is not None
    rows = list(csv.DictReader(histogram.open()))
    assert sum(int(row["count"]) for row in rows if row["latency_of"] == "operation") == 100


@pytest.mark.parametrize("work", ["send", "round-trip"])
def test_the_ceiling_answers_the_same_calls(server, work, tmp_path):
    report = bench(server, work, "--ceiling", "--pairs", "1", "--batch", "10", "--directory", str(tmp_path))
    for side in ("product", "ceiling"):
        assert (report[side]["errors"], report[side]["error_texts"]) == (0, [])
        assert report[side]["operations"] > 0
    actions = [[action["action"] for action in report[side]["actions"]] for side in ("product", "ceiling")]
    assert actions[0] == actions[1]
    assert list(tmp_path.iterdir()) == []


def test_generator_and_server_are_pinned_only_while_they_run(server):
    before = os.sched_getaffinity(server.pid)
    if len(os.sched_getaffinity(0)) > 1:
        assert bench(server, "send", "--pin")["load"]["pinned"]
    else:
        refused = server.run("bench", "send", "--pin", "--endpoint", server.endpoint)
        assert "there is one core only" in refused.stderr
    assert os.sched_getaffinity(server.pid) == before


def test_a_backlog_is_served_like_any_other_data(tmp_path):
    millpond = Millpond(tmp_path)
    done = millpond.run("bench", "fill", str(millpond.data), "--shape", "waiting", "--count", "25", "--json")
    assert done.returncode == 0, done.stderr
    filled = json.loads(done.stdout)
    assert (filled["queue"], filled["messages"]) == ("waiting", 25)
    again = millpond.run("bench", "fill", str(millpond.data), "--shape", "waiting", "--count", "25")
    assert again.returncode == 1
    assert "is not empty" in again.stderr
    with millpond:
        sqs = millpond.client()
        url = sqs.get_queue_url(QueueName="waiting")["QueueUrl"]
        # boto3 compares the digest of each body.
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert {len(message["Body"]) for message in messages} == {200}
        assert len({message["MessageId"] for message in messages}) == 10
        # A load on a queue that was there leaves the queue.
        bench(millpond, "round-trip", "--queue", "waiting")
        assert sqs.get_queue_url(QueueName="waiting")["QueueUrl"] == url


def test_what_makes_no_sense_is_refused(server, tmp_path):
    for wrong in (
        ("send", "--rate", "0"),
        ("send", "--batch", "11"),
        ("send", "--queue", "x", "--queues", "2"),
        ("fill", str(tmp_path), "--shape", "deep", "--count", "1"),
        ("fill", str(tmp_path), "--shape", "waiting", "--count", "0"),
        ("fill", str(tmp_path), "--shape", "waiting", "--count", "1", "--size", "1048577"),
    ):
        assert server.run("bench", *wrong).returncode == 2, wrong
