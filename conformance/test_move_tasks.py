"""Message move tasks: dead letters go back to where they came from, or elsewhere, each once, whatever happens to the
server meanwhile."""

import base64
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from millpond import Millpond

DEADLINE_SECS = 60


def arn(sqs, queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def policy(sqs, target):
    return json.dumps({"deadLetterTargetArn": arn(sqs, target), "maxReceiveCount": 1})


def look(sqs, queue, **options):
    options = {"VisibilityTimeout": 0, "MessageSystemAttributeNames": ["All"]} | options
    return sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, **options).get("Messages", [])


def bury(sqs, queue, bodies):
    """Sends messages and receives them until they are dead letters."""
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    while look(sqs, queue):
        pass


def count(sqs, queue):
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"][name])


def latest(sqs, source_arn):
    return sqs.list_message_move_tasks(SourceArn=source_arn)["Results"][0]


def ended(sqs, source_arn):
    """The newest task, once it has ended."""
    deadline = time.monotonic() + DEADLINE_SECS
    while True:
        task = latest(sqs, source_arn)
        if task["Status"] != "RUNNING":
            return task
        assert time.monotonic() < deadline, task
        time.sleep(0.02)


def collect(sqs, queue, number):
    """So many messages, deleted as they come."""
    messages = []
    deadline = time.monotonic() + DEADLINE_SECS
    while len(messages) < number:
        assert time.monotonic() < deadline, messages
        received = look(sqs, queue, WaitTimeSeconds=5, VisibilityTimeout=30)
        handles = [message["ReceiptHandle"] for message in received]
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        if entries:
            sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
        messages += received
    return messages


def refused(call, **parameters):
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    response = raised.value.response
    error = response["Error"]
    return error["Code"], response["ResponseMetadata"]["HTTPStatusCode"], error["Message"]


@pytest.fixture
def queues(sqs, make_queue):
    """A queue whose messages may be received once, its dead-letter queue, and another one."""
    dead = make_queue("dead")
    return make_queue("jobs", RedrivePolicy=policy(sqs, dead)), dead, make_queue("other")


def test_messages_go_to_another_queue(sqs, queues):
    jobs, dead, other = queues
    bury(sqs, jobs, ["message-1", "message-2"])
    source, destination = arn(sqs, dead), arn(sqs, other)
    handle = sqs.start_message_move_task(SourceArn=source, DestinationArn=destination)["TaskHandle"]
    decoded = json.loads(base64.b64decode(handle))
    assert (decoded["sourceArn"], str(uuid.UUID(decoded["taskId"]))) == (source, decoded["taskId"])
    assert {message["Body"] for message in collect(sqs, other, 2)} == {"message-1", "message-2"}
    task = ended(sqs, source)
    assert task.pop("StartedTimestamp") > 1_700_000_000_000
    assert task == {
        "Status": "COMPLETED",
        "SourceArn": source,
        "DestinationArn": destination,
        "ApproximateNumberOfMessagesMoved": 2,
        "ApproximateNumberOfMessagesToMove": 2,
    }
    assert look(sqs, dead) == []


def test_each_message_goes_back_to_where_it_came_from_as_a_new_one(sqs, queues, make_queue):
    jobs, dead, _ = queues
    more = make_queue("more", RedrivePolicy=policy(sqs, dead))
    bury(sqs, jobs, ["from jobs"])
    bury(sqs, more, ["from more"])
    letters = {letter["Body"]: letter for letter in look(sqs, dead)}
    sqs.start_message_move_task(SourceArn=arn(sqs, dead))
    for queue, body in [(jobs, "from jobs"), (more, "from more")]:
        (message,) = collect(sqs, queue, 1)
        letter = letters[body]
        assert message["Body"] == body
        assert message["MessageId"] != letter["MessageId"]
        attributes = message["Attributes"]
        assert attributes["ApproximateReceiveCount"] == "1"
        assert int(attributes["SentTimestamp"]) >= int(letter["Attributes"]["SentTimestamp"])
        assert "DeadLetterQueueSourceArn" not in attributes
    task = ended(sqs, arn(sqs, dead))
    assert (task["Status"], "DestinationArn" in task) == ("COMPLETED", False)


