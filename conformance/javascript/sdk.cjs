// The AWS SDK for JavaScript (v3) as people use it: it verifies every MD5 and picks error classes by header.
const assert = require("node:assert/strict");
const { test } = require("node:test");
const sqs = require("@aws-sdk/client-sqs");

const client = new sqs.SQSClient({});
const send = (command) => client.send(command);
let number = 0;

async function withQueue(attributes, use) {
  const end = attributes.FifoQueue ? ".fifo" : "";
  const name = `javascript-${process.pid}-${++number}${end}`;
  const { QueueUrl } = await send(new sqs.CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  try {
    await use(QueueUrl);
  } finally {
    await send(new sqs.DeleteQueueCommand({ QueueUrl }));
  }
}

test("a message comes back as it was sent", () =>
  withQueue({}, async (QueueUrl) => {
    const MessageAttributes = {
      text: { DataType: "String", StringValue: "größer" },
      number: { DataType: "Number.float", StringValue: "4.5" },
      bytes: { DataType: "Binary.png", BinaryValue: new Uint8Array([0, 1, 255]) },
    };
    const MessageSystemAttributes = { AWSTraceHeader: { DataType: "String", StringValue: "Root=1-5759e988" } };
    const body = "line\r\nnext \u{1f9a6} <&\">";
    const sent = await send(
      new sqs.SendMessageCommand({ QueueUrl, MessageBody: body, MessageAttributes, MessageSystemAttributes }),
    );
    const { Messages } = await send(
      new sqs.ReceiveMessageCommand({
        QueueUrl,
        MessageAttributeNames: ["All"],
        MessageSystemAttributeNames: ["All"],
      }),
    );
    assert.equal(Messages.length, 1);
    assert.equal(Messages[0].MessageId, sent.MessageId);
    assert.equal(Messages[0].Body, body);
    assert.deepEqual(Object.keys(Messages[0].MessageAttributes).sort(), ["bytes", "number", "text"]);
    assert.deepEqual([...Messages[0].MessageAttributes.bytes.BinaryValue], [0, 1, 255]);
    assert.equal(Messages[0].MessageAttributes.number.DataType, "Number.float");
    assert.equal(Messages[0].Attributes.AWSTraceHeader, "Root=1-5759e988");
    assert.equal(Messages[0].Attributes.ApproximateReceiveCount, "1");
    await send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle }));
    assert.equal((await send(new sqs.ReceiveMessageCommand({ QueueUrl }))).Messages, undefined);
  }));

test("batches tell what failed entry by entry", () =>
  withQueue({}, async (QueueUrl) => {
    const Entries = [
      { Id: "good", MessageBody: "one" },
      { Id: "late", MessageBody: "two", DelaySeconds: 901 },
      { Id: "also", MessageBody: "three", MessageAttributes: { a: { DataType: "String", StringValue: "b" } } },
    ];
    const sent = await send(new sqs.SendMessageBatchCommand({ QueueUrl, Entries }));
    assert.deepEqual(sent.Successful.map((entry) => entry.Id), ["good", "also"]);
    assert.deepEqual(sent.Failed.map((entry) => [entry.Id, entry.Code, entry.SenderFault]), [
      ["late", "InvalidParameterValue", true],
    ]);
    const { Messages } = await send(new sqs.ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    const handles = Messages.map((message, index) => ({ Id: `${index}`, ReceiptHandle: message.ReceiptHandle }));
    const changes = handles.map((entry) => ({ ...entry, VisibilityTimeout: 60 }));
    const changed = await send(new sqs.ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: changes }));
    assert.equal(changed.Successful.length, 2);
    const deleted = await send(
      new sqs.DeleteMessageBatchCommand({ QueueUrl, Entries: [...handles, { Id: "bad", ReceiptHandle: "nonsense" }] }),
    );
    assert.equal(deleted.Successful.length, 2);
    assert.equal(deleted.Failed[0].Code, "ReceiptHandleIsInvalid");
  }));

