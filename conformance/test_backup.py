"""Backups of a service that runs, brought back; and what `millpond check` says of directories.

A backup holds everything that was acknowledged before it began, whatever goes on meanwhile; only who may take it gets it.
"""

import http.client
import json
import shutil
import threading
import urllib.error
import urllib.request

import pytest

from millpond import Millpond

WRITERS = 4


@pytest.fixture
def server(tmp_path):
    with Millpond(tmp_path) as millpond:
        yield millpond


class Writers:
    """Sends to a queue from several threads until told to end; knows what was acknowledged."""

    def __init__(self, server, url):
        self.acknowledged = [set() for _ in range(WRITERS)]
        self.errors = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(server, url, number)) for number in range(WRITERS)]

    def _write(self, server, url, number):
        sqs = server.client()
        count = 0
        try:
            while not self._ended.is_set():
                body = f"{number}-{count} " + "x" * 700
                sqs.send_message(QueueUrl=url, MessageBody=body)
                self.acknowledged[number].add(body)
                count += 1
        except Exception as error:  # noqa: BLE001 - the test shows it
            self.errors.append(error)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def so_far(self):
        return set().union(*(set(part) for part in self.acknowledged))


def all_bodies(sqs, url):
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        bodies += [message["Body"] for message in messages]
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return bodies


def restored(server, backup, folder):
    folder.mkdir()
    done = server.run("restore", backup, folder / "data", "--json")
    assert done.returncode == 0, done.stderr
    assert server.run("check", folder / "data").returncode == 0
    # The master key is not in a backup.
    shutil.copytree(server.folder / "home", folder / "home")
    return Millpond(folder)


def test_what_was_acknowledged_before_a_backup_is_in_it_whatever_goes_on(server, tmp_path):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    short = sqs.create_queue(QueueName="short")["QueueUrl"]
    with Writers(server, url) as writers:
        for _ in range(100):
            sqs.send_message(QueueUrl=short, MessageBody="a short life")
        all_bodies(sqs, short)
        before = writers.so_far()
        taken = server.run("backup", "--to", "night.backup", "--endpoint", server.endpoint, "--json")
        assert taken.returncode == 0, taken.stderr
    assert not writers.errors
    told = json.loads(taken.stdout)
    assert told["file"] == "night.backup" and told["position"] > 0
    assert (tmp_path / "night.backup").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "night.backup.partial").exists()
    with restored(server, "night.backup", tmp_path / "restored") as other:
        sqs = other.client()
        bodies = all_bodies(sqs, sqs.get_queue_url(QueueName="jobs")["QueueUrl"])
        assert not all_bodies(sqs, sqs.get_queue_url(QueueName="short")["QueueUrl"]), "what was deleted stays so"
    assert before <= set(bodies), f"{len(before - set(bodies))} of {len(before)} acknowledged messages are missing"
    assert set(bodies) <= writers.so_far(), "nothing is in it that was never sent"
    assert len(bodies) == len(set(bodies)), "each message once"


def test_a_handle_from_before_the_backup_deletes_after_it(server, tmp_path):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="held")
    (held,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=600, WaitTimeSeconds=0)["Messages"]
    assert server.run("backup", "--to", tmp_path / "one", "--endpoint", server.endpoint).returncode == 0
    with restored(server, tmp_path / "one", tmp_path / "restored") as other:
        sqs = other.client()
        url = sqs.get_queue_url(QueueName="jobs")["QueueUrl"]
        assert not sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages")
        sqs.delete_message(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"])
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_only_who_may_take_a_backup_gets_one(server):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server.endpoint}/_millpond/v1/backup")
    assert refused.value.code == 403
    said = server.run("account", "create", "111122223333", "--endpoint", server.endpoint, "--json")
    key = json.loads(said.stdout)
    other = {"AWS_ACCESS_KEY_ID": key["access_key_id"], "AWS_SECRET_ACCESS_KEY": key["secret_access_key"]}
    denied = server.run("backup", "--to", "other", "--endpoint", server.endpoint, environment=other)
    assert denied.returncode == 1 and "millpond:Backup" in denied.stderr
    assert not (server.folder / "other").exists() and not (server.folder / "other.partial").exists()


def test_a_backup_that_nobody_reads_on_holds_up_neither_requests_nor_the_end(tmp_path):
    with Millpond(tmp_path, ["--auth", "off"]) as server:
        sqs = server.client()
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        for _ in range(30):
            sqs.send_message(QueueUrl=url, MessageBody="x" * 900_000)
        connection = http.client.HTTPConnection(server.endpoint.split("://")[1])
        connection.request("GET", "/_millpond/v1/backup")
        reply = connection.getresponse()
        assert reply.status == 200 and reply.read(16) == b"MILLPOND-BACKUP\x01"
        # The service waits in the middle of it, and does everything else.
        for _ in range(30):
            sqs.send_message(QueueUrl=url, MessageBody="y" * 900_000)
        assert len(all_bodies(sqs, url)) == 60
        assert server.stop() == 0
        connection.close()
        assert server.run("check", server.data).returncode == 0


def test_a_command_whose_service_is_gone_leaves_no_file(server):
    server.kill()
    gone = server.run("backup", "--to", "late", "--endpoint", server.endpoint)
    assert gone.returncode == 1
    assert not (server.folder / "late").exists() and not (server.folder / "late.partial").exists()


def test_a_directory_that_no_service_uses_is_copied_as_it_is(server, tmp_path):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    in_use = server.run("backup", "--data", server.data, "--to", "one")
    assert in_use.returncode == 1 and f"held by process {server.pid}" in in_use.stderr
    server.kill()
    assert server.run("backup", "--data", server.data, "--to", "one").returncode == 0
    again = server.run("restore", "one", server.data)
    assert again.returncode == 2 and "is not empty" in again.stderr
    with restored(server, "one", tmp_path / "restored") as other:
        sqs = other.client()
        assert all_bodies(sqs, sqs.get_queue_url(QueueName="jobs")["QueueUrl"]) == ["kept"]


def test_check_tells_a_service_that_runs_from_damage(server):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    # What follows in the log says that the queue was durable.
    sqs.send_message(QueueUrl=url, MessageBody="more")
    in_use = server.run("check", server.data)
    assert in_use.returncode == 1 and f"held by process {server.pid}" in in_use.stderr
    server.kill()
    sound = server.run("check", server.data, "--json")
    assert sound.returncode == 0 and json.loads(sound.stdout)["sound"] is True
    (segment,) = server.data.glob("segment-*")
    content = bytearray(segment.read_bytes())
    at = content.index(b"jobs")
    content[at] ^= 1
    segment.write_bytes(content)
    damaged = server.run("check", server.data, "--json")
    assert damaged.returncode == 1
    told = json.loads(damaged.stdout)
    # A spare that was being filled at the kill is told, too, and is no damage.
    (found,) = [found for found in told["findings"] if found["severity"] == "damage"]
    assert found["file"] == segment.name and "byte" in found["place"]
    assert "millpond repair" in told["next"]
    assert server.run("check", server.folder / "nowhere").returncode == 2
