import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, type Scene, setScene, STEADY_AB } from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { freshDatabase } from '../support/postgres.js';
import { Product } from '../support/product.js';
import { score } from '../support/scoreboard.js';
import { quantile } from '../support/shadow-scene.js';
import {
  SLOW_BEHAVIOURS,
  type SlowClient,
  startLargeUpstream,
  startSlowClient,
} from '../support/slow-clients.js';

const isFull = process.env['SLUICE_FAULTS'] === 'full';
const CLIENTS_PER_KIND = 20;
/** Time-outs of the gateway and the pause between its looks at them, with some room for a busy machine. */
const HEADERS_END_MS = 20_000 + 5_000 + 5_000;
const BODY_END_MS = 60_000 + 5_000 + 5_000;
/** In short form the time-out of a whole request is not waited for. */
const WATCH_MS = isFull ? BODY_END_MS : HEADERS_END_MS;
const BEFORE_MS = 3_000;
/**
 * Whoever closes its half counts as gone, as node:http has it. Who does not read is ended when nothing of the answer was
 * taken for five minutes: until then it costs the buffers of two sockets.
 */
const ENDED_SOON = [
  'says nothing',
  'sends its headers byte by byte',
  'closes its half and waits',
  'goes away in the middle of its body',
];
/** 140 clients hold buffers of two sockets each; 8 MiB that each does not read would be 320 MiB. */
const MEMORY_LIMIT_BYTES = 160 * 1024 * 1024;
const P99_LIMIT_MS = 2_000;

let product: Product;
let load: Load;
let scene: Scene;
const later: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of later.reverse()) await end();
});

beforeAll(async () => {
  const database = await freshDatabase();
  later.push(() => database.close());
  product = await Product.in(database.url);
  later.push(() => product.dispose());
  await product.start();
  scene = await setScene(product, STEADY_AB);
  later.push(() => scene.close());
  const large = await startLargeUpstream();
  later.push(() => large.close());
  await product.admin.putModel('aside', {});
  await product.admin.putVersion('aside', 'v1', { url: large.url });
  await product.admin.setChampion('aside', 'v1', 'a test');
  load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 100, units: 500 });
  later.push(() => load.close());
});

interface Ends {
  readonly behaviour: string;
  /** Milliseconds, one per connection that the gateway ended in time. */
  readonly endedMs: readonly number[];
  readonly statuses: readonly string[];
}

async function endsOf(behaviour: string, clients: readonly SlowClient[]): Promise<Ends> {
  const none = sleep(WATCH_MS).then(() => null);
  const all = await Promise.all(clients.map(({ over }) => Promise.race([over, none])));
  return {
    behaviour,
    endedMs: all.filter((ms) => ms !== null),
    statuses: [...new Set(clients.map(({ answer }) => answer.split('\r\n')[0] ?? ''))],
  };
}

// Mutants that this kills: `headersTimeout` 0 (the connections stay); an answer that is held whole for a caller who
// does not read (memory); a body that is waited for without end.
describe('slow clients', () => {
  it('cost nobody else anything, hold little, and are ended by time', async () => {
    const { answered, unanswered } = load.ledger;
    load.start();
    await sleep(BEFORE_MS);
    const before = {
      answered: answered.length,
      bytes: (await product.metric('process_resident_memory_bytes')) ?? 0,
    };
    const target = { url: product.admin.address.gatewayUrl, path: '/models/aside/score' };
    const clients = SLOW_BEHAVIOURS.map((behaviour) => ({
      behaviour,
      clients: Array.from({ length: CLIENTS_PER_KIND }, () => startSlowClient(behaviour, target)),
    }));
    later.push(() => {
      for (const one of clients.flatMap(({ clients: all }) => all)) one.close();
      return Promise.resolve();
    });
    const ends = await Promise.all(
      clients.map(({ behaviour, clients: all }) => endsOf(behaviour, all)),
    );
    const bytes = ((await product.metric('process_resident_memory_bytes')) ?? 0) - before.bytes;
    await load.pause();
    const p99 = (from: number, to?: number): number =>
      quantile(
        answered.slice(from, to).map(({ latencyMs }) => latencyMs),
        0.99,
      );
    const during = p99(before.answered);
    score({
      scenario: `${CLIENTS_PER_KIND * SLOW_BEHAVIOURS.length} slow clients`,
      ...{ requests: load.ledger.sent, answered: answered.length },
      ...{ lost: 0, doubled: 0, drainedMs: null },
      notes: `p99 ${p99(0, before.answered).toFixed(1)} -> ${during.toFixed(1)} ms, ${(bytes / 1024 / 1024).toFixed(0)} MiB more`,
    });
    for (const { behaviour, endedMs, statuses } of ends) {
      const [first, last] = [Math.min(...endedMs), Math.max(...endedMs)];
      const when =
        endedMs.length === 0
          ? ''
          : ` after ${(first / 1_000).toFixed(1)} to ${(last / 1_000).toFixed(1)} s`;
      process.stderr.write(
        `  a caller who ${behaviour}: ${endedMs.length} of ${CLIENTS_PER_KIND} ended${when}, ${statuses.join()}\n`,
      );
    }
    expect(unanswered).toEqual([]);
    expect(during).toBeLessThan(Math.max(P99_LIMIT_MS, 3 * p99(0, before.answered)));
    expect(bytes).toBeLessThan(MEMORY_LIMIT_BYTES);
    const ended = new Map(ends.map((end) => [end.behaviour, end]));
    for (const behaviour of ENDED_SOON) {
      expect(ended.get(behaviour)?.endedMs.length, behaviour).toBe(CLIENTS_PER_KIND);
    }
    if (isFull) {
      expect(ended.get('sends its body byte by byte')?.endedMs.length).toBe(CLIENTS_PER_KIND);
    }
  }, 180_000);
});
