"""What the credentials of the environment may do with a queue: a program that holds no key and names no service.

It prints `ok` or the error for each of sending and receiving.
"""

import json
import os

import boto3
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")
url = os.environ["QUEUE_URL"]


def outcome(call):
    try:
        call()
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return "ok"


send = outcome(lambda: sqs.send_message(QueueUrl=url, MessageBody="from Python"))
receive = outcome(lambda: sqs.receive_message(QueueUrl=url))
print(json.dumps({"send": send, "receive": receive}))
