"""A Dramatiq application on SQS as people write it; what a job did is a line in the file DONE."""

import os

import dramatiq
from dramatiq.middleware import Retries, ShutdownNotifications
from dramatiq_sqs import SQSBroker

broker = SQSBroker(
    namespace=os.environ["NAMESPACE"],
    middleware=[Retries(max_retries=3, min_backoff=1, max_backoff=1), ShutdownNotifications()],
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    dead_letter=True,
)
dramatiq.set_broker(broker)
refused = set()


def done(line):
    with open(os.environ["DONE"], "a") as lines:
        lines.write(f"{line}\n")


@dramatiq.actor
def add(number):
    done(f"add {number}")


@dramatiq.actor
def flaky():
    if "flaky" not in refused:
        refused.add("flaky")
        raise ValueError("not yet")
    done("flaky 1")
