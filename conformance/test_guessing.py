"""Guessing of keys is slow, and nobody who has one notices."""

import threading

import pytest

from millpond import ACCESS_KEY, SECRET_KEY, Millpond, client
from raw_http import send

PROTOCOLS = ["json"]


def failure(sqs):
    """The error that a client with a wrong key gets."""
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.list_queues()
    return refused.value.response["Error"]["Code"]


def metric(millpond, name):
    page = send(millpond.endpoint, "GET", "/metrics", None, {}).body.decode()
    return next(int(line.split()[1]) for line in page.splitlines() if line.startswith(f"{name} "))


def test_a_source_that_guesses_is_slowed_down_and_a_right_key_from_there_is_not(tmp_path):
    with Millpond(tmp_path) as millpond:
        url = millpond.client().create_queue(QueueName="jobs")["QueueUrl"]
        codes, ended = [], threading.Event()

        def guess():
            sqs = client(millpond.endpoint, key=(ACCESS_KEY, "wrong"))
            while not ended.is_set():
                codes.append(failure(sqs))

        workers = [threading.Thread(target=guess) for _ in range(16)]
        for worker in workers:
            worker.start()
        while metric(millpond, "millpond_authentication_throttled_total") < 20:
            pass
        answered = codes.count("SignatureDoesNotMatch")
        # While everything wrong from this address is held back or refused, what is right passes.
        for number in range(300):
            sqs = millpond.client() if number % 100 == 0 else sqs
            sqs.send_message(QueueUrl=url, MessageBody=str(number))
        # At the pace of the wrong ones, one a second, far more of these would have been answered meanwhile.
        assert codes.count("SignatureDoesNotMatch") - answered < 150
        ended.set()
        for worker in workers:
            worker.join()
        assert set(codes) == {"SignatureDoesNotMatch", "Throttling"}
        assert metric(millpond, "millpond_authentication_throttled_total") == codes.count("Throttling")


def test_an_unknown_key_and_a_wrong_secret_are_told_as_on_aws(tmp_path):
    with Millpond(tmp_path) as millpond:
        assert failure(client(millpond.endpoint, key=(ACCESS_KEY, "wrong"))) == "SignatureDoesNotMatch"
        unknown = client(millpond.endpoint, key=("AKIAIOSFODNN7EXAMPLE", SECRET_KEY))
        assert failure(unknown) == "InvalidClientTokenId"
