// Sends outcomes from a thread of its own, so that the server's event loop is its own too. What it sends is made before
// the clock runs.
import { randomUUID } from 'node:crypto';
import { request, Agent } from 'node:http';
import { parentPort } from 'node:worker_threads';

/** One job for the thread. */
export interface Sending {
  readonly url: string;
  readonly key: string;
  /** Requests at the same time; each sends one after the other. */
  readonly atOnce: number;
  readonly requests: number;
  readonly outcomesPerRequest: number;
  readonly type: 'application/x-ndjson' | 'application/json';
  /** Outcomes of earlier requests among those of each request, from 0 to 1. */
  readonly repeated: number;
}

/** What came back; seconds from the first byte sent to the last receipt. */
export interface Sent {
  readonly seconds: number;
  readonly accepted: number;
  readonly duplicates: number;
}

interface Receipt {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly unknown[];
}

/** As a client writes to a socket: a stream is no single buffer. */
const PIECE_BYTES = 64 * 1024;

function bodies(sending: Sending): readonly Buffer[] {
  const known: string[] = [];
  return Array.from({ length: sending.requests }, () => {
    const texts: string[] = [];
    for (let index = 0; index < sending.outcomesPerRequest; index += 1) {
      const again = Math.random() < sending.repeated ? known.pop() : undefined;
      const text = again ?? outcomeText();
      if (again === undefined && sending.repeated > 0) known.push(text);
      texts.push(text);
    }
    return Buffer.from(
      sending.type === 'application/json'
        ? `{"outcomes":[${texts.join(',')}]}`
        : `${texts.join('\n')}\n`,
    );
  });
}

function outcomeText(): string {
  const at = new Date().toISOString();
  return JSON.stringify({
    ...{ id: randomUUID(), model: 'spam', unit: `user-${randomUUID()}` },
    ...{ name: 'conversion', value: 1, at },
  });
}

function post(sending: Sending, agent: Agent, body: Buffer): Promise<Receipt> {
  return new Promise((done, failed) => {
    const outgoing = request(`${sending.url}/api/v1/outcomes`, {
      agent,
      method: 'POST',
      headers: {
        authorization: `Bearer ${sending.key}`,
        'content-type': sending.type,
        'content-length': body.length,
      },
    });
    outgoing.on('error', failed);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => {
        if (response.statusCode === 202) done(JSON.parse(text) as Receipt);
        else failed(new Error(`${response.statusCode ?? 0}: ${text}`));
      });
    });
    void write(outgoing, body);
  });
}

async function write(to: ReturnType<typeof request>, body: Buffer): Promise<void> {
  for (let from = 0; from < body.length; from += PIECE_BYTES) {
    if (!to.write(body.subarray(from, from + PIECE_BYTES)))
      await new Promise((done) => to.once('drain', done));
  }
  to.end();
}

async function send(sending: Sending, all: readonly Buffer[]): Promise<Sent> {
  const agent = new Agent({ keepAlive: true });
  const waiting = [...all];
  let accepted = 0;
  let duplicates = 0;
  const startMs = performance.now();
  const one = async (): Promise<void> => {
    for (let body = waiting.shift(); body !== undefined; body = waiting.shift()) {
      const receipt = await post(sending, agent, body);
      if (receipt.rejected.length > 0) throw new Error(JSON.stringify(receipt.rejected[0]));
      accepted += receipt.accepted;
      duplicates += receipt.duplicates;
    }
  };
  await Promise.all(Array.from({ length: sending.atOnce }, one));
  const seconds = (performance.now() - startMs) / 1_000;
  agent.destroy();
  return { seconds, accepted, duplicates };
}

parentPort?.on('message', (sending: Sending) => {
  const all = bodies(sending);
  void send(sending, all).then(
    (sent) => parentPort?.postMessage(sent),
    (error: unknown) => parentPort?.postMessage({ error: String(error) }),
  );
});
