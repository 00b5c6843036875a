"""`/metrics` is what Prometheus reads, and its numbers are those of what clients did."""

import json
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

import raw_http
from millpond import Millpond

PROTOCOLS = ["json"]

# The names of CloudWatch, as `docs/operations.md` maps them.
GAUGES = [
    "aws_sqs_approximate_number_of_messages_visible",
    "aws_sqs_approximate_number_of_messages_not_visible",
    "aws_sqs_approximate_number_of_messages_delayed",
    "aws_sqs_approximate_age_of_oldest_message_seconds",
]
COUNTERS = [
    "aws_sqs_number_of_messages_sent",
    "aws_sqs_number_of_messages_received",
    "aws_sqs_number_of_messages_deleted",
    "aws_sqs_number_of_empty_receives",
]
FIFO = [
    "aws_sqs_approximate_number_of_groups_with_inflight_messages",
    "aws_sqs_number_of_deduplicated_sent_messages",
]

FAIR = [
    "aws_sqs_approximate_number_of_noisy_groups",
    "aws_sqs_approximate_number_of_messages_visible_in_quiet_groups",
    "aws_sqs_approximate_number_of_messages_not_visible_in_quiet_groups",
    "aws_sqs_approximate_number_of_messages_delayed_in_quiet_groups",
]


def read(endpoint, query=""):
    """All families by name. The parser is that of the official client library."""
    with urllib.request.urlopen(f"{endpoint}/metrics{query}") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = answer.read().decode()
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "each family stands in one place"
    for family in families:
        assert family.documentation and family.type != "unknown", family.name
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(keys) == len(set(keys)), "each sample is there once"
    return {family.name: family for family in families}


def name_of(queue):
    return queue.rsplit("/", 1)[1]


def value(families, family, sample=None, **labels):
    """The one sample of a family with these labels."""
    found = [
        one.value
        for one in families[family].samples
        if one.name == (sample or one.name) and labels.items() <= one.labels.items()
    ]
    assert len(found) == 1, f"{family} {labels}: {families[family].samples}"
    return found[0]


def of_queue(families, queue, names):
    return {name: value(families, name, queue_name=name_of(queue)) for name in names}


def test_every_name_of_cloudwatch_is_there_with_its_queue(endpoint, queue):
    families = read(endpoint)
    labels = {"queue_name": name_of(queue), "account_id": "000000000000", "region": "us-east-1"}
    for name in GAUGES:
        assert families[name].type == "gauge"
        assert value(families, name, **labels) == 0
    for name in COUNTERS:
        assert families[name].type == "counter"
        assert value(families, name, **labels) == 0
    assert families["aws_sqs_sent_message_size_bytes"].type == "summary"


def test_what_clients_do_is_counted(endpoint, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="12345")
    attribute = {"k": {"DataType": "String", "StringValue": "v"}}
    sqs.send_message(QueueUrl=queue, MessageBody="123", MessageAttributes=attribute)
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=900)
    (first,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    (second,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])
    families = read(endpoint)
    assert of_queue(families, queue, COUNTERS) == dict(zip(COUNTERS, [3, 2, 1, 1]))
    assert of_queue(families, queue, GAUGES[:3]) == dict(zip(GAUGES, [0, 1, 1]))
    assert 0 < value(families, GAUGES[3], queue_name=name_of(queue)) < 600
    size = "aws_sqs_sent_message_size_bytes"
    assert value(families, size, size + "_sum", queue_name=name_of(queue)) == 5 + (3 + 1 + 6 + 1) + 5
    assert value(families, size, size + "_count", queue_name=name_of(queue)) == 3
    assert value(families, "millpond_queue_expired_messages", queue_name=name_of(queue)) == 0
    assert value(families, "millpond_queue_bytes", queue_name=name_of(queue)) > 13
    sent_at = value(families, "millpond_queue_oldest_message_sent_timestamp_seconds", queue_name=name_of(queue))
    expires = "millpond_queue_oldest_message_expires_timestamp_seconds"
    assert value(families, expires, queue_name=name_of(queue)) == pytest.approx(sent_at + 345_600)
    assert second["ReceiptHandle"]


def test_queues_with_message_groups_tell_of_the_quiet_ones(endpoint, sqs, queue, make_queue):
    plain = make_queue()
    sqs.send_message(QueueUrl=plain, MessageBody="x")
    entries = [{"Id": str(number), "MessageBody": "x", "MessageGroupId": "noisy"} for number in range(10)]
    for _ in range(4):
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    for _ in range(3):
        assert len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]) == 10
    for delay_secs in (0, 900):
        sqs.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="quiet", DelaySeconds=delay_secs)
    families = read(endpoint)
    assert of_queue(families, queue, FAIR) == dict(zip(FAIR, [1, 1, 0, 1]))
    for name in FAIR:
        assert name_of(plain) not in {one.labels["queue_name"] for one in families[name].samples}


