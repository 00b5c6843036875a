"""A call for a service that is not here is refused in a form that its own client reads, and says what is here."""

import urllib.error
import urllib.request
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

import raw_http
from millpond import ACCESS_KEY, REGION, SECRET_KEY

PROTOCOLS = ["json"]


def client(endpoint, service, **config):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


# One client for each protocol that AWS has, and more for those with several services.
CALLS = {
    "dynamodb": ("list_tables", {}, "UnknownOperationException"),
    "kms": ("list_keys", {}, "UnknownOperationException"),
    "logs": ("describe_log_groups", {}, "UnknownOperationException"),
    "secretsmanager": ("list_secrets", {}, "UnknownOperationException"),
    "stepfunctions": ("list_state_machines", {}, "UnknownOperationException"),
    "sns": ("list_topics", {}, "InvalidAction"),
    "cloudformation": ("list_stacks", {}, "InvalidAction"),
    "rds": ("describe_db_instances", {}, "InvalidAction"),
    "ec2": ("describe_vpcs", {}, "InvalidAction"),
    "lambda": ("list_functions", {}, "UnknownOperationException"),
    "route53": ("list_hosted_zones", {}, "InvalidAction"),
    "s3": ("list_buckets", {}, "NotImplemented"),
    "cloudwatch": ("list_metrics", {}, None),
}


@pytest.mark.parametrize("service", CALLS)
def test_its_own_client_reads_the_refusal(endpoint, service):
    method, parameters, code = CALLS[service]
    with pytest.raises(ClientError) as raised:
        getattr(client(endpoint, service), method)(**parameters)
    error = raised.value.response
    assert "is not here. The services of this endpoint are: AmazonSQS, IAM and STS." in error["Error"]["Message"]
    assert 400 <= error["ResponseMetadata"]["HTTPStatusCode"] < 502
    if code:
        assert error["Error"]["Code"] == code
    assert error["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


@pytest.mark.parametrize("addressing", ["path", "virtual"])
def test_s3_is_refused_on_any_path(server, endpoint, addressing):
    # A bucket may be part of the host's name; those below localhost lead here too.
    port = urlsplit(endpoint).port
    s3 = client(f"http://localhost:{port}", "s3", s3={"addressing_style": addressing})
    calls = [
        lambda: s3.put_object(Bucket="bucket", Key="a/b/c", Body=b"x"),
        lambda: s3.get_object(Bucket="bucket", Key="000000000000/jobs"),
        lambda: s3.list_objects_v2(Bucket="bucket"),
        lambda: s3.create_bucket(Bucket="bucket"),
    ]
    if addressing == "virtual":
        s3.meta.events.register("before-send", lambda request, **_: to_loopback(request, port))
    for call in calls:
        with pytest.raises(ClientError) as raised:
            call()
        assert raised.value.response["Error"]["Code"] == "NotImplemented"
        assert "The service s3 is not here" in raised.value.response["Error"]["Message"]


def to_loopback(request, port):
    """Sends the request to this machine under the name it was made for, whether or not the name can be looked up."""
    from botocore.awsrequest import AWSResponse

    address = urlsplit(request.url)
    path = address.path + (f"?{address.query}" if address.query else "")
    headers = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in {**request.headers, "Host": address.netloc}.items()
    }
    headers.pop("Expect", None)
    body = request.body.read() if hasattr(request.body, "read") else request.body
    answer = raw_http.send(f"http://127.0.0.1:{port}", request.method, path, body, headers)

    class Raw:
        def stream(self, *_, **__):
            yield answer.body

    return AWSResponse(request.url, answer.status, answer.headers, Raw())


def test_an_unsigned_call_is_known_by_its_version(endpoint):
    with pytest.raises(ClientError) as raised:
        client(endpoint, "sns", signature_version=UNSIGNED).list_topics()
    assert "The service sns is not here" in raised.value.response["Error"]["Message"]


def test_an_unsigned_call_to_s3_is_known_by_its_client(endpoint):
    s3 = client(endpoint, "s3", signature_version=UNSIGNED, s3={"addressing_style": "path"})
    for call in [lambda: s3.get_object(Bucket="bucket", Key="a/b"), lambda: s3.list_objects_v2(Bucket="bucket")]:
        with pytest.raises(ClientError) as raised:
            call()
        assert "The service s3 is not here" in raised.value.response["Error"]["Message"]


def test_an_action_of_the_same_name_in_another_service_does_nothing_here(endpoint, sqs, queue):
    # Both SNS and SQS have AddPermission.
    with pytest.raises(ClientError) as raised:
        client(endpoint, "sns").add_permission(
            TopicArn="arn:aws:sns:us-east-1:000000000000:x", Label="x", AWSAccountId=["1"], ActionName=["Publish"]
        )
    assert "The service sns is not here" in raised.value.response["Error"]["Message"]
    assert "Policy" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]


def test_a_call_signed_for_another_service_is_not_carried_out(endpoint, sqs, unique_name):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    name = unique_name()
    body = b'{"QueueName": "%s"}' % name.encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.CreateQueue"}
    request = AWSRequest("POST", endpoint + "/", data=body, headers=headers)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "kms", REGION).add_auth(request)
    answer = raw_http.send(endpoint, "POST", "/", body, dict(request.headers))
    assert answer.status == 400
    assert "The service kms is not here" in answer.message()
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name)


def test_a_path_that_leads_nowhere_says_so_in_plain_words(endpoint):
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(endpoint + "/bucket/key/deep")
    assert raised.value.code == 404
    said = raised.value.read().decode()
    assert said.startswith("nothing is at GET /bucket/key/deep; the services of this endpoint are: AmazonSQS")


def test_what_a_caller_writes_is_never_markup(endpoint):
    headers = {"X-Amz-Target": "<b>x</b>.Y", "Content-Type": "application/x-amz-json-1.0"}
    answer = raw_http.post(endpoint, b"{}", headers)
    assert answer.status == 400
    assert b"<b>" not in answer.body
