"""A sender as people write it against SQS: nothing here knows which service answers."""

import boto3

sqs = boto3.client("sqs")
url = sqs.get_queue_url(QueueName="customers")["QueueUrl"]
for entry in ("Jane,UK", "Pelé,Brazil", "O'Brien,Ireland"):
    response = sqs.send_message(QueueUrl=url, MessageBody=entry)
    print(response["MessageId"])
