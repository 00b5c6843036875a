"""A queue is created as a FIFO queue or never is one, and only a FIFO queue has the attributes of one."""

import pytest

FIFO = ["ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit"]
ONLY_FIFO = "only when FifoQueue is set to true."


@pytest.fixture
def fifo(make_fifo):
    """The URL of a FIFO queue with default attributes."""
    return make_fifo()


def attributes(sqs, queue, names=("All",)):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(names)).get("Attributes", {})


def error_of(sqs, call):
    with pytest.raises(sqs.exceptions.ClientError) as error:
        call()
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_fifo_queue_has_four_attributes_more(sqs, fifo, queue):
    of_fifo, of_standard = attributes(sqs, fifo), attributes(sqs, queue)
    assert set(of_fifo) - set(of_standard) == set(FIFO)
    assert not set(of_standard) - set(of_fifo)
    assert {name: of_fifo[name] for name in FIFO} == {
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "FifoQueue": "true",
        "FifoThroughputLimit": "perQueue",
    }
    assert attributes(sqs, queue, FIFO) == {}


def test_attributes_of_high_throughput_are_set_together(sqs, fifo):
    limit = {"FifoThroughputLimit": "perMessageGroupId"}
    code, text = error_of(sqs, lambda: sqs.set_queue_attributes(QueueUrl=fifo, Attributes=limit))
    assert code == "InvalidAttributeValue"
    reason = "To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope must be messageGroup."
    assert text == f"Invalid value for the parameter FifoThroughputLimit. Reason: {reason}"
    both = {"DeduplicationScope": "messageGroup", **limit}
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes=both)
    assert both.items() <= attributes(sqs, fifo).items()


def test_a_fifo_queue_stays_one(sqs, fifo):
    change = {"FifoQueue": "false"}
    code, text = error_of(sqs, lambda: sqs.set_queue_attributes(QueueUrl=fifo, Attributes=change))
    assert code == "InvalidAttributeValue"
    assert text == "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("FifoQueue", "false", "Unknown Attribute FifoQueue."),
        ("ContentBasedDeduplication", "true", "Unknown Attribute ContentBasedDeduplication."),
        ("DeduplicationScope", "queue", f"You can specify the DeduplicationScope {ONLY_FIFO}"),
        ("FifoThroughputLimit", "perQueue", f"You can specify the FifoThroughputLimit {ONLY_FIFO}"),
    ],
)
def test_a_standard_queue_takes_none_of_them(sqs, queue, unique_name, name, value, text):
    given = {name: value}
    refused = ("InvalidAttributeName", text)
    assert error_of(sqs, lambda: sqs.set_queue_attributes(QueueUrl=queue, Attributes=given)) == refused
    assert error_of(sqs, lambda: sqs.create_queue(QueueName=unique_name(), Attributes=given)) == refused


@pytest.mark.parametrize(("end", "given"), [("", {"FifoQueue": "true"}), (".fifo", {})])
def test_name_and_kind_agree(sqs, unique_name, end, given):
    name = unique_name() + end
    code, text = error_of(sqs, lambda: sqs.create_queue(QueueName=name, Attributes=given))
    assert code == "InvalidParameterValue"
    assert "an only include alphanumeric characters, hyphens, or underscores" in text
