"""A Django project with Django-Q2 on SQS as people write it; what a job did is a line in the file DONE."""

import os
from pathlib import Path

HOME = Path(os.environ["HOME"])
SECRET_KEY = "of this test"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django_q"]
SQLITE = {"timeout": 30, "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF"}
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HOME / "django.db", "OPTIONS": SQLITE}}
Q_CLUSTER = {
    "name": os.environ["QUEUE"],
    "sqs": {"aws_region": os.environ["AWS_REGION"], "receive_message_wait_time_seconds": 1},
    "broker_class": "django_broker.SqsOfEachProcess",
    "workers": 2,
    "bulk": 10,
    # A job that failed comes again when its message does.
    "timeout": 5,
    "retry": 6,
    "scheduler": False,
}


def done(line):
    with open(os.environ["DONE"], "a") as lines:
        lines.write(f"{line}\n")


def add(number):
    done(f"add {number}")


def flaky():
    if not (HOME / "refused").exists():
        (HOME / "refused").touch()
        raise ValueError("not yet")
    done("flaky 1")
