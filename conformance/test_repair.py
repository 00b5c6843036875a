"""A service refuses damage and names what helps; `millpond repair` saves what can be read, and a service starts on it."""

import json
import shutil
import time
import urllib.request

import pytest

from millpond import Millpond, MillpondError


@pytest.fixture
def server(tmp_path):
    with Millpond(tmp_path) as millpond:
        yield millpond


def flip(file, text):
    """Changes a byte of the first place in a file that reads so."""
    content = bytearray(file.read_bytes())
    content[content.index(text)] ^= 1
    file.write_bytes(content)


def bodies_of(millpond, queue):
    sqs = millpond.client()
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = set()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        found |= {message["Body"] for message in messages}
    return found


def on_repaired(server, folder):
    shutil.copytree(server.folder / "home", folder / "home")
    return Millpond(folder)


def test_a_corrupt_batch_is_refused_and_all_but_it_is_saved(server, tmp_path):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    for number in range(10):
        sqs.send_message(QueueUrl=url, MessageBody=f"body-{number}-end")
    server.kill()
    (segment,) = server.data.glob("segment-*")
    flip(segment, b"body-4-end")
    before = {file.name: file.read_bytes() for file in server.data.iterdir() if file.is_file()}
    with pytest.raises(MillpondError) as refused:
        server.start()
    said = str(refused.value)
    assert segment.name in said and "at byte" in said and "millpond repair DIR NEWDIR" in said
    folder = tmp_path / "new"
    folder.mkdir()
    repaired = server.run("repair", server.data, folder / "data", "--json")
    assert repaired.returncode == 1, "something was lost"
    told = json.loads(repaired.stdout)
    assert [loss["kind"] for loss in told["lost"]] == ["batches"]
    after = {file.name: file.read_bytes() for file in server.data.iterdir() if file.is_file()}
    assert {name: content for name, content in after.items() if name != "LOCK"} == {
        name: content for name, content in before.items() if name != "LOCK"
    }
    with on_repaired(server, folder) as other:
        assert bodies_of(other, "jobs") == {f"body-{number}-end" for number in range(10) if number != 4}
    assert server.run("repair", server.data, folder / "data").returncode == 2, "the place is taken"


def test_a_store_that_can_not_be_read_is_refused_and_the_log_alone_brings_back_what_it_has(server, tmp_path):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    server.kill()
    (server.data / "store.redb").write_bytes(b"garbage" * 10_000)
    with pytest.raises(MillpondError) as refused:
        server.start()
    assert "store.redb" in str(refused.value) and "millpond repair DIR NEWDIR" in str(refused.value)
    checked = server.run("check", server.data, "--json")
    assert checked.returncode == 1
    assert {finding["file"] for finding in json.loads(checked.stdout)["findings"]} == {"store.redb"}
    folder = tmp_path / "new"
    folder.mkdir()
    repaired = server.run("repair", server.data, folder / "data")
    assert repaired.returncode == 1 and "not saved: store.redb" in repaired.stdout
    with on_repaired(server, folder) as other:
        assert bodies_of(other, "jobs") == {"kept"}


def test_nothing_is_lost_of_a_sound_directory(server, tmp_path):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    assert server.run("repair", server.data, tmp_path / "no").returncode == 1, "it is in use"
    server.kill()
    folder = tmp_path / "new"
    folder.mkdir()
    repaired = server.run("repair", server.data, folder / "data")
    assert repaired.returncode == 0, repaired.stdout
    assert "nothing was lost" in repaired.stdout
    with on_repaired(server, folder) as other:
        assert bodies_of(other, "jobs") == {"kept"}


def test_a_damaged_body_is_taken_out_and_told(server):
    sqs = server.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=f"<{number}>" + "x" * 1000)
    (segment,) = server.data.glob("segment-*")
    server.kill()
    # A start verifies all of the newest segment; bodies that rot later are found when they are read.
    server.start()
    flip_at = segment.read_bytes().index(b"<1>xxx")
    with segment.open("r+b") as file:
        file.seek(flip_at)
        file.write(b"?")
    deadline = time.monotonic() + 30
    found = set()
    while len(found) < 2 and time.monotonic() < deadline:
        found |= {body[:3] for body in bodies_of(server, "jobs")}
    assert found == {"<0>", "<2>"}
    while "millpond_quarantined_messages_total 1" not in metrics(server):
        assert time.monotonic() < deadline
    assert "bytes are damaged on disk" in server.log()
    counts = server.client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    waiting = int(counts["ApproximateNumberOfMessages"]) + int(counts["ApproximateNumberOfMessagesNotVisible"])
    assert waiting == 2, "the damaged one is out of its queue, the others are there"


def metrics(server):
    with urllib.request.urlopen(f"{server.endpoint}/metrics") as reply:
        return reply.read().decode()
