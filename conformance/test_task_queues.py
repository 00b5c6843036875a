"""Task queues that people build on SQS: Celery (with Kombu below), Dramatiq and Django-Q2, unchanged, with their own
workers.
"""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from millpond import ACCESS_KEY, REGION, SECRET_KEY

PROGRAMS = Path(__file__).with_name("programs")
PATIENCE_SECS = 90


@pytest.fixture
def environment(server, tmp_path, unique_name):
    """What both applications read: the service, a queue of their own, the file for what was done."""
    (tmp_path / "done").touch()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(PROGRAMS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "QUEUE": unique_name("tasks"),
        "NAMESPACE": unique_name("jobs"),
        "DONE": str(tmp_path / "done"),
    }


@contextmanager
def worker(environment, *arguments):
    """A worker of a framework; its output is part of a failure's text."""
    folder = Path(environment["HOME"])
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=environment, cwd=folder, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(environment, program):
    finished = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def await_lines(environment, wanted):
    """Waits until exactly these lines were written, in any order."""
    deadline = time.monotonic() + PATIENCE_SECS
    while True:
        lines = sorted(Path(environment["DONE"]).read_text().splitlines())
        if lines == sorted(wanted):
            return
        if len(lines) >= len(wanted) or time.monotonic() > deadline:
            log = Path(environment["HOME"], "worker.log").read_text()
            raise AssertionError(f"done: {lines}\nwanted: {sorted(wanted)}\n{log}")
        time.sleep(0.05)


def await_empty(server, prefix):
    """Waits until what was done is also deleted, in all queues of these names."""
    sqs = server.client()
    deadline = time.monotonic() + PATIENCE_SECS
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    while True:
        urls = sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"]
        counts = {url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] for url in urls}
        if all(count == "0" for queue in counts.values() for count in queue.values()):
            return
        assert time.monotonic() < deadline, counts
        time.sleep(0.05)


def test_celery(server, environment):
    run(environment, "import celery_tasks as t; [t.add.delay(n) for n in range(40)]; t.flaky.delay()")
    with worker(environment, "celery", "-A", "celery_tasks", "worker", "--concurrency", "2", "--loglevel", "INFO"):
        await_lines(environment, [f"add {number}" for number in range(40)] + ["flaky 2"])
        await_empty(server, environment["QUEUE"])


def test_dramatiq(server, environment):
    run(environment, "import dramatiq_jobs as j; [j.add.send(n) for n in range(40)]; j.flaky.send()")
    with worker(environment, "dramatiq", "dramatiq_jobs", "--processes", "1", "--threads", "2"):
        await_lines(environment, [f"add {number}" for number in range(40)] + ["flaky 1"])
        await_empty(server, environment["NAMESPACE"])


def test_django(server, environment):
    environment = {**environment, "DJANGO_SETTINGS_MODULE": "django_jobs"}
    run(environment, "from django.core.management import execute_from_command_line as c; c(['django', 'migrate'])")
    queued = "import django; django.setup(); from django_q.tasks import async_task as q"
    run(environment, f"{queued}; [q('django_jobs.add', n) for n in range(20)]; q('django_jobs.flaky')")
    with worker(environment, "django", "qcluster"):
        await_lines(environment, [f"add {number}" for number in range(20)] + ["flaky 1"])
        await_empty(server, environment["QUEUE"])
    saved = f"{queued}; from django_q.models import Success; print(Success.objects.count())"
    assert run(environment, saved) == "21\n"