def test_a_rate_holds_and_a_task_is_cancelled(sqs, queues):
    jobs, dead, other = queues
    bury(sqs, jobs, [f"message-{number}" for number in range(5)])
    source = arn(sqs, dead)
    started = time.monotonic()
    handle = sqs.start_message_move_task(
        SourceArn=source, DestinationArn=arn(sqs, other), MaxNumberOfMessagesPerSecond=1
    )["TaskHandle"]
    collect(sqs, other, 2)
    assert time.monotonic() - started >= 1, "the second one comes a second after the first"
    running = latest(sqs, source)
    assert (running["Status"], running["TaskHandle"]) == ("RUNNING", handle)
    assert running["MaxNumberOfMessagesPerSecond"] == 1
    code, status, text = refused(sqs.start_message_move_task, SourceArn=source)
    assert (code, status) == ("InvalidParameterValue", 400)
    assert text == (
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
    )
    moved = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    task = latest(sqs, source)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("CANCELLED", moved)
    assert "TaskHandle" not in task
    assert count(sqs, dead) == 5 - moved


def test_a_task_fails_with_a_reason(sqs, queues):
    _, dead, other = queues
    source = arn(sqs, dead)
    for body in ["one", "two"]:
        sqs.send_message(QueueUrl=dead, MessageBody=body)
    sqs.start_message_move_task(SourceArn=source)
    task = ended(sqs, source)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    sqs.start_message_move_task(
        SourceArn=source, DestinationArn=arn(sqs, other), MaxNumberOfMessagesPerSecond=1
    )
    sqs.delete_queue(QueueUrl=other)
    task = ended(sqs, source)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert count(sqs, dead) >= 1
    tasks = sqs.list_message_move_tasks(SourceArn=source, MaxResults=10)["Results"]
    assert [task["FailureReason"] for task in tasks] == [
        "AWS.SimpleQueueService.NonExistentQueue",
        "CouldNotDetermineMessageSource",
    ]


def test_the_recorded_errors(sqs, queues):
    jobs, dead, _ = queues
    source = arn(sqs, dead)
    invalid, not_found = ("InvalidParameterValue", 400), ("ResourceNotFoundException", 404)
    absent = "The resource that you specified for the {} parameter doesn't exist."

    def handle(task_source):
        task = {"taskId": "10f57157-fc38-4da9-a113-4de7e12d05dd", "sourceArn": task_source}
        return base64.b64encode(json.dumps(task).encode()).decode()

    start, cancel = sqs.start_message_move_task, sqs.cancel_message_move_task
    assert refused(start, SourceArn=arn(sqs, jobs)) == (
        *invalid,
        "Source queue must be configured as a Dead Letter Queue.",
    )
    assert refused(start, SourceArn=source + "x") == (*not_found, absent.format("SourceArn"))
    assert refused(start, SourceArn=source, DestinationArn=source + "x") == (
        *not_found,
        absent.format("DestinationArn"),
    )
    assert refused(cancel, TaskHandle="foobared") == (*invalid, "Value for parameter TaskHandle is invalid.")
    assert refused(cancel, TaskHandle=handle(source + "x")) == (*not_found, absent.format("SourceArn"))
    assert refused(cancel, TaskHandle=handle(source)) == (*not_found, "Task does not exist.")


