import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SluiceClient } from '../../demo/sluice-client.js';
import { startUpstream, type Upstream } from './sluice.js';
import { seeded } from '../unit/statistics/seeded.js';

/** A transaction: what a model may see of it, and what it turns out to be. */
export interface Transaction {
  readonly id: number;
  readonly unit: string;
  /** Log odds of fraud. */
  readonly risk: number;
  readonly isFraud: boolean;
}

/** Everything about one transaction follows from the seed and its number. */
export function transactionOf(seed: number, id: number): Transaction {
  const random = seeded(seed * 1_000_003 + id);
  for (let warmUp = 0; warmUp < 4; warmUp += 1) random();
  const risk = 2 * normal(random) - 0.5;
  const unit = `card-${String(seed)}-${String(Math.floor(id / 2))}`;
  return { id, unit, risk, isFraud: random() < 1 / (1 + Math.exp(-risk)) };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface Scorer {
  /** Spread of the log odds around the truth. */
  readonly noise: number;
  /** Log odds are multiplied by it: 1 is calibrated, above is too sure of itself. */
  readonly sharpness: number;
}

/** A model server: the score of a transaction is fixed by the server's seed. */
export function startScorer({ noise, sharpness }: Scorer, seed: number): Promise<Upstream> {
  return startUpstream((body) => {
    const random = seeded(seed * 7_919 + Number(body['id']));
    for (let warmUp = 0; warmUp < 4; warmUp += 1) random();
    const odds = sharpness * (Number(body['risk']) + noise * normal(random));
    const score = 1 / (1 + Math.exp(-odds));
    return { body: { score, block: score >= 0.5 } };
  });
}

/** A server that answers after a while. */
export async function startSleeper(delayMs: number): Promise<Upstream> {
  const server = createServer((request, response) => {
    request.resume();
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"score":0.5,"block":true}');
    }, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** An address that nobody listens at. */
export async function deadAddress(): Promise<string> {
  const { url, close } = await startSleeper(0);
  await close();
  return url;
}

/** What a caller saw of one request. */
export interface Call {
  readonly status: number;
  readonly version: string | null;
  readonly body: unknown;
  readonly ms: number;
}

/** Requests under way at once: fewer than a shadow's in-flight cap, so that no copy is dropped. */
const CONCURRENCY = 12;

/** Sends transactions [from, to) through the gateway and then says which were fraud. */
export async function sendTransactions(
  client: SluiceClient,
  model: string,
  { seed, from, to }: { readonly seed: number; readonly from: number; readonly to: number },
): Promise<readonly Call[]> {
  const calls: Call[] = [];
  const outcomes: Parameters<SluiceClient['postOutcomes']>[0][number][] = [];
  let next = from;
  const worker = async (): Promise<void> => {
    for (let id = next; id < to; id = next) {
      next += 1;
      const { unit, risk, isFraud } = transactionOf(seed, id);
      const sinceMs = performance.now();
      const answer = await client.predict({ model, path: '/score', unit, body: { id, risk } });
      const { status, version, body, requestId } = answer;
      calls.push({ status, version, body, ms: performance.now() - sinceMs });
      outcomes.push({
        id: `${model}-${String(id)}`,
        model,
        requestId: requestId ?? '',
        name: 'chargeback',
        value: isFraud ? 1 : 0,
        at: new Date().toISOString(),
      });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  await client.postOutcomes(outcomes);
  return calls;
}
