"""The main job as a newcomer does it: form, queue and table come up, and what was accepted lands once.

Whatever is stopped or killed meanwhile: the sink, the form, the queue service, `up` itself.
"""

import json
import re
import shlex
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from architecture import Architecture, alive, await_that, end, get, hidden_submission_id, post_form, post_json
from millpond import binary

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
EXAMPLE = ROOT / "examples" / "customers" / "template.yaml"
FRESH_ID_DIGITS = 32


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Architecture(tmp_path_factory.mktemp("architecture")) as architecture:
        yield architecture


def await_rows(server, wanted):
    """Waits until each of the wanted rows has landed, and checks that no row is there twice."""
    landed = lambda: [tuple(row) for row in server.rows()]
    await_that(lambda: set(wanted) <= set(landed()), lambda: f"{sorted(set(wanted) - set(landed()))} of {landed()}")
    rows = landed()
    assert len(rows) == len(set(rows)), "a row landed twice"


def test_up_prints_what_runs_where_and_three_commands_that_work(tmp_path):
    folder = tmp_path / "with space"
    folder.mkdir()
    with Architecture(folder) as server:
        printed = (server.folder / "up.out").read_text()
        assert re.search(r"^  form     http://127\.0\.0\.1:\d+/.*  \(frontend\)$", printed, re.MULTILINE)
        assert re.search(r"^  queues   http://127\.0\.0\.1:\d+$", printed, re.MULTILINE)
        assert re.search(r"^  sink     into table customers  \(backend\)$", printed, re.MULTILINE)
        assert f"  data     {server.data} (new)\n" in printed
        assert f"  console  {server.endpoint}/console/\n" in printed
        commands = printed.split("Try in a second terminal:\n\n")[1].split("\n\n")[0].splitlines()
        assert len(commands) == 3
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        for command in commands:
            shell = ["sh", "-c", command]
            if "rows" in shlex.split(command):
                await_that(lambda: server.rows() == [["Jane", "UK"]])
            done = subprocess.run(shell, env=server.environment(), cwd=elsewhere, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}: {done.stderr}"
        assert server.workload("backend")["state"] == "stopped"


