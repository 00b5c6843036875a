"""`millpond.toml`: what it says is there at the start, flags win over it, and a mistake in it is told with its place."""

import json
import subprocess
import time

import pytest

from millpond import Millpond, binary

# Files and start lines; no client is tested here.
PROTOCOLS = ["json"]


def attributes(millpond, queue, *names):
    wanted = list(names) or ["All"]
    reply = millpond.client().get_queue_attributes(QueueUrl=queue, AttributeNames=wanted)
    return reply.get("Attributes", {})


def names(millpond):
    return sorted(url.rsplit("/", 1)[1] for url in millpond.client().list_queues().get("QueueUrls", []))


def write(folder, text):
    (folder / "millpond.toml").write_text(text)


QUEUES = """
[[queue]]
name = "jobs"
delay_secs = 1
maximum_message_bytes = 2048
receive_wait_secs = 2
retention_secs = 3600
visibility_timeout_secs = 120
dead_letter_queue = "jobs-failed"
max_receives = 3
tags = { team = "mill" }

[[queue]]
name = "orders.fifo"
content_based_deduplication = true
deduplication_scope = "message_group"
fifo_throughput_limit = "per_message_group"

# Behind the queue that needs it.
[[queue]]
name = "jobs-failed"
"""


def test_its_queues_are_there_with_their_settings(tmp_path):
    write(tmp_path, QUEUES)
    with Millpond(tmp_path) as millpond:
        assert names(millpond) == ["jobs", "jobs-failed", "orders.fifo"]
        jobs = attributes(millpond, "jobs")
        expected = {
            "DelaySeconds": "1",
            "MaximumMessageSize": "2048",
            "ReceiveMessageWaitTimeSeconds": "2",
            "MessageRetentionPeriod": "3600",
            "VisibilityTimeout": "120",
        }
        assert {name: jobs[name] for name in expected} == expected
        arn = attributes(millpond, "jobs-failed", "QueueArn")["QueueArn"]
        assert json.loads(jobs["RedrivePolicy"]) == {"deadLetterTargetArn": arn, "maxReceiveCount": 3}
        assert millpond.client().list_queue_tags(QueueUrl="jobs")["Tags"] == {"team": "mill"}
        orders = attributes(millpond, "orders.fifo")
        assert orders["ContentBasedDeduplication"] == "true"
        assert orders["DeduplicationScope"] == "messageGroup"
        assert orders["FifoThroughputLimit"] == "perMessageGroupId"
        assert "config   ./millpond.toml (3 queues)" in millpond.log()


def test_a_queue_that_is_there_stays_as_it_is_and_what_differs_is_told(tmp_path):
    write(tmp_path, QUEUES)
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        sqs.send_message(QueueUrl="jobs", MessageBody="stays")
        sqs.set_queue_attributes(QueueUrl="jobs", Attributes={"VisibilityTimeout": "77", "RedrivePolicy": ""})
        sqs.tag_queue(QueueUrl="jobs", Tags={"team": "other", "mine": "yes"})
        millpond.restart()
        assert attributes(millpond, "jobs", "VisibilityTimeout", "RedrivePolicy") == {"VisibilityTimeout": "77"}
        told = [line for line in millpond.log().splitlines() if "differs from the file" in line]
        assert told == [
            "the queue jobs differs from the file: visibility_timeout_secs is 77, declared is 120; "
            "dead_letter_queue is none, declared is jobs-failed after 3 receives; "
            'tags is team = "other", declared is team = "mill"; '
            "it stays as it is; --update-queues changes it"
        ]


