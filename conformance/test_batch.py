"""Batches of ten: each entry has its own outcome, and the batch as a whole has its own limits."""

import hashlib

import pytest

MAX_BATCH_BYTES = 1_048_576


def entries(count, body="body"):
    return [{"Id": f"id-{number}", "MessageBody": f"{body} {number}"} for number in range(count)]


def test_a_batch_of_ten_is_sent_received_and_deleted(sqs, queue):
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries(10))
    assert not sent.get("Failed")
    assert [entry["Id"] for entry in sent["Successful"]] == [f"id-{number}" for number in range(10)]
    for number, entry in enumerate(sent["Successful"]):
        assert entry["MD5OfMessageBody"] == hashlib.md5(f"body {number}".encode()).hexdigest()
    messages = []
    while len(messages) < 10:
        messages += sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    assert {message["MessageId"] for message in messages} == {entry["MessageId"] for entry in sent["Successful"]}
    handles = [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(messages)
    ]
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=handles)
    assert {entry["Id"] for entry in deleted["Successful"]} == {str(number) for number in range(10)}
    assert not deleted.get("Failed")


def test_a_bad_entry_does_not_hold_up_its_neighbours(sqs, queue):
    batch = entries(3)
    batch[1]["MessageBody"] = "not allowed: \u0000"
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=batch)
    assert [entry["Id"] for entry in answer["Successful"]] == ["id-0", "id-2"]
    (failed,) = answer["Failed"]
    assert failed["Id"] == "id-1"
    assert failed["SenderFault"] is True
    assert failed["Code"] == "InvalidMessageContents"


def test_an_entry_over_the_queues_limit_fails_alone(sqs, make_queue):
    queue = make_queue(MaximumMessageSize=1024)
    batch = entries(2)
    batch[0]["MessageBody"] = "x" * 1025
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=batch)
    assert [entry["Id"] for entry in answer["Successful"]] == ["id-1"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("id-0", True, "InvalidParameterValue")
    assert failed["Message"] == (
        "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."
    )


def test_more_than_ten_entries_are_refused_as_a_whole(sqs, queue):
    with pytest.raises(sqs.exceptions.TooManyEntriesInBatchRequest) as refused:
        sqs.send_message_batch(QueueUrl=queue, Entries=entries(20))
    error = refused.value.response["Error"]
    assert error["Code"] == "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    assert error["Message"] == "Maximum number of entries per request are 10. You have sent 20."
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_an_empty_batch_is_refused(sqs, queue):
    with pytest.raises(sqs.exceptions.EmptyBatchRequest) as refused:
        sqs.send_message_batch(QueueUrl=queue, Entries=[])
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.EmptyBatchRequest"


def test_ids_are_distinct(sqs, queue):
    batch = entries(2)
    batch[1]["Id"] = batch[0]["Id"]
    with pytest.raises(sqs.exceptions.BatchEntryIdsNotDistinct) as refused:
        sqs.send_message_batch(QueueUrl=queue, Entries=batch)
    assert refused.value.response["Error"]["Message"] == "Id id-0 repeated."


@pytest.mark.parametrize("entry_id", ["a" * 81, "with space", "dot.ted", ""])
def test_ids_are_1_to_80_letters_digits_hyphens_and_underscores(sqs, queue, entry_id):
    with pytest.raises(sqs.exceptions.InvalidBatchEntryId) as refused:
        sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": entry_id, "MessageBody": "x"}])
    assert refused.value.response["Error"]["Message"] == (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
        "It can be at most 80 letters long."
    )


def test_the_sum_of_a_batch_has_a_limit_of_its_own(sqs, make_queue):
    queue = make_queue(MaximumMessageSize=MAX_BATCH_BYTES)
    half = MAX_BATCH_BYTES // 2
    fits = [{"Id": "a", "MessageBody": "x" * half}, {"Id": "b", "MessageBody": "y" * half}]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=fits)["Successful"]) == 2
    over = [{"Id": "a", "MessageBody": "x" * half}, {"Id": "b", "MessageBody": "y" * (half + 1)}]
    with pytest.raises(sqs.exceptions.BatchRequestTooLong) as refused:
        sqs.send_message_batch(QueueUrl=queue, Entries=over)
    assert refused.value.response["Error"]["Message"] == (
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."
    )


def test_deleting_a_batch_tells_a_bad_handle_from_good_ones(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    batch = [{"Id": "good", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "bad", "ReceiptHandle": "made-up"}]
    answer = sqs.delete_message_batch(QueueUrl=queue, Entries=batch)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("bad", True, "ReceiptHandleIsInvalid")


def test_visibility_is_changed_in_batches(sqs, queue):
    sqs.send_message_batch(QueueUrl=queue, Entries=entries(2))
    messages = []
    while len(messages) < 2:
        messages += sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    changes = [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
        for number, message in enumerate(messages)
    ]
    answer = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=changes)
    assert {entry["Id"] for entry in answer["Successful"]} == {"0", "1"}
    again = []
    while len(again) < 2:
        again += sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    assert {message["MessageId"] for message in again} == {message["MessageId"] for message in messages}
