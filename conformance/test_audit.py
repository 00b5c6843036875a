"""The audit log: a line for each request, in files that follow each other, without a word of what must stay secret."""

import json
import threading

import pytest

from architecture import await_that
from millpond import ACCESS_KEY, SECRET_KEY, Millpond, client
from raw_http import own, send

PROTOCOLS = ["json"]
BODY = "a-body-that-must-not-show"


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_tells_who_asked_for_what_and_what_came_of_it(tmp_path):
    with Millpond(tmp_path, ["--audit", "audit.log"]) as millpond:
        sqs = millpond.client(user_agent="a-program/1.0")
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        reply = sqs.send_message(QueueUrl=url, MessageBody=BODY)
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            sqs.send_message(QueueUrl=url + "-missing", MessageBody=BODY)
        send(millpond.endpoint, "GET", "/health", None, {})
        assert millpond.stop() == 0
    created, sent, missed = lines(tmp_path / "audit.log")
    assert created["action"] == "CreateQueue" and created["service"] == "sqs"
    assert sent["request_id"] == reply["ResponseMetadata"]["RequestId"]
    assert sent["time"].endswith("Z") and sent["latency_ms"] > 0
    assert sent["resource"] == "arn:aws:sqs:us-east-1:000000000000:jobs"
    assert (sent["source_ip"], sent["tls"]) == ("127.0.0.1", False)
    assert (sent["status"], sent["error"], sent["protocol"]) == (200, None, "aws-json-1.0")
    assert sent["user_agent"].startswith("a-program/1.0")
    assert missed["status"] == 400 and missed["error"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert sent["arn"] == "arn:aws:iam::000000000000:root"
    assert (sent["account"], sent["access_key_id"]) == ("000000000000", ACCESS_KEY)
    assert sent["decision"] == "allowed"


def test_no_line_holds_a_body_a_signature_or_a_secret(tmp_path):
    secret = "a-secret-that-must-not-show"
    environment = {"MILLPOND_ROOT_SECRET_ACCESS_KEY": secret}
    with Millpond(tmp_path, ["--audit", "audit.log"], environment) as millpond:
        sqs = client(millpond.endpoint, key=(ACCESS_KEY, secret), token="a-token-that-must-not-show")
        for _ in range(2):
            try:
                url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
                sqs.send_message(QueueUrl=url, MessageBody=BODY)
            except sqs.exceptions.ClientError:
                pass  # The token is wrong; the next has none.
            sqs = client(millpond.endpoint, key=(ACCESS_KEY, secret))
        millpond.stop()
    text = (tmp_path / "audit.log").read_text()
    assert len(text.splitlines()) >= 3
    for word in [BODY, secret, "a-token-that-must-not-show", "Signature=", "AWS4-HMAC-SHA256"]:
        assert word not in text, word


def test_who_can_not_prove_it_is_told_with_what_they_claim(tmp_path):
    with Millpond(tmp_path, ["--audit", "audit.log"]) as millpond:
        for key in [(ACCESS_KEY, "wrong"), ("AKIAIOSFODNN7EXAMPLE", SECRET_KEY)]:
            sqs = client(millpond.endpoint, key=key)
            with pytest.raises(sqs.exceptions.ClientError):
                sqs.list_queues()
        millpond.stop()
    wrong, unknown = lines(tmp_path / "audit.log")
    for line, key in [(wrong, ACCESS_KEY), (unknown, "AKIAIOSFODNN7EXAMPLE")]:
        assert (line["decision"], line["status"], line["arn"]) == ("refused", 403, None)
        assert line["access_key_id"] == key and line["reason"]


def test_files_follow_each_other_without_losing_a_line(tmp_path):
    (tmp_path / "millpond.toml").write_text('[audit]\nfile = "logs/audit.log"\nmax_bytes = "128KiB"\nkeep = 30\n')
    (tmp_path / "logs").mkdir()
    with Millpond(tmp_path) as millpond:
        url = millpond.client().create_queue(QueueName="jobs")["QueueUrl"]

        def load():
            sqs = millpond.client()
            for _ in range(150):
                sqs.send_message(QueueUrl=url, MessageBody="x")

        workers = [threading.Thread(target=load) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        millpond.stop()
    files = list((tmp_path / "logs").iterdir())
    assert len(files) > 1 and all(file.stat().st_size <= 128 << 10 for file in files)
    told = [line for file in files for line in lines(file)]
    assert sum(line["action"] == "SendMessage" for line in told) == 600
    assert len({line["request_id"] for line in told}) == 601


def test_changes_alone_can_be_recorded(tmp_path):
    (tmp_path / "millpond.toml").write_text('[audit]\nfile = "audit.log"\nrequests = "changes"\n')
    with Millpond(tmp_path) as millpond:
        sqs = millpond.client()
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="x")
        sqs.list_queues()
        assert millpond.run("queues").returncode == 0
        assert millpond.run("why", "sqs:SendMessage", "jobs", "--as", "arn:aws:iam::000000000000:root").returncode == 0
        sqs.delete_queue(QueueUrl=url)
        millpond.stop()
    assert [line["action"] for line in lines(tmp_path / "audit.log")] == ["CreateQueue", "DeleteQueue"]


def test_standard_output_holds_lines_alone(tmp_path):
    apart = ["sh", "-c", 'exec "$@" > stdout', "sh"]
    with Millpond(tmp_path, ["--audit", "-"], wrapper=apart) as millpond:
        millpond.client().create_queue(QueueName="jobs")
        millpond.stop()
    told = [json.loads(line) for line in (tmp_path / "stdout").read_text().splitlines()]
    assert [line["action"] for line in told] == ["CreateQueue"]


def test_a_full_disk_holds_up_nobody_and_is_told(tmp_path):
    with Millpond(tmp_path, ["--audit", "/dev/full"]) as millpond:
        sqs = millpond.client()
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        for _ in range(20):
            sqs.send_message(QueueUrl=url, MessageBody="x")
        while True:
            metrics = send(millpond.endpoint, "GET", "/metrics", None, {}).body.decode()
            lost = [line for line in metrics.splitlines() if line.startswith("millpond_audit_lost_lines_total ")]
            if int(lost[0].split()[1]) >= 21:
                break
        assert millpond.log().count("the audit log can't be written") == 1


def test_a_log_that_can_not_be_opened_is_told_at_the_start(tmp_path):
    done = Millpond(tmp_path).run("serve", "--listen", "127.0.0.1:0", "--audit", "missing/audit.log")
    assert done.returncode == 1 and "cannot write the audit log missing/audit.log" in done.stderr


def test_identity_calls_tell_what_they_are_about(tmp_path):
    with Millpond(tmp_path, ["--audit", "audit.log"]) as millpond:
        iam, sts = client(millpond.endpoint, "iam"), client(millpond.endpoint, "sts")
        iam.create_user(UserName="jane")
        sts.get_caller_identity()
        key = iam.create_access_key(UserName="jane")["AccessKey"]
        role = "arn:aws:iam::000000000000:role/worker"
        for who in [None, (key["AccessKeyId"], key["SecretAccessKey"])]:
            of = client(millpond.endpoint, "sts", key=who) if who else sts
            with pytest.raises(of.exceptions.ClientError):
                of.assume_role(RoleArn=role, RoleSessionName="session")
        millpond.stop()
    created, asked, _, by_root, by_jane = lines(tmp_path / "audit.log")
    jane = "arn:aws:iam::000000000000:user/jane"
    assert (created["action"], created["resource"]) == ("CreateUser", jane)
    assert (created["decision"], created["reason"]) == ("allowed", "root of the account")
    assert (asked["decision"], asked["reason"]) == ("allowed", "no permission is needed")
    for line in [by_root, by_jane]:
        assert (line["service"], line["action"], line["resource"]) == ("sts", "AssumeRole", role)
        assert (line["decision"], line["error"]) == ("denied", "AccessDenied") and line["reason"]


@pytest.mark.parametrize(("service", "action"), [("iam", "ListUsers"), ("sts", "GetCallerIdentity"), ("sqs", "ListQueues")])
def test_what_was_asked_is_told_of_who_can_not_prove_it(tmp_path, service, action):
    with Millpond(tmp_path, ["--audit", "audit.log"]) as millpond:
        asking = client(millpond.endpoint, service, key=(ACCESS_KEY, "wrong"))
        with pytest.raises(asking.exceptions.ClientError):
            getattr(asking, {"ListUsers": "list_users", "ListQueues": "list_queues"}.get(action, "get_caller_identity"))()
        millpond.stop()
    line = lines(tmp_path / "audit.log")[0]
    assert (line["service"], line["action"], line["decision"]) == (service, action, "refused")


def test_a_stack_leaves_lines_of_what_it_changes(tmp_path):
    template = """
Resources:
  Jobs: {Type: "AWS::SQS::Queue", Properties: {QueueName: jobs}}
  Jane: {Type: "AWS::IAM::User", Properties: {UserName: jane}}
"""
    with Millpond(tmp_path, ["--audit", "audit.log"]) as millpond:
        body = {"file": "shop.yaml", "template": template, "parameters": {}}
        reply = own(millpond.endpoint, "stacks/shop", body)
        assert reply.status == 200, reply.body
        millpond.stop()
    told = {(line["service"], line["action"]): line for line in lines(tmp_path / "audit.log")}
    assert told["millpond", "POST stacks/shop"]["resource"] == "arn:aws:millpond:us-east-1:000000000000:stack/shop"
    made = told["iam", "CreateUser"]
    assert made["resource"] == "arn:aws:iam::000000000000:user/jane" and made["decision"] == "allowed"
    assert made["arn"] == "arn:aws:iam::000000000000:root"
    assert told["sqs", "CreateQueue"]["arn"] == "arn:aws:iam::000000000000:root"


def test_who_asks_for_the_credentials_of_a_workload_leaves_a_line(tmp_path):
    (tmp_path / "millpond.toml").write_text('[audit]\nfile = "audit.log"\nrequests = "changes"\n')
    with Millpond(tmp_path) as millpond:
        send(millpond.endpoint, "GET", "/_millpond/v1/workloads/sink/credentials", None, {"Authorization": "a-token"})
        millpond.stop()
    line = lines(tmp_path / "audit.log")[0]
    assert line["resource"] == "arn:aws:millpond:us-east-1:000000000000:workload/sink"
    assert line["decision"] == "denied" and line["reason"]


def test_the_credentials_of_a_workload_leave_a_line(tmp_path):
    template = """
Resources:
  Jobs: {Type: "AWS::SQS::Queue", Properties: {QueueName: jobs}}
  Worker:
    Type: Millpond::Sink::Table
    Properties: {Queue: !Ref Jobs, DatabaseUrl: 'sqlite://jobs.db', Table: jobs, Columns: [id]}
"""
    with Millpond(tmp_path, ["--audit", "audit.log"]) as millpond:
        body = {"file": str(tmp_path / "shop.yaml"), "template": template, "parameters": {}}
        reply = own(millpond.endpoint, "stacks/shop", body)
        assert reply.status == 200, reply.body
        name = json.loads(own(millpond.endpoint, "workloads").body)["workloads"][0]["name"]
        await_that(lambda: any(line["action"].endswith("/credentials") for line in lines(tmp_path / "audit.log")))
        millpond.stop()
    line = next(line for line in lines(tmp_path / "audit.log") if line["action"].endswith("/credentials"))
    assert line["resource"] == f"arn:aws:millpond:us-east-1:000000000000:workload/{name}"
    assert (line["decision"], line["reason"], line["status"]) == ("allowed", "the token of the workload", 200)
