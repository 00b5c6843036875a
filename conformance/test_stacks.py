"""Stacks by the command line: listed with what belongs to them, kept apart by name, and taken away without surprise."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from architecture import Architecture, await_that
from millpond import binary

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "customers" / "template.yaml"
# Queue, sink and table are all named apart from the example's.
SHOP = """Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties: {QueueName: orders}
  Archive:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    Properties: {QueueName: archive}
  Billing:
    Type: Millpond::Sink::Table
    Properties:
      Queue: !Ref Orders
      Table: sold
      DatabaseUrl: sqlite://sold.db
      Columns: [id, amount]
Outputs:
  OrdersUrl:
    Description: Where orders go.
    Value: !Ref Orders
"""


@pytest.fixture
def architecture(tmp_path):
    """The example, running."""
    with Architecture(tmp_path) as running:
        yield running


def up(architecture, *arguments):
    """Brings a further stack up on the service that runs."""
    address = architecture.endpoint.removeprefix("http://")
    return architecture.run("up", "--listen", address, "--data", architecture.data, *arguments)


def shop(architecture):
    template = architecture.folder / "shop.yaml"
    template.write_text(SHOP)
    return template


def names(architecture):
    return [stack["stack"] for stack in json.loads(architecture.run("stacks", "--json").stdout)["stacks"]]


def queues(architecture):
    return sorted(queue["name"] for queue in json.loads(architecture.run("queues", "--json").stdout)["queues"])


def test_each_stack_is_told_apart(architecture):
    printed = (architecture.folder / "up.out").read_text()
    outputs = printed.split("Outputs of the stack customers:\n\n")[1].split("\n\n")[0].splitlines()
    assert re.fullmatch(rf"  FormUrl   {re.escape(architecture.form_url())} +Where the form is\.", outputs[0])
    assert re.fullmatch(r"  QueueUrl  http://\S+/customers  The queue, for any SQS client\.", outputs[1])

    second = up(architecture, shop(architecture))
    assert second.returncode == 0, second.stderr
    assert "  sink     into table sold  (billing)\n" in second.stdout
    assert "  sink     into table customers  (backend of stack customers)\n" in second.stdout
    assert "Other stacks that were brought up here before: customers." in second.stdout
    assert "millpond down customers" in second.stdout
    commands = second.stdout.split("Try in a second terminal:\n\n")[1].splitlines()[:3]
    assert [command.split(maxsplit=1)[1] for command in commands] == ["send orders 1,2", "rows orders", "stop billing"]

    shown = architecture.run("stacks").stdout
    expected = "shop\n  queues     archive, orders\n  roles      shop-billing\n  workloads  billing\n  outputs\n    OrdersUrl  http://"
    assert expected in shown and shown.startswith("customers\n  queues            customers\n")
    assert "  roles             customers-backend, customers-frontend\n  managed policies  customers-find\n" in shown
    assert architecture.workload("billing")["stack"] == "shop"
    assert re.search(r"^backend .* customers +table customers$", architecture.run("ps").stdout, re.MULTILINE)


def test_what_another_stack_has_is_refused_with_its_name_and_what_to_do(architecture):
    copy = architecture.folder / "my.yaml"
    copy.write_text(EXAMPLE.read_text().replace("SubmitLabel: Send", "SubmitLabel: Enter"))
    before = {name: architecture.workload(name)["pid"] for name in ("backend", "frontend")}
    refused = up(architecture, copy)
    assert (refused.returncode, refused.stdout) == (1, "")
    for told in ("queue customers", "workload backend", "stack customers", "--stack customers", "millpond down customers"):
        assert told in refused.stderr, refused.stderr
    assert {name: architecture.workload(name)["pid"] for name in before} == before
    assert names(architecture) == ["customers"]
    # What it says works.
    changed = up(architecture, copy, "--stack", "customers")
    assert changed.returncode == 0, changed.stderr
    assert architecture.workload("frontend")["pid"] != before["frontend"]
    assert (names(architecture), architecture.workload("backend")["pid"]) == (["customers"], before["backend"])
    wrong = up(architecture, "--stack", "a b")
    assert wrong.returncode == 2 and "letters, digits and hyphens" in wrong.stderr


def test_a_stack_goes_with_its_workloads_and_queues_and_leaves_the_others(architecture):
    assert up(architecture, shop(architecture)).returncode == 0
    several = architecture.run("down")
    assert several.returncode == 1 and "customers and shop" in several.stderr
    unknown = architecture.run("down", "nothing")
    assert unknown.returncode == 1 and "known: customers, shop" in unknown.stderr
    gone = architecture.run("down", "shop")
    assert gone.returncode == 0, gone.stderr
    assert gone.stdout.splitlines() == [
        "delete workload billing",
        "delete role shop-billing",
        "delete queue orders",
        "keep queue archive, no longer part of this stack",
        "the stack shop is gone; tables and their rows stay",
    ] or set(gone.stdout.splitlines()[:-1]) == {
        "delete workload billing",
        "delete role shop-billing",
        "delete queue orders",
        "keep queue archive, no longer part of this stack",
    }
    assert (names(architecture), queues(architecture)) == (["customers"], ["archive", "customers"])
    assert len(architecture.processes()) == 3, "service, form and sink of the example"


def test_messages_are_deleted_only_by_agreement(architecture):
    assert architecture.run("stop", "backend").returncode == 0
    for number in range(2):
        assert architecture.run("send", "customers", f"visitor {number},UK").returncode == 0
    refused = architecture.run("down")
    assert refused.returncode == 1 and "queue customers holds 2 messages" in refused.stderr
    assert "millpond down customers --yes" in refused.stderr
    assert (names(architecture), queues(architecture)) == (["customers"], ["customers"])
    question = "queue customers holds 2 messages, which would go with the stack. Take the stack customers away? [y/N] "
    code, shown = on_a_terminal(architecture, ["down"], question, "n\n")
    assert code == 1 and "nothing was changed" in shown and names(architecture) == ["customers"]
    code, shown = on_a_terminal(architecture, ["down"], question, "y\n")
    assert code == 0 and "the stack customers is gone" in shown
    assert (names(architecture), queues(architecture)) == ([], [])
    assert architecture.run("stacks").stderr == "no stacks; `millpond up` brings up the example\n"
    assert architecture.run("down").returncode == 1
    # It can come again, without what it held.
    again = up(architecture, "--parameter", "DatabaseUrl=sqlite://again.db")
    assert again.returncode == 0 and queues(architecture) == ["customers"]
    assert architecture.run("send", "customers", "Jane,UK").returncode == 0
    await_that(lambda: architecture.rows() == [["Jane", "UK"]])
    assert architecture.run("down", "--yes").returncode == 0
    assert architecture.run("ps").stderr == "no workloads; `millpond up` starts the example\n"
    assert architecture.run("logs").stderr == "no workloads; `millpond up` starts the example\n"


def on_a_terminal(architecture, arguments, question, answer):
    """Runs a command on a terminal of its own and answers its question; returns exit code and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [binary(), *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=architecture.environment()
    )
    os.close(theirs)
    shown = ""
    try:
        while chunk := read(ours):
            shown += chunk
            if question in shown and answer:
                os.write(ours, answer.encode())
                answer = ""
        return process.wait(60), shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read(terminal):
    """The next bytes as text; nothing at the end."""
    try:
        return os.read(terminal, 4096).decode()
    except OSError:
        return ""


