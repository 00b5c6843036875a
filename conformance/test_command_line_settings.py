"""`millpond queue set` and what is shared with `queue create`; what purge and rm say; values that make no sense."""

import json
import os
import subprocess

import pytest

from millpond import binary

PROTOCOLS = ["json"]


def run(server, *arguments):
    done = server.run(*arguments, "--endpoint", server.endpoint)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def attributes(sqs, name):
    return sqs.get_queue_attributes(QueueUrl=name, AttributeNames=["All"])["Attributes"]


SETTINGS = ["--visibility-timeout", "60s", "--retention", "2d", "--delay", "5m", "--receive-wait", "20",
            "--maximum-message-size", "2048"]
EXPECTED = {"VisibilityTimeout": "60", "MessageRetentionPeriod": "172800", "DelaySeconds": "300",
            "ReceiveMessageWaitTimeSeconds": "20", "MaximumMessageSize": "2048"}


def test_create_and_set_take_the_same_settings(server, sqs):
    run(server, "queue", "create", "created", *SETTINGS, "--tag", "team=backend")
    run(server, "queue", "create", "changed")
    said = run(server, "queue", "set", "changed", *SETTINGS, "--tag", "team=backend")
    for name, value in EXPECTED.items():
        assert f"{name} is {value}" in said
    for queue in ("created", "changed"):
        found = attributes(sqs, queue)
        assert {name: found[name] for name in EXPECTED} == EXPECTED
        assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"team": "backend"}


def test_dead_letters_tags_and_other_attributes_come_and_go(server, sqs):
    run(server, "queue", "create", "letters")
    run(server, "queue", "create", "source", "--tag", "a=1")
    run(server, "queue", "set", "source", "--dead-letter-queue", "letters", "--max-receives", "3",
        "--attribute", "SqsManagedSseEnabled=false", "--tag", "b=2", "--untag", "a")
    policy = json.loads(attributes(sqs, "source")["RedrivePolicy"])
    assert policy["deadLetterTargetArn"].endswith(":letters") and policy["maxReceiveCount"] == 3
    assert attributes(sqs, "source")["SqsManagedSseEnabled"] == "false"
    assert sqs.list_queue_tags(QueueUrl="source")["Tags"] == {"b": "2"}
    assert "tag" in run(server, "queue", "show", "source")
    shown = json.loads(run(server, "queue", "set", "source", "--untag", "b", "--untag", "never", "--json"))
    assert (shown["removed_tags"], shown["absent_tags"]) == (["b"], ["never"])
    assert run(server, "queue", "set", "source", "--untag", "b").strip() == "source: there was no tag b"
    shown = json.loads(run(server, "queue", "set", "source", "--no-dead-letter-queue", "--json"))
    assert shown["attributes"] == {"RedrivePolicy": ""}
    assert "RedrivePolicy" not in attributes(sqs, "source")


def test_a_fifo_queue_is_changed(server, sqs):
    run(server, "queue", "create", "f.fifo", "--content-based-deduplication")
    assert attributes(sqs, "f.fifo")["ContentBasedDeduplication"] == "true"
    run(server, "queue", "set", "f.fifo", "--content-based-deduplication=false",
        "--deduplication-scope", "message-group", "--attribute", "FifoThroughputLimit=perMessageGroupId")
    found = attributes(sqs, "f.fifo")
    assert found["ContentBasedDeduplication"] == "false" and found["DeduplicationScope"] == "messageGroup"


@pytest.mark.parametrize("arguments, part", [
    (["queue", "set", "q"], "nothing to set"),
    (["queue", "set", "q", "--visibility-timeout", "-5s"], "0s to 12h"),
    (["queue", "set", "q", "--visibility-timeout", "13h"], "0s to 12h"),
    (["queue", "set", "q", "--visibility-timeout", "99999999999999999999"], "0s to 12h"),
    (["queue", "set", "q", "--visibility-timeout", "1", "--attribute", "VisibilityTimeout=2"], "VisibilityTimeout"),
    (["queue", "set", "q", "--attribute", "DelaySeconds=1", "--attribute", "DelaySeconds=2"], "DelaySeconds twice"),
    (["queue", "set", "q", "--tag", "a=1", "--tag", "a=2"], "a twice"),
    (["queue", "set", "q", "--tag", "a=1", "--untag", "a"], "tag a"),
    (["queue", "set", "q", "--tag", "a"], "NAME=VALUE"),
    (["queue", "create", ""], "empty"),
    (["send", "q", "x", "--attribute", "a=1", "--attribute", "a=2"], "a twice"),
    (["send", "q", "--field", "a=1", "--field", "a=2"], "a twice"),
    (["send", "q", "--field", "=1"], "NAME=VALUE"),
    (["send", "q", ""], "the body is empty"),
    (["send", "", "x"], "empty"),
    (["send", "q", "x", "--delay", "-1"], "0s to 15m"),
    (["receive", "q", "--wait", "21s"], "0s to 20s"),
    (["rows", "q", "--wait", "61m"], "0s to 1h"),
    (["receive", "q", "--max", "11"], "1..=10"),
    ([b"send", b"q", b"\xff"], "UTF-8"),
])  # fmt: skip
def test_wrong_usage_is_told_before_anything_is_done(server, sqs, arguments, part):
    run(server, "queue", "create", "q")
    done = server.run(*arguments, "--endpoint", server.endpoint)
    assert done.returncode == 2, done
    assert part in done.stderr and done.stdout == ""
    counts = attributes(sqs, "q")
    assert counts["ApproximateNumberOfMessages"] == "0" and counts["VisibilityTimeout"] == "30"