def test_a_fifo_group_keeps_its_order(sqs, make_fifo):
    dead = make_fifo("dead")
    jobs = make_fifo("jobs", RedrivePolicy=policy(sqs, dead))
    for number in range(4):
        body = f"message-{number}"
        sqs.send_message(QueueUrl=jobs, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)
    while look(sqs, jobs):
        pass
    assert count(sqs, dead) == 4
    sqs.start_message_move_task(SourceArn=arn(sqs, dead))
    assert ended(sqs, arn(sqs, dead))["ApproximateNumberOfMessagesMoved"] == 4
    moved = collect(sqs, jobs, 4)
    assert [message["Body"] for message in moved] == [f"message-{number}" for number in range(4)]
    for message in moved:
        assert message["Attributes"]["MessageDeduplicationId"] == message["MessageId"]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_task_goes_on_after_a_restart(tmp_path, end):
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        for name in ["dead", "jobs"]:
            sqs.create_queue(QueueName=name)
        sqs.set_queue_attributes(QueueUrl="jobs", Attributes={"RedrivePolicy": policy(sqs, "dead")})
        bodies = [f"message-{number} " + "x" * 10_000 for number in range(8)]
        bury(sqs, "jobs", bodies)
        source = arn(sqs, "dead")
        sqs.start_message_move_task(SourceArn=source, MaxNumberOfMessagesPerSecond=4)
        came = collect(sqs, "jobs", 2)
        getattr(millpond, end)()
        millpond.start()
        sqs = millpond.client()
        task = latest(sqs, source)
        assert task["ApproximateNumberOfMessagesMoved"] + count(sqs, "dead") >= 8 - 1
        came += collect(sqs, "jobs", 6)
        assert sorted(message["Body"] for message in came) == bodies
        assert len({message["MessageId"] for message in came}) == 8
        task = ended(sqs, source)
        assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 8)
        assert (look(sqs, "dead"), look(sqs, "jobs")) == ([], [])


def test_many_messages_are_moved_while_others_are_served(tmp_path):
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        for name in ["dead", "jobs", "other", "live"]:
            sqs.create_queue(QueueName=name)
        sqs.set_queue_attributes(QueueUrl="jobs", Attributes={"RedrivePolicy": policy(sqs, "dead")})
        for start in range(0, 2_000, 10):
            entries = [{"Id": str(number), "MessageBody": str(start + number)} for number in range(10)]
            sqs.send_message_batch(QueueUrl="dead", Entries=entries)
        source = arn(sqs, "dead")
        sqs.start_message_move_task(SourceArn=source, DestinationArn=arn(sqs, "other"))
        while latest(sqs, source)["Status"] == "RUNNING":
            sqs.send_message(QueueUrl="live", MessageBody="served")
        assert (count(sqs, "dead"), count(sqs, "other")) == (0, 2_000)
        millpond.kill()
        millpond.start()
        sqs = millpond.client()
        assert (count(sqs, "dead"), count(sqs, "other")) == (0, 2_000)
        bodies = {message["Body"] for message in collect(sqs, "other", 2_000)}
        assert bodies == {str(number) for number in range(2_000)}


def command(server, *arguments, code=0):
    done = server.run("queue", "redrive", *arguments, "--endpoint", server.endpoint)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_the_command_line_moves_shows_and_cancels(server, sqs, queues):
    jobs, dead, other = queues
    (dead_name, other_name) = (url.rsplit("/", 1)[1] for url in (dead, other))
    assert "no task" in command(server, dead_name, "--status")
    bury(sqs, jobs, ["one", "two"])
    assert "completed  2 of 2 moved to where they came from" in command(server, dead_name)
    assert count(sqs, jobs) == 2
    while look(sqs, jobs):
        pass
    command(server, dead_name, "--to", other_name, "--rate", "1", "--detach")
    cancelled = json.loads(command(server, dead_name, "--cancel", "--json"))["tasks"][0]
    assert cancelled["status"] == "CANCELLED"
    assert cancelled["destination_arn"] == arn(sqs, other)
    statuses = [task["status"] for task in json.loads(command(server, dead_name, "--status", "--json"))["tasks"]]
    assert statuses == ["CANCELLED", "COMPLETED"]
    assert "has no task that is running" in command(server, dead_name, "--cancel", code=1)
    sqs.send_message(QueueUrl=dead, MessageBody="from nowhere")
    assert "--to" in command(server, dead_name, code=1)
    command(server, dead_name, "--rate", "501", code=2)