def test_fifo_queues_have_two_more(endpoint, sqs, queue, make_fifo):
    fifo = make_fifo()
    for group, name in [("a", "1"), ("a", "2"), ("b", "3"), ("b", "3")]:
        sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId=group, MessageDeduplicationId=name)
    assert len(sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=2)["Messages"]) == 2
    families = read(endpoint)
    assert of_queue(families, fifo, FIFO) == dict(zip(FIFO, [1, 1]))
    assert value(families, "aws_sqs_number_of_messages_sent", queue_name=name_of(fifo)) == 3
    for name in FIFO:
        assert name_of(queue) not in [sample.labels["queue_name"] for sample in families[name].samples]


def test_requests_are_counted_by_action_and_code(endpoint, sqs, queue):
    def requests(families, action, code):
        found = [
            sample.value
            for sample in families["millpond_requests"].samples
            if sample.labels == {"action": action, "code": code}
        ]
        return sum(found)

    def slower(families, action):
        name = "millpond_request_duration_seconds"
        return value(families, name, name + "_bucket", action=action, le="+Inf")

    before = read(endpoint)
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=queue + "-not", MessageBody="x")
    raw_http.call(endpoint, "Nonsense\"}", {})
    raw_http.call(endpoint, "Nonsense", {})
    after = read(endpoint)
    for action, code, count in [
        ("SendMessage", "ok", 1),
        ("SendMessage", "QueueDoesNotExist", 1),
        ("unknown", "UnknownOperationException", 2),
    ]:
        assert requests(after, action, code) == requests(before, action, code) + count
    assert slower(after, "SendMessage") == slower(before, "SendMessage") + 2


def test_histograms_are_cumulative(endpoint, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    families = read(endpoint)
    histograms = [family for family in families.values() if family.type == "histogram"]
    assert {family.name for family in histograms} == {
        "millpond_request_duration_seconds",
        "millpond_log_sync_duration_seconds",
        "millpond_batch_events",
    }
    for family in histograms:
        series = {}
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                series.setdefault(sample.labels.get("action"), []).append(sample)
        for action, buckets in series.items():
            bounds = [float(sample.labels["le"]) for sample in buckets]
            counts = [sample.value for sample in buckets]
            assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf")
            assert counts == sorted(counts)
            labels = {"action": action} if action else {}
            assert value(families, family.name, family.name + "_count", **labels) == counts[-1]
    assert value(families, "millpond_log_sync_duration_seconds", "millpond_log_sync_duration_seconds_count") > 0


def test_the_service_tells_of_itself(endpoint, queue):
    families = read(endpoint)
    for name in ["millpond_log_used_bytes", "millpond_log_budget_bytes", "process_resident_memory_bytes"]:
        assert value(families, name) > 0
    assert value(families, "millpond_open_connections") >= 1
    assert value(families, "millpond_queues") >= 1
    assert value(families, "millpond_expiry_held") == 0
    assert value(families, "millpond_metrics_queues_left_out") == 0


def test_a_prefix_chooses_queues(endpoint, make_queue):
    chosen, other = make_queue("chosen"), make_queue("other")
    families = read(endpoint, "?queue_prefix=chosen-")
    names = {sample.labels["queue_name"] for sample in families[GAUGES[0]].samples}
    assert names == {name_of(chosen)}
    assert value(families, "millpond_metrics_queues_left_out") == value(families, "millpond_queues") - 1
    assert other


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Origin": "https://attacker.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_foreign_page_reads_it(endpoint, headers):
    before = value(read(endpoint), "millpond_foreign_requests")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(endpoint + "/metrics", headers=headers))
    assert refused.value.code == 403
    assert value(read(endpoint), "millpond_foreign_requests") == before + 1


def test_counters_begin_again_with_the_process_and_gauges_do_not(tmp_path):
    with Millpond(tmp_path) as server:
        sqs = server.client()
        queue = sqs.create_queue(QueueName="kept")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="x")
        server.restart()
        families = read(server.endpoint)
        assert value(families, GAUGES[0], queue_name="kept") == 1
        assert value(families, COUNTERS[0], queue_name="kept") == 0
        shown = json.loads(server.run("queues", "--json", "--endpoint", server.endpoint).stdout)
        assert value(families, "millpond_queue_bytes", queue_name="kept") == shown["queues"][0]["bytes"]


def test_a_queue_that_is_gone_is_not_told(endpoint, sqs, queue, unique_name):
    name = unique_name()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.delete_queue(QueueUrl=url)
    sqs.create_queue(QueueName=name)
    families = read(endpoint)
    assert value(families, COUNTERS[0], queue_name=name) == 0, "another queue of that name"
    sqs.delete_queue(QueueUrl=url)
    families = read(endpoint)
    assert name not in [sample.labels["queue_name"] for sample in families[GAUGES[0]].samples]
