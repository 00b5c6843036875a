// What the credentials of the environment may do with a queue: a program that holds no key and names no service. It prints
// `ok` or the name and text of the error for each of sending and receiving.
const { ReceiveMessageCommand, SendMessageCommand, SQSClient } = require("@aws-sdk/client-sqs");

const client = new SQSClient({});
const { QUEUE_URL: QueueUrl } = process.env;

async function outcome(command) {
  try {
    await client.send(command);
    return "ok";
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

(async () => {
  const send = await outcome(new SendMessageCommand({ QueueUrl, MessageBody: "from Node" }));
  const receive = await outcome(new ReceiveMessageCommand({ QueueUrl }));
  console.log(JSON.stringify({ send, receive }));
})();
