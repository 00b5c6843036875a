"""`reset` and `clock advance`: an empty service in one call, a quarter of an hour in a millisecond; never unasked."""

import json
import subprocess
import threading
import time

import pytest

import raw_http
from millpond import Millpond, binary

QUARTER_SECS = 900
OFF = ["--auth", "off"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Millpond(tmp_path_factory.mktemp("millpond"), [*OFF, "--test-controls"]) as millpond:
        yield millpond


def call(server, path, body, **headers):
    return raw_http.send(
        server.endpoint,
        "POST",
        f"/_millpond/v1/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **host(server), **headers},
    )


def advance(server, secs):
    reply = call(server, "clock/advance", {"seconds": secs})
    assert reply.status == 200, reply
    return reply.json()


def counts(sqs, queue):
    names = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return [int(shown[name]) for name in names]


def test_a_delay_passes_at_once(server, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=QUARTER_SECS)
    advance(server, QUARTER_SECS - 60)
    assert counts(sqs, queue) == [0, 0, 1]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    advance(server, 60)
    assert counts(sqs, queue) == [1, 0, 0]
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "later"


def test_a_lease_ends_and_the_receive_is_counted(server, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    sqs.receive_message(QueueUrl=queue, VisibilityTimeout=43200)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    advance(server, 43200)
    (message,) = sqs.receive_message(QueueUrl=queue, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert message["Attributes"] == {"ApproximateReceiveCount": "2"}


def test_messages_expire(server, sqs, make_queue):
    queue = make_queue(MessageRetentionPeriod=60)
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    advance(server, 30)
    assert counts(sqs, queue) == [1, 0, 0]
    advance(server, 30)
    assert counts(sqs, queue) == [0, 0, 0]


def test_a_duplicate_is_none_after_its_five_minutes(server, sqs, make_fifo):
    queue = make_fifo()
    send = lambda: sqs.send_message(  # noqa: E731
        QueueUrl=queue, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d"
    )
    first = send()["MessageId"]
    advance(server, 240)
    assert send()["MessageId"] == first
    advance(server, 60)
    assert send()["MessageId"] != first


def polled(server, queue, bodies):
    reply = server.client().receive_message(QueueUrl=queue, WaitTimeSeconds=20)
    bodies.append([message["Body"] for message in reply.get("Messages", [])])


def test_long_polls_are_answered(server, sqs, queue, make_queue):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=QUARTER_SECS)
    served, ended = [], []
    polls = [
        threading.Thread(target=polled, args=(server, queue, served)),
        threading.Thread(target=polled, args=(server, make_queue(), ended)),
    ]
    for poll in polls:
        poll.start()
    status = lambda: raw_http.send(server.endpoint, "GET", "/_millpond/v1/status", None, host(server)).json()  # noqa: E731
    while status()["waiters"] < 2:
        pass
    advance(server, QUARTER_SECS)
    for poll in polls:
        poll.join(10)
    assert (served, ended) == ([["later"]], [[]])


def host(server):
    return {"Host": server.endpoint.removeprefix("http://")}


def test_the_time_is_kept_over_a_kill_and_is_not_taken_for_a_wrong_clock(tmp_path):
    day = 86400
    with Millpond(tmp_path, [*OFF, "--test-controls"]) as millpond:
        sqs = millpond.client()
        url = sqs.create_queue(QueueName="jobs", Attributes={"MessageRetentionPeriod": str(3 * day)})["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="x")
        then = advance(millpond, 2 * day)["now_millis"]
        millpond.restart()
        shown = raw_http.send(millpond.endpoint, "GET", "/_millpond/v1/clock", None, host(millpond)).json()
        assert shown["now_millis"] >= then
        assert (shown["expiry_hold"] or {}).get("reason") != "clock_jump"
        # A stop of more than a second, which the grace of an outage would follow, was not.
        advance(millpond, day + 3600)
        sqs = millpond.client()
        assert counts(sqs, url) == [0, 0, 0]


def test_the_commands_do_the_same(server, sqs, make_queue):
    queue = make_queue()
    sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=QUARTER_SECS)
    done = server.run("clock", "advance", "15m")
    assert (done.returncode, done.stderr) == (0, "")
    assert "15 min ahead" in done.stdout
    assert counts(sqs, queue) == [1, 0, 0]
    done = server.run("reset", "--json")
    assert (done.returncode, json.loads(done.stdout)["messages"] >= 1) == (0, True)
    assert "QueueUrls" not in sqs.list_queues()
    assert server.run("clock", "advance", "soon").returncode == 2


def test_a_reset_leaves_only_what_was_declared(tmp_path):
    (tmp_path / "millpond.toml").write_text('[[queue]]\nname = "jobs"\nvisibility_timeout_secs = 7\n')
    with Millpond(tmp_path, [*OFF, "--test-controls", "--create", "more.fifo"]) as millpond:
        sqs = millpond.client()
        sqs.create_queue(QueueName="extra")
        sqs.send_message(QueueUrl="jobs", MessageBody="x")
        sqs.set_queue_attributes(QueueUrl="jobs", Attributes={"VisibilityTimeout": "99"})
        other = raw_http.call(millpond.endpoint, "SendMessage", {"QueueUrl": "extra", "MessageBody": "x"})
        assert other.status == 200
        assert call(millpond, "reset", {}).json() == {"queues": 3, "messages": 2}
        for _ in range(2):
            urls = [url.rsplit("/", 1)[1] for url in sqs.list_queues()["QueueUrls"]]
            assert urls == ["jobs", "more.fifo"]
            timeout = sqs.get_queue_attributes(QueueUrl="jobs", AttributeNames=["VisibilityTimeout"])["Attributes"]
            assert (timeout, counts(sqs, "jobs")) == ({"VisibilityTimeout": "7"}, [0, 0, 0])
            millpond.restart()
            sqs = millpond.client()


def test_a_long_poll_at_a_queue_that_is_reset_learns_that_it_is_gone(server, sqs, queue):
    refused = []

    def poll():
        client = server.client()
        try:
            client.receive_message(QueueUrl=queue, WaitTimeSeconds=20)
        except client.exceptions.QueueDoesNotExist as gone:
            refused.append(gone)

    waiting = threading.Thread(target=poll)
    waiting.start()
    status = lambda: raw_http.send(server.endpoint, "GET", "/_millpond/v1/status", None, host(server)).json()  # noqa: E731
    while status()["waiters"] < 1:
        pass
    assert call(server, "reset", {}).status == 200
    waiting.join(10)
    assert len(refused) == 1


@pytest.mark.parametrize("body", [{}, {"seconds": "900"}, {"seconds": -1}, {"seconds": 1e300}, {"minutes": 15}, [], None])
def test_what_is_no_span_is_refused(server, body):
    reply = call(server, "clock/advance", body)
    assert (reply.status, "seconds" in reply.json()["error"]) == (400, True)


def test_a_page_can_do_neither(server):
    for path in ("reset", "clock/advance"):
        assert call(server, path, {"seconds": 1}, **{"Content-Type": "text/plain"}).status == 415
        assert call(server, path, {"seconds": 1}, Origin="http://evil.example").status == 403
        assert call(server, path, {"seconds": 1}, **{"Sec-Fetch-Site": "cross-site"}).status == 403


@pytest.mark.parametrize("arguments, allowed", [([], False), (["--test-controls=false"], False), (["--test-controls"], True)])
def test_a_service_with_data_has_them_only_when_asked(tmp_path, arguments, allowed):
    with Millpond(tmp_path, [*OFF, *arguments]) as millpond:
        sqs = millpond.client()
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=60)
        advanced, reset = call(millpond, "clock/advance", {"seconds": 60}), millpond.run("reset")
        if allowed:
            assert (advanced.status, reset.returncode) == (200, 0)
            return
        assert (advanced.status, reset.returncode) == (403, 1)
        assert "--test-controls" in advanced.json()["error"] and "--test-controls" in reset.stderr
        assert counts(sqs, url) == [0, 0, 1]


@pytest.mark.parametrize("text, status", [("", 200), ("[service]\ntest_controls = false\n", 403)])
def test_in_memory_they_are_there_unless_they_are_refused(tmp_path, text, status):
    (tmp_path / "millpond.toml").write_text(text)
    with Millpond(tmp_path) as other:
        ready = tmp_path / "memory.json"
        command = [binary(), "serve", *OFF, "--in-memory", "--listen", "127.0.0.1:0", "--ready-file", ready]
        with (tmp_path / "memory.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path, env=other.environment())
        try:
            while not ready.exists():
                assert process.poll() is None, (tmp_path / "memory.log").read_text()
                time.sleep(0.01)
            endpoint = json.loads(ready.read_text())["endpoint"]
            sent = {"Content-Type": "application/json"}
            assert raw_http.post(endpoint, b"{}", sent, "/_millpond/v1/reset").status == status
        finally:
            process.terminate()
            assert process.wait(30) == 0


@pytest.mark.parametrize("arguments", [["--test-controls"], ["--in-memory", "--test-controls"]])
def test_where_callers_are_identified_they_are_refused_at_the_start(tmp_path, arguments):
    done = Millpond(tmp_path).run("serve", "--listen", "127.0.0.1:0", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--auth off" in done.stderr and "--test-controls" in done.stderr


def test_in_memory_they_are_not_there_where_callers_are_identified(tmp_path):
    with Millpond(tmp_path) as other:
        ready = tmp_path / "memory.json"
        command = [binary(), "serve", "--in-memory", "--listen", "127.0.0.1:0", "--ready-file", ready]
        with (tmp_path / "memory.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path, env=other.environment())
        try:
            while not ready.exists():
                assert process.poll() is None, (tmp_path / "memory.log").read_text()
                time.sleep(0.01)
            answer = raw_http.own(json.loads(ready.read_text())["endpoint"], "reset", {})
            assert (answer.status, "--test-controls" in answer.json()["error"]) == (403, True)
        finally:
            process.terminate()
            assert process.wait(30) == 0
