"""A Celery application on SQS as its manual shows it; what a task did is a line in the file DONE."""

import os

from celery import Celery

address = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
app = Celery("tasks", broker=f"sqs://{os.environ['AWS_ACCESS_KEY_ID']}:{os.environ['AWS_SECRET_ACCESS_KEY']}@{address}")
app.conf.update(
    task_acks_late=True,
    task_default_queue=os.environ["QUEUE"],
    worker_enable_remote_control=False,
    broker_transport_options={
        "region": os.environ["AWS_REGION"],
        "is_secure": False,
        "visibility_timeout": 60,
        "wait_time_seconds": 5,
    },
)


def done(line):
    # One write: workers are several processes.
    with open(os.environ["DONE"], "a") as lines:
        lines.write(f"{line}\n")


@app.task
def add(number):
    done(f"add {number}")


@app.task(bind=True, max_retries=3)
def flaky(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    done(f"flaky {self.request.retries}")