test("errors have their classes and their codes", async () => {
  const error = await send(new sqs.GetQueueUrlCommand({ QueueName: "absent" })).catch((caught) => caught);
  assert.ok(error instanceof sqs.QueueDoesNotExist, error);
  assert.equal(error.name, "QueueDoesNotExist");
  assert.equal(error.Code ?? error.Error?.Code, "AWS.SimpleQueueService.NonExistentQueue");
  assert.equal(error.$metadata.httpStatusCode, 400);
  assert.equal(error.$fault, "client");
  assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
});

test("the URL of a queue is an endpoint of its own", () =>
  withQueue({}, async (QueueUrl) => {
    // Without an endpoint the SDK takes that of the URL.
    const plain = { AWS_ENDPOINT_URL: process.env.AWS_ENDPOINT_URL };
    delete process.env.AWS_ENDPOINT_URL;
    try {
      const lone = new sqs.SQSClient({});
      await lone.send(new sqs.SendMessageCommand({ QueueUrl, MessageBody: "by its URL" }));
    } finally {
      Object.assign(process.env, plain);
    }
    const { Messages } = await send(new sqs.ReceiveMessageCommand({ QueueUrl }));
    assert.equal(Messages[0].Body, "by its URL");
  }));

test("a long poll is answered by the next message, and may be given up", () =>
  withQueue({}, async (QueueUrl) => {
    const given = new AbortController();
    const waiting = client.send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
      abortSignal: given.signal,
    });
    setImmediate(() => given.abort());
    await assert.rejects(waiting, { name: "AbortError" });
    const poll = send(new sqs.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, VisibilityTimeout: 0 }));
    await send(new sqs.SendMessageCommand({ QueueUrl, MessageBody: "now" }));
    assert.equal((await poll).Messages[0].Body, "now");
  }));

test("a FIFO queue keeps order and knows duplicates", () =>
  withQueue({ FifoQueue: "true", ContentBasedDeduplication: "true" }, async (QueueUrl) => {
    const message = (MessageBody) => new sqs.SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: "group" });
    const first = await send(message("a"));
    const again = await send(message("a"));
    assert.equal(again.MessageId, first.MessageId);
    assert.equal(again.SequenceNumber, first.SequenceNumber);
    await send(message("b"));
    const { Messages } = await send(
      new sqs.ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All"] }),
    );
    assert.deepEqual(Messages.map((received) => received.Body), ["a", "b"]);
    assert.equal(Messages[0].Attributes.MessageGroupId, "group");
    assert.ok(Messages[0].Attributes.SequenceNumber < Messages[1].Attributes.SequenceNumber);
  }));

test("pages of queues follow each other", async () => {
  const prefix = `pages-${process.pid}-`;
  const made = [];
  for (const letter of ["a", "b", "c"]) {
    made.push((await send(new sqs.CreateQueueCommand({ QueueName: prefix + letter }))).QueueUrl);
  }
  const pages = [];
  for await (const page of sqs.paginateListQueues({ client, pageSize: 2 }, { QueueNamePrefix: prefix })) {
    pages.push(page.QueueUrls ?? []);
  }
  assert.deepEqual(pages.map((page) => page.length), [2, 1]);
  assert.deepEqual(pages.flat().sort(), made.sort());
  for (const QueueUrl of made) {
    await send(new sqs.DeleteQueueCommand({ QueueUrl }));
  }
});

test("attributes and tags are read back as they were set", () =>
  withQueue({ VisibilityTimeout: "7", ReceiveMessageWaitTimeSeconds: "3" }, async (QueueUrl) => {
    await send(new sqs.TagQueueCommand({ QueueUrl, Tags: { team: "mill", empty: "" } }));
    assert.deepEqual((await send(new sqs.ListQueueTagsCommand({ QueueUrl }))).Tags, { team: "mill", empty: "" });
    await send(new sqs.SetQueueAttributesCommand({ QueueUrl, Attributes: { DelaySeconds: "2" } }));
    const { Attributes } = await send(new sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
    assert.equal(Attributes.VisibilityTimeout, "7");
    assert.equal(Attributes.ReceiveMessageWaitTimeSeconds, "3");
    assert.equal(Attributes.DelaySeconds, "2");
  }));
