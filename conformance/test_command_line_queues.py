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
    assert "MessageGroupId" in refused.stderr


def test_a_dead_letter_queue(server):
    run(server, "queue", "create", "failed")
    run(server, "queue", "create", "jobs", "--dead-letter-queue", "failed", "--max-receives", "1")
    run(server, "send", "jobs", "poison")
    assert run(server, "receive", "jobs", "--visibility-timeout", "0") == "poison"
    assert server.run("receive", "jobs", "--endpoint", server.endpoint).returncode == 3
    assert run(server, "receive", "failed") == "poison"