def test_a_form_whose_port_is_taken_takes_the_next_and_says_so(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        template = tmp_path / "my.yaml"
        template.write_text(EXAMPLE.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
        with Architecture(tmp_path, [template]) as server:
            printed = (server.folder / "up.out").read_text()
            url = server.form_url()
            assert f":{port}/" not in url
            assert f"  form     {url}, as 127.0.0.1:{port} is in use  (frontend)\n" in printed
            assert f"127.0.0.1:{port} is in use" in server.run("logs", "frontend").stdout


def test_command_line_form_and_json_lead_to_rows(server):
    sent = server.run("send", "customers", "Jane,UK")
    assert sent.returncode == 0 and re.fullmatch(r"[0-9a-f-]{36}\n", sent.stdout)

    url = server.form_url()
    status, _, page = get(url)
    key = hidden_submission_id(page)
    assert status == 200 and re.fullmatch(f"[0-9a-f]{{{FRESH_ID_DIGITS}}}", key)
    entry = {"submission_id": key, "name": "Zoë, \"Z\"", "country": "FR"}
    first, second = post_form(url, entry), post_form(url, entry)
    assert first[0] == second[0] == 303
    assert first[1]["Location"] == second[1]["Location"], "a repeated entry has the id of the first"
    status, _, thanks = get(url.rstrip("/") + "/" + first[1]["Location"].removeprefix("./").lstrip("/"))
    assert status == 200 and "Thank you" in thanks

    keyed = {"Idempotency-Key": "0d0c7a1e-0b1d-4c57-9a55-2f8f5ad0b001"}
    replies = [post_json(url, {"name": "Ines", "country": "PT"}, keyed) for _ in range(2)]
    assert [reply[0] for reply in replies] == [200, 200]
    assert json.loads(replies[0][2])["message_id"] == json.loads(replies[1][2])["message_id"]
    await_rows(server, [("Jane", "UK"), ('Zoë, "Z"', "FR"), ("Ines", "PT")])
    shown = server.run("rows", "customers").stdout
    assert shown.splitlines()[0].split() == ["name", "country"]


def test_an_empty_queue_says_so(server):
    await_that(lambda: counts(server) == (0, 0))
    received = server.run("receive", "customers")
    assert (received.returncode, received.stdout) == (3, "")
    assert received.stderr == "no messages\n"


def counts(server):
    queues = json.loads(server.run("queues", "--json").stdout)["queues"]
    queue = next(queue for queue in queues if queue["name"] == "customers")
    return queue["visible"], queue["in_flight"]


def test_messages_wait_while_the_backend_is_stopped(server):
    names = [("Ada", "UK"), ("Linus", "FI"), ("Grace", "US"), ("Edsger", "NL")]
    assert server.run("stop", "backend").stdout == "backend: stopped\n"
    for name, country in names:
        assert server.run("send", "customers", f"{name},{country}").returncode == 0
    assert counts(server) == (4, 0)
    table = server.run("queues").stdout.splitlines()
    assert re.fullmatch(r"QUEUE +VISIBLE +IN FLIGHT +DELAYED +OLDEST EXPIRES IN +EXPIRED", table[0])
    assert re.fullmatch(r"customers +4 +0 +0 +13 d 23 h +0", table[1])
    assert server.run("start", "backend").stdout == "backend: running\n"
    await_rows(server, names)
    await_that(lambda: counts(server) == (0, 0))


def test_logs_and_ps_tell_how_things_are(server):
    log = server.run("logs", "backend")
    assert log.returncode == 0 and "into table customers" in log.stdout
    every = server.run("logs").stdout
    assert "backend: " in every and "frontend: " in every
    shown = server.run("ps").stdout
    assert re.search(r"^frontend +form +running +\d+ .*http://127\.0\.0\.1:\d+/$", shown, re.MULTILINE)
    assert re.search(r"^backend +sink +running +\d+ .*table customers$", shown, re.MULTILINE)
    assert server.workload("backend")["pid"] in server.processes()


def test_wrong_names_are_told_with_what_is_known(server):
    for command, known in [
        (("stop", "nobody"), "backend, frontend"),
        (("start", "nobody"), "backend, frontend"),
        (("logs", "nobody"), "backend, frontend"),
        (("rows", "nobody"), "customers"),
        (("send", "nobody", "x"), "millpond queues"),
        (("receive", "nobody"), "millpond queues"),
    ]:
        done = server.run(*command)
        assert done.returncode == 1 and done.stdout == "" and known in done.stderr, (command, done)


class Senders:
    """Sends to queue and form until told to stop, and knows what was acknowledged.

    What goes to the queue is never repeated, so an unanswered one may land or not. What goes to the form is repeated
    with its submission id until it is accepted, so it lands once.
    """

    def __init__(self, server, prefix):
        self.server, self.prefix = server, prefix
        self.acknowledged, self.unclear, self.stopped = [], [], threading.Event()
        self.threads = [threading.Thread(target=self.to_queue), threading.Thread(target=self.to_form)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def to_queue(self):
        sqs = self.server.client(connect_timeout=2, read_timeout=20)
        url = f"{self.server.endpoint}/000000000000/customers"
        for number in self.numbers():
            row = (f"{self.prefix} queue {number}", "UK")
            try:
                sqs.send_message(QueueUrl=url, MessageBody=",".join(row))
                self.acknowledged.append(row)
            except (BotoCoreError, ClientError):
                self.unclear.append(row)

    def to_form(self):
        for number in self.numbers():
            row = (f"{self.prefix} form {number}", "UK")
            # The pages of a form that was killed go on with the one that follows.
            key = f"{number:032x}"
            await_that(lambda: self.accepted(row, key), lambda: self.server.log(), 120)
            self.acknowledged.append(row)

    def accepted(self, row, key):
        try:
            entry = {"submission_id": key, "name": row[0], "country": row[1]}
            return post_form(self.server.form_url() or "", entry)[0] == 303
        except Exception:
            return False

    def numbers(self):
        number = 0
        while not self.stopped.is_set():
            yield number
            number += 1
            time.sleep(0.005)


@pytest.mark.parametrize("who", ["backend", "frontend", "service"])
def test_kills_lose_nothing_and_double_nothing(server, who):
    others = [name for name in ("backend", "frontend") if name != who]
    before = {name: server.workload(name)["pid"] for name in others}
    with Senders(server, who) as senders:
        for _ in range(4):
            sent = len(senders.acknowledged)
            await_that(lambda: len(senders.acknowledged) >= sent + 20, lambda: server.log())
            pid = server.service_pid() if who == "service" else server.workload(who)["pid"]
            end(pid)
            await_that(lambda: is_back(server, who, pid), lambda: f"{server.log()}\n{server.run('ps').stdout}")
    await_rows(server, senders.acknowledged)
    landed = {tuple(row) for row in server.rows()}
    mine = {row for row in landed if row[0].startswith(who + " ")}
    assert mine <= set(senders.acknowledged) | set(senders.unclear)
    assert {name: server.workload(name)["pid"] for name in others} == before, "what was not killed goes on"
    await_that(lambda: len(server.processes()) == 3, lambda: f"service, form and sink: {server.processes()}")


def is_back(server, who, killed):
    """Whether the killed process has a successor that works."""
    try:
        pid = server.service_pid() if who == "service" else server.workload(who).get("pid")
        return pid not in (None, killed) and alive(pid) and bool(server.form_url())
    except (Exception, StopIteration):
        return False


def test_interrupting_leaves_no_process_and_the_next_start_finds_everything(server):
    # What a killed process had received comes back when its visibility timeout ends.
    await_that(lambda: counts(server) == (0, 0))
    assert server.run("stop", "backend").returncode == 0
    assert server.run("send", "customers", "Barbara,US").returncode == 0
    rows = len(server.rows())
    assert server.interrupt() == 0
    assert server.processes() == []
    gone = server.run("queues")
    assert gone.returncode == 1 and "millpond up" in gone.stderr

    printed = server.start()
    assert f"  data     {server.data} (found 1 queue with 1 message)\n" in printed
    # What a person stopped stays stopped, and the summary says how to go on.
    assert "(backend, stopped: millpond start backend)" in printed
    assert len(server.rows()) == rows
    assert server.run("start", "backend").returncode == 0
    await_rows(server, [("Barbara", "US")])


def test_workloads_outlive_up_and_the_next_up_takes_them_over(server):
    before = {name: server.workload(name)["pid"] for name in ("backend", "frontend")}
    service = server.service_pid()
    end(server.pid)
    assert server.run("send", "customers", "Margaret,US").returncode == 0
    again = server.run("up", "--listen", server.endpoint.removeprefix("http://"), "--data", server.data)
    assert again.returncode == 0 and f"kill {service}" in again.stderr
    assert {name: server.workload(name)["pid"] for name in before} == before
    await_rows(server, [("Margaret", "US")])
    end(service)
    server.start()
    assert {name: server.workload(name)["pid"] for name in before} == before, "adopted, not started again"
    assert len(server.processes()) == 3


def test_a_second_up_never_takes_other_data_for_its_own(server, tmp_path):
    address = server.endpoint.removeprefix("http://")
    other = server.run("up", "--listen", address, "--data", tmp_path / "other")
    assert other.returncode == 1 and str(server.data) in other.stderr and "--listen" in other.stderr
    assert not (tmp_path / "other").exists()
    same = server.run("up", "--listen", "127.0.0.1:0", "--data", server.data)
    assert same.returncode == 1 and f"held by process {server.service_pid()}" in same.stderr


def test_the_commands_of_the_readme_work_when_they_are_pasted_whole(tmp_path):
    blocks = re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    blocks = [block for block in blocks if "millpond rows" in block]
    assert len(blocks) == 2
    with Architecture(tmp_path) as server:
        shown = []
        for block in blocks:
            # The alias of the README, as a shell without a terminal takes it.
            commands = re.sub(r"^alias .*$", "", block, flags=re.MULTILINE)
            shell = f'millpond() {{ "{binary()}" "$@"; }}\nset -e\n{commands}'
            done = subprocess.run(["sh", "-c", shell], env=server.environment(), capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            shown.append(done.stdout)
    assert re.search(r"^Jane +UK$", shown[0], re.MULTILINE)
    for row in (r"^Ada +UK$", r"^Linus +FI$", r"^customers +2 "):
        assert re.search(row, shown[1], re.MULTILINE), shown[1]