def test_asked_to_it_updates_what_it_says_and_nothing_else(tmp_path):
    write(tmp_path, QUEUES + "\n[service]\nupdate_queues = true\n")
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        changed = {"VisibilityTimeout": "77", "RedrivePolicy": "", "KmsMasterKeyId": "mine"}
        sqs.set_queue_attributes(QueueUrl="jobs", Attributes=changed)
        sqs.tag_queue(QueueUrl="jobs", Tags={"team": "other", "mine": "yes"})
        sqs.set_queue_attributes(QueueUrl="orders.fifo", Attributes={"ContentBasedDeduplication": "false"})
        millpond.restart()
        jobs = attributes(millpond, "jobs")
        assert (jobs["VisibilityTimeout"], jobs["KmsMasterKeyId"]) == ("120", "mine")
        assert json.loads(jobs["RedrivePolicy"])["maxReceiveCount"] == 3
        assert millpond.client().list_queue_tags(QueueUrl="jobs")["Tags"] == {"team": "mill", "mine": "yes"}
        assert attributes(millpond, "orders.fifo")["ContentBasedDeduplication"] == "true"
        assert "it is as declared now" in millpond.log()
        millpond.restart()
        assert millpond.log().count("it is as declared now") == 2, "nothing is left to update"


def test_a_file_that_agrees_is_silent(tmp_path):
    write(tmp_path, QUEUES)
    with Millpond(tmp_path) as millpond:
        millpond.restart()
        assert "differs" not in millpond.log()


def test_flags_win_over_the_file(tmp_path):
    text = '[service]\nregion = "eu-west-1"\naccount_id = "111122223333"\ndata = "elsewhere"\nauto_create = true\n'
    write(tmp_path, text + '[[queue]]\nname = "jobs"\n')
    arguments = ["--region", "eu-north-1", "--auto-create=false", "--create", "jobs", "--create", "more"]
    # The harness gives --listen and --data.
    with Millpond(tmp_path, arguments) as millpond:
        shown = json.loads(millpond.run("queues", "--json").stdout)["queues"]
        places = {(queue["name"], queue["account"], queue["region"]) for queue in shown}
        assert places == {(name, "111122223333", "eu-north-1") for name in ("jobs", "more")}
        assert not (tmp_path / "elsewhere").exists()
        assert "unknown queues are created" not in millpond.log()


def test_a_file_elsewhere_is_named_and_its_data_lie_beside_it(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "pond.toml").write_text('[service]\nlisten = "127.0.0.1:0"\ndata = "pond"\n[[queue]]\nname = "jobs"\n')
    with Millpond(tmp_path) as other:
        # Only the environment of a user is wanted of the other one.
        refused = other.run("serve", "--config", str(folder / "absent.toml"))
        assert (refused.returncode, "absent.toml" in refused.stderr) == (1, True)
        ready = folder / "ready.json"
        command = [binary(), "serve", "--config", folder / "pond.toml", "--ready-file", ready]
        with (tmp_path / "elsewhere.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path, env=other.environment())
        try:
            while not ready.exists():
                assert process.poll() is None, (tmp_path / "elsewhere.log").read_text()
                time.sleep(0.01)
            assert json.loads(ready.read_text())["data"] == str(folder / "pond")
        finally:
            process.terminate()
            assert process.wait(30) == 0


@pytest.mark.parametrize(
    "text, told",
    [
        ('[service]\nlisen = "127.0.0.1:0"\n', "millpond.toml:2:1: `lisen` is not a setting of [service]; did you mean listen?"),
        ('[[queue]]\nname = "jobs"\ndelay_secs = 901\n', "millpond.toml:3:14: delay_secs is from 0 to 900, not 901"),
        ('[[queue]]\nname = "a.b"\n', "millpond.toml:2:8: a queue's name has 1 to 80 letters"),
        ("[quotas]\nmax_queue_byte = 1\n", "millpond.toml:2:1: `max_queue_byte` is not a quota; did you mean max_queue_bytes?"),
        ("[service\n", "millpond.toml:1:"),
        (
            '[[queue]]\nname = "a"\ndead_letter_queue = "b"\n[[queue]]\nname = "b"\ndead_letter_queue = "a"\n',
            "the dead letters of these go round in a circle: a, b",
        ),
        ('[[queue]]\nname = "a"\ndead_letter_queue = "absent"\n', "the queue a could not be created: its dead-letter queue"),
    ],
)
def test_a_mistake_is_told_and_nothing_starts(tmp_path, text, told):
    with Millpond(tmp_path) as other:
        folder = tmp_path / "here"
        folder.mkdir()
        write(folder, text)
        refused = other.run("serve", "--listen", "127.0.0.1:0", cwd=folder)
        assert refused.returncode == 1
        assert told in refused.stderr