def test_a_body_that_is_no_text_is_refused(server):
    run(server, "queue", "create", "bytes")
    done = server.run("send", "bytes", "-", "--endpoint", server.endpoint, input=b"\xff\xfe", text=False)
    assert done.returncode == 2 and b"UTF-8" in done.stderr


def test_purge_and_rm_say_what_was_done(server):
    url = run(server, "queue", "create", "gone")
    run(server, "send", "gone", "x")
    assert run(server, "queue", "purge", "gone") == "dropped all messages of gone"
    assert json.loads(run(server, "queue", "purge", "gone", "--json")) == {"queue_url": url, "purged": True}
    assert run(server, "queue", "rm", "gone") == "removed gone with all its messages"
    run(server, "queue", "create", "gone")
    assert json.loads(run(server, "queue", "rm", "gone", "--json")) == {"queue_url": url, "removed": True}
    missing = server.run("queue", "rm", "gone", "--endpoint", server.endpoint)
    assert missing.returncode == 1
    assert "no such queue" in missing.stderr and server.endpoint in missing.stderr


def test_a_queue_that_is_there_with_other_settings_leads_to_set(server):
    run(server, "queue", "create", "settled")
    other = server.run("queue", "create", "settled", "--delay", "1", "--endpoint", server.endpoint)
    assert other.returncode == 1 and "millpond queue set" in other.stderr


def test_refusals_end_in_one_full_stop_at_most(server):
    run(server, "queue", "create", "one.fifo")
    other = server.run("queue", "create", "two", "--dead-letter-queue", "one.fifo", "--endpoint", server.endpoint)
    assert other.returncode == 1
    assert "same type of queue as the source" in other.stderr and ".." not in other.stderr


def test_what_was_only_shown_is_said_to_come_back(server):
    run(server, "queue", "create", "hints", "--visibility-timeout", "0")
    run(server, "send", "hints", "x")
    shown = server.run("receive", "hints", "--endpoint", server.endpoint)
    assert shown.stdout == "x\n" and "--delete" in shown.stderr
    assert server.run("receive", "hints", "--json", "--endpoint", server.endpoint).stderr == ""
    assert server.run("receive", "hints", "--delete", "--endpoint", server.endpoint).stderr == ""


def test_output_that_is_lost_makes_a_command_fail(server):
    run(server, "queue", "create", "shown")
    for command in (["queues"], ["queue", "show", "shown"], ["send", "shown", "x"]):
        with open("/dev/full", "w") as full:
            done = server.run(
                *command, "--endpoint", server.endpoint, capture_output=False, stdout=full, stderr=subprocess.PIPE
            )
        assert done.returncode == 1 and "the output could not be written" in done.stderr, command


def test_a_reader_that_has_gone_away_is_no_failure(server):
    run(server, "queue", "create", "shown")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = server.run(
            "queue", "show", "shown", "--endpoint", server.endpoint, capture_output=False, stdout=gone, stderr=subprocess.PIPE
        )
    assert (done.returncode, done.stderr) == (0, "")


def commands(server, *path):
    """Every subcommand, as paths."""
    text = server.run(*path, "--help").stdout
    listed = text.split("\nCommands:\n")[1].split("\n\n")[0] if "\nCommands:\n" in text else ""
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]
    yield path, text
    for name in names:
        if name != "help":
            yield from commands(server, *path, name)


def test_every_help_has_examples(server):
    lacking = [path for path, text in commands(server) if "Examples:" not in text and "Start here:" not in text]
    assert lacking == []


@pytest.mark.parametrize("columns", ["80", "120"])
def test_help_is_wrapped_once(server, columns):
    for command in ("sink", "form"):
        environment = {**server.environment(), "COLUMNS": columns}
        text = help_text(command, environment)
        # The line of usage is one line for all widths.
        assert all(len(line) <= int(columns) for line in text.splitlines() if not line.startswith("Usage:"))
        end = text.split("Examples:")[1].split("\n\n", 1)[1]
        for paragraph in end.strip().split("\n\n"):
            lines = paragraph.splitlines()
            for line, after in zip(lines, lines[1:]):
                assert len(line) + 1 + len(after.split()[0]) > int(columns), f"broken early: {line!r}"


def help_text(command, environment):
    return subprocess.run([binary(), command, "--help"], env=environment, capture_output=True, text=True).stdout
