// Calls of the AWS SDK for JavaScript (v3) for tests in another language: one JSON line in for each call, one out for each
// answer, in any order. A byte string is {"base64": "…"} both ways. Everything between is the SDK: its digest checks, its
// error classes, its paginators. It never retries.
const { createInterface } = require("node:readline");
const sqs = require("@aws-sdk/client-sqs");

const clients = new Map();

function client(endpoint) {
  if (!clients.has(endpoint)) {
    const requestHandler = { connectionTimeout: 10_000, requestTimeout: 60_000, httpAgent: { maxSockets: 256 } };
    clients.set(endpoint, new sqs.SQSClient({ endpoint, maxAttempts: 1, requestHandler }));
  }
  return clients.get(endpoint);
}

async function carryOut({ endpoint, command, parameters, pages }) {
  if (!pages) return client(endpoint).send(new sqs[`${command}Command`](parameters));
  const all = [];
  const paging = { client: client(endpoint), pageSize: pages.PageSize };
  for await (const page of sqs[`paginate${command}`](paging, parameters)) all.push(page);
  return all;
}

function told(error) {
  const { name, message, Code, Type, Error: nested, $fault, $metadata } = error;
  const service = error instanceof sqs.SQSServiceException;
  return { name, message, code: Code ?? nested?.Code, type: Type, fault: $fault, metadata: $metadata, service };
}

const intoBytes = (_, value) =>
  typeof value?.base64 === "string" ? new Uint8Array(Buffer.from(value.base64, "base64")) : value;
const fromBytes = (_, value) =>
  value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value;

createInterface({ input: process.stdin }).on("line", async (line) => {
  const call = JSON.parse(line, intoBytes);
  const answer = await carryOut(call).then(
    (result) => ({ result }),
    (error) => ({ error: told(error) }),
  );
  process.stdout.write(`${JSON.stringify({ number: call.number, ...answer }, fromBytes)}\n`);
});
