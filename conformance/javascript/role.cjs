"use strict";
// The AWS SDK for JavaScript with nothing but the environment of the form of examples/customers: it sends, and can't receive.

const assert = require("node:assert");
const test = require("node:test");
const { GetQueueUrlCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } = require("@aws-sdk/client-sqs");

test("credentials come from the container's address", async () => {
  const sqs = new SQSClient({ maxAttempts: 1 });
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: "customers" }));
  const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "Eve,UK" }));
  assert.ok(MessageId);
  await assert.rejects(sqs.send(new ReceiveMessageCommand({ QueueUrl })), (error) => {
    assert.match(error.message, /assumed-role\/customers-frontend\/frontend is not authorized to perform: sqs:receivemessage/);
    return error.$metadata.httpStatusCode === 403;
  });
});