@pytest.fixture
def in_memory(tmp_path):
    """A function that runs a command beside a service that keeps everything in memory; `ADDRESS` is where that is."""
    ready, environment = tmp_path / "ready.json", {"HOME": str(tmp_path)}
    process = subprocess.Popen(
        [binary(), "serve", "--in-memory", "--listen", "127.0.0.1:0", "--ready-file", ready],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def run(*arguments):
        address = json.loads(ready.read_text())["endpoint"].removeprefix("http://")
        command = [binary(), *[argument.replace("ADDRESS", address) for argument in arguments]]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    try:
        await_that(ready.exists)
        yield run
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("command", [["ps"], ["logs"], ["stacks"], ["down"], ["rows", "customers"], ["stop", "backend"]])
def test_a_service_that_keeps_nothing_says_so(in_memory, command):
    done = in_memory(*command, "--endpoint", "http://ADDRESS")
    assert done.returncode == 1 and "in memory" in done.stderr and "millpond up" in done.stderr, done


def test_up_beside_a_service_that_keeps_nothing_says_so(in_memory):
    done = in_memory("up", "--listen", "ADDRESS")
    assert done.returncode == 1 and "keeps everything in memory" in done.stderr, done
    assert "--listen 127.0.0.1:0" in done.stderr


def test_an_up_that_made_nothing_leaves_no_stack(architecture):
    assert architecture.run("queue", "create", "orders").returncode == 0
    done = up(architecture, str(shop(architecture)))
    assert done.returncode == 1 and "orders" in done.stderr, done
    assert names(architecture) == ["customers"]
