"""A receiver as people write it against SQS: receives, inserts into MySQL, deletes, until the queue is empty."""

import os

import boto3
import mysql.connector

sqs = boto3.client("sqs")
url = sqs.get_queue_url(QueueName="customers")["QueueUrl"]

db = mysql.connector.connect(
    host=os.environ["DB_HOST"],
    port=int(os.environ["DB_PORT"]),
    user=os.environ["DB_USER"],
    password=os.environ["DB_PASSWORD"],
    database=os.environ["DB_NAME"],
)
cursor = db.cursor()

while True:
    response = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
    if "Messages" not in response:
        break
    for message in response["Messages"]:
        name, country = message["Body"].split(",")
        cursor.execute("INSERT INTO customers (name, country) VALUES (%s, %s)", (name, country))
        db.commit()
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        print("stored", name)
