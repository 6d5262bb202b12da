import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, CLEAN, connected, scoreboard } from '../support/audit.js';
import { auditDecisions, SOUND } from '../support/decision-audit.js';
import {
  checkLog,
  drained,
  longCanary,
  MODEL,
  type Scene,
  setScene,
} from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { Product } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/sluice.js';

/**
 * Where a worker dies: its decision not committed; committed, and it does not know; told to the log and not marked;
 * delivered to a webhook and not noted.
 */
const POINTS = [
  'decision_before_commit',
  'decision_after_commit',
  'told_before_mark',
  'delivered_before_mark',
] as const;
const isFull = process.env['SLUICE_FAULTS'] === 'full';
const ROUNDS = isFull ? 20 : 2;
/** A decision is due every second; a dead worker's lease ends after two. */
const DIES_WITHIN_MS = 60_000;
const COMMON_ENV = { SLUICE_SECRET: 'a secret of the crash points', SLUICE_LEASE_MS: '2000' };

let database: TestDatabase;
let product: Product;
let scene: Scene;
let load: Load;
let receiver: Receiver;
const later: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of later.reverse()) await end();
});

beforeAll(async () => {
  database = await freshDatabase();
  later.push(() => database.close());
  receiver = await startReceiver();
  later.push(() => receiver.close());
  product = await Product.in(database.url, {
    env: { SLUICE_ROLES: 'control,gateway', ...COMMON_ENV },
  });
  later.push(() => product.dispose());
  await product.start();
  scene = await setScene(product, longCanary('1s'));
  later.push(() => scene.close());
  const { controlUrl, adminKey } = product.admin.address;
  const response = await fetch(`${controlUrl}/api/v1/webhooks/ops`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url: receiver.url, events: ['start', 'advance', 'hold'] }),
  });
  expect(response.ok, await response.text()).toBe(true);
  load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 60, units: 3_000 });
  later.push(() => load.close());
});

async function worker(point: string | null): Promise<Product> {
  const crash = point === null ? {} : { CRASH_AT: point };
  return Product.in(database.url, {
    env: { SLUICE_ROLES: 'worker', ...COMMON_ENV, ...crash },
    imports: point === null ? [] : ['crash-point.mjs'],
  });
}

/** Each of these workers recovers what the one before left behind, and dies at a point of its own. */
async function dieAt(point: string): Promise<void> {
  const dying = await worker(point);
  try {
    dying.spawn();
    const isDead = () => Promise.resolve(dying.pid === null ? true : null);
    await until(`a worker dies at ${point}`, isDead, DIES_WITHIN_MS);
    expect(await dying.end('SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' });
  } finally {
    await dying.dispose();
  }
}

interface Told {
  readonly decisions: number;
  readonly untold: number;
  readonly undelivered: number;
}

async function told(): Promise<Told> {
  const client = await connected(database.url);
  try {
    // whoever held a delivery has a minute to report back; the test need not wait for it
    await client.query('UPDATE webhook_deliveries SET next_at = now() WHERE delivered_at IS NULL');
    const { rows } = await client.query<Told>(`
      SELECT (SELECT count(*)::int FROM decisions) AS decisions,
             (SELECT count(*)::int FROM outbox WHERE announced_at IS NULL) AS untold,
             (SELECT count(*)::int FROM webhook_deliveries WHERE delivered_at IS NULL) AS undelivered`);
    return rows[0] ?? { decisions: 0, untold: Infinity, undelivered: Infinity };
  } finally {
    await client.end();
  }
}

// Mutants that this kills: a decision and its plan or its outbox row in two transactions (effects without decision);
// a decision repeated because its commit was not heard of (decided twice); a message marked before it was told (the
// receiver never gets it); a new id for a message that is sent again.
describe('P2: a worker that dies at a point of its work', () => {
  it(`decides nothing twice and tells everything, each point ${ROUNDS} times`, async () => {
    load.start();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const point of POINTS) await dieAt(point);
    }
    const last = await worker(null);
    later.push(() => last.dispose());
    await last.start();
    const all = await until(
      'everything is told and delivered',
      async () => {
        const found = await told();
        return found.untold + found.undelivered === 0 ? found : null;
      },
      DIES_WITHIN_MS,
    );
    await load.pause();
    const drainedMs = await drained(product, load);
    await last.end('SIGTERM');
    await sleep(0);
    const found = await audit(database.url, product.dataDir, load.ledger);
    const log = await checkLog(scene.client);
    const ids = receiver.messages.map(({ id }) => id);
    const again = ids.length - new Set(ids).size;
    const notes = [
      `${POINTS.length} points ${ROUNDS} times each`,
      `${all.decisions} decisions`,
      `${ids.length} messages, ${again} of them again under the same id`,
    ];
    scoreboard('crash points', load.ledger, found, { drainedMs, notes: notes.join(', ') });
    expect(await auditDecisions(database.url)).toEqual(SOUND);
    expect(found).toMatchObject(CLEAN);
    expect(log).toMatchObject({ chainIntact: true, different: [] });
    expect(new Set(ids).size).toBeGreaterThanOrEqual(all.decisions);
    expect(again).toBeGreaterThanOrEqual(ROUNDS);
  }, 1_800_000);
});
