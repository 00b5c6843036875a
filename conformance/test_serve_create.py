"""`millpond serve --create NAME` has the queue there when it is ready, and leaves one that exists as it is."""

from millpond import Millpond


def names(millpond):
    return sorted(url.rsplit("/", 1)[1] for url in millpond.client().list_queues().get("QueueUrls", []))


def test_queues_are_there_at_the_start(tmp_path):
    arguments = ["--create", "jobs", "--create", "orders.fifo"]
    with Millpond(tmp_path, arguments) as millpond:
        sqs = millpond.client()
        assert names(millpond) == ["jobs", "orders.fifo"]
        kind = sqs.get_queue_attributes(QueueUrl="orders.fifo", AttributeNames=["FifoQueue"])["Attributes"]
        assert kind == {"FifoQueue": "true"}
        sqs.set_queue_attributes(QueueUrl="jobs", Attributes={"VisibilityTimeout": "77"})
        sqs.send_message(QueueUrl="jobs", MessageBody="stays")
        millpond.restart()
        sqs = millpond.client()
        assert names(millpond) == ["jobs", "orders.fifo"]
        kept = sqs.get_queue_attributes(QueueUrl="jobs", AttributeNames=["VisibilityTimeout"])["Attributes"]
        assert kept == {"VisibilityTimeout": "77"}
        assert sqs.receive_message(QueueUrl="jobs")["Messages"][0]["Body"] == "stays"


def test_a_name_that_is_none_is_refused(tmp_path):
    with Millpond(tmp_path) as millpond:
        refused = millpond.run("serve", "--listen", "127.0.0.1:0", "--create", "no such name")
        assert refused.returncode == 2
        assert "letters, digits, hyphens" in refused.stderr
