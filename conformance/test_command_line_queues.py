"""`millpond queue create` and `millpond send` reach FIFO queues and dead-letter queues too."""

import json

PROTOCOLS = ["json"]


def run(server, *arguments):
    done = server.run(*arguments, "--endpoint", server.endpoint)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_fifo_queue(server):
    run(server, "queue", "create", "orders.fifo", "--attribute", "ContentBasedDeduplication=true")
    sent = json.loads(run(server, "send", "orders.fifo", "paid", "--group", "g", "--json"))
    again = json.loads(run(server, "send", "orders.fifo", "paid", "--group", "g", "--json"))
    assert again == sent
    assert len(sent["sequence_number"]) == 20
    run(server, "send", "orders.fifo", "paid", "--group", "g", "--deduplication-id", "another")
    assert run(server, "receive", "orders.fifo", "--max", "10", "--delete") == "paid\npaid"


def test_a_send_without_a_group_says_what_is_missing(server):
    run(server, "queue", "create", "groups.fifo")
    refused = server.run("send", "groups.fifo", "x", "--endpoint", server.endpoint)
    assert refused.returncode == 1
    assert "MessageGroupId (--group)" in refused.stderr
    refused = server.run("send", "groups.fifo", "x", "--group", "g", "--endpoint", server.endpoint)
    assert "MessageDeduplicationId (--deduplication-id)" in refused.stderr


def test_a_dead_letter_queue(server):
    run(server, "queue", "create", "failed")
    run(server, "queue", "create", "jobs", "--dead-letter-queue", "failed", "--max-receives", "1")
    run(server, "send", "jobs", "poison")
    assert run(server, "receive", "jobs", "--visibility-timeout", "0") == "poison"
    assert server.run("receive", "jobs", "--endpoint", server.endpoint).returncode == 3
    assert run(server, "receive", "failed") == "poison"


def test_what_can_not_be_printed_is_not_deleted(server):
    run(server, "queue", "create", "kept", "--attribute", "VisibilityTimeout=0")
    run(server, "send", "kept", "precious")
    with open("/dev/full", "w") as full:
        failed = server.run(
            "receive", "kept", "--delete", "--endpoint", server.endpoint, capture_output=False, stdout=full
        )
    assert failed.returncode == 1
    assert run(server, "receive", "kept", "--delete") == "precious"


def test_a_body_that_no_queue_takes_is_refused_by_its_size(server):
    run(server, "queue", "create", "large")
    refused = server.run("send", "large", "-", "--endpoint", server.endpoint, input="x" * 9_000_000)
    assert refused.returncode == 1
    assert "9000000 bytes" in refused.stderr


def test_what_expires_is_shown_wherever_queues_are(server):
    run(server, "queue", "create", "expiring", "--attribute", "MessageRetentionPeriod=3600")
    assert run(server, "queue", "show", "expiring").splitlines()[-2:] == [
        "Oldest expires in                      -",
        "Expired                                0",
    ]
    run(server, "send", "expiring", "x")
    shown = json.loads(run(server, "queue", "show", "expiring", "--json"))
    listed = json.loads(run(server, "queues", "--json"))
    (queue,) = (queue for queue in listed["queues"] if queue["name"] == "expiring")
    assert shown["expired"] == queue["expired"] == 0
    assert shown["oldest_expires_at_millis"] == queue["oldest_expires_at_millis"]
    assert 3_590_000 < shown["oldest_expires_at_millis"] - listed["now_millis"] <= 3_600_000
    assert "59 min" in run(server, "queue", "show", "expiring").splitlines()[-2]
    heading, *rows = run(server, "queues").splitlines()
    assert heading.split("  ")[-1].strip() == "EXPIRED"
    assert any(row.startswith("expiring") and row.endswith(" 0") for row in rows)


def test_a_send_is_one_submission(server, sqs):
    run(server, "queue", "create", "submissions")
    run(server, "send", "submissions", "once")
    run(server, "send", "submissions", "again", "--attribute", "SubmissionId=mine")
    found = sqs.receive_message(
        QueueUrl="submissions", MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )["Messages"]
    ids = [message["MessageAttributes"]["SubmissionId"]["StringValue"] for message in found]
    assert len(ids[0]) == 32
    assert ids[1] == "mine"
