// sqs-consumer and sqs-producer, the usual pair on top of the SDK.
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { SQSClient, CreateQueueCommand, GetQueueAttributesCommand } = require("@aws-sdk/client-sqs");
const { Consumer } = require("sqs-consumer");
const { Producer } = require("sqs-producer");

const sqs = new SQSClient({});
let number = 0;

async function queue(Attributes) {
  const QueueName = `consumer-${process.pid}-${++number}${Attributes?.FifoQueue ? ".fifo" : ""}`;
  return (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl;
}

// Consumes until `count` messages were handled well; what a handler throws comes back.
function consume(queueUrl, count, handle, options = {}) {
  return new Promise((resolve, reject) => {
    const seen = [];
    const consumer = Consumer.create({
      queueUrl,
      sqs,
      waitTimeSeconds: 5,
      terminateVisibilityTimeout: true,
      ...options,
      handleMessage: async (message) => {
        await handle?.(message);
        seen.push(message);
        return message;
      },
    });
    consumer.on("error", reject);
    consumer.on("message_processed", () => seen.length === count && consumer.stop());
    consumer.on("stopped", () => resolve(seen));
    consumer.start();
  });
}

async function left(QueueUrl) {
  const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
  return (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).Attributes;
}

test("what a producer sends a consumer handles, each once", async () => {
  const queueUrl = await queue();
  const producer = Producer.create({ queueUrl, sqs });
  const bodies = Array.from({ length: 25 }, (_, index) => `body ${index}`);
  const sent = await producer.send(bodies.map((body, index) => ({ id: `id${index}`, body })));
  assert.equal(sent.length, 25);
  assert.equal(await producer.queueSize(), 25);
  const seen = await consume(queueUrl, 25, undefined, { batchSize: 10 });
  assert.deepEqual(seen.map((message) => message.Body).sort(), [...bodies].sort());
  assert.deepEqual(await left(queueUrl), {
    ApproximateNumberOfMessages: "0",
    ApproximateNumberOfMessagesNotVisible: "0",
  });
});

test("what a handler refuses comes again at once", async () => {
  const queueUrl = await queue({ VisibilityTimeout: "600" });
  await Producer.create({ queueUrl, sqs }).send({ id: "once", body: "try twice" });
  let tries = 0;
  const refuseOnce = () => {
    tries += 1;
    if (tries === 1) throw new Error("not yet");
  };
  const seen = await consume(queueUrl, 1, refuseOnce);
  assert.equal(tries, 2);
  assert.equal(seen[0].Body, "try twice");
});

test("groups of a FIFO queue keep their order", async () => {
  const queueUrl = await queue({ FifoQueue: "true" });
  const entries = ["a1", "b1", "a2", "b2", "a3"].map((body) => ({
    id: body,
    body,
    groupId: body[0],
    deduplicationId: body,
  }));
  await Producer.create({ queueUrl, sqs }).send(entries);
  const seen = (await consume(queueUrl, 5)).map((message) => message.Body);
  assert.deepEqual(seen.filter((body) => body[0] === "a"), ["a1", "a2", "a3"]);
  assert.deepEqual(seen.filter((body) => body[0] === "b"), ["b1", "b2"]);
});
