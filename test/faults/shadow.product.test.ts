import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connected } from '../support/audit.js';
import { MODEL, type Scene, setScene, STEADY_AB } from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { Product } from '../support/product.js';

/** Both versions are equally good: every pair that was answered twice must agree. */
const SHADOW = {
  ...STEADY_AB,
  kind: 'shadow',
  mirror: { percent: 100, timeoutMs: 1_000, unsafeMethods: true },
};
const LOAD_MS = 3_000;
/** What a kill may take along: copies under way (32), and requests answered in that turn (as many as the load sends). */
const LOST_WITH_A_KILL = 32 + 96;

let database: TestDatabase;
let product: Product;
let scene: Scene;
let load: Load;
const later: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of later.reverse()) await end();
});

beforeAll(async () => {
  database = await freshDatabase();
  later.push(() => database.close());
  product = await Product.in(database.url);
  later.push(() => product.dispose());
  await product.start();
  scene = await setScene(product, SHADOW);
  later.push(() => scene.close());
  load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 120, units: 300 });
  later.push(() => load.close());
});

interface MirrorRow {
  readonly id: string;
  readonly drop: string | null;
  readonly agrees: boolean | null;
}

async function mirrorRows(): Promise<ReadonlyMap<string, MirrorRow>> {
  const client = await connected(database.url);
  try {
    const { rows } = await client.query<MirrorRow>(
      `SELECT request_id AS id, drop_reason AS drop,
              primary_captured -> 'spam' = shadow_captured -> 'spam' AS agrees FROM event_mirrors`,
    );
    return new Map(rows.map((row) => [row.id, row]));
  } finally {
    await client.end();
  }
}

// Mutants that this kills: requests answered during a stop not written down as dropped (33 rows missing); mirror blocks
// left out of a shipment (every row missing).
describe('a shadow experiment of the whole product, killed and stopped under load', () => {
  it('has a row for every answered request: copied, or dropped with a reason', async () => {
    load.start();
    await sleep(LOAD_MS);
    await product.end('SIGKILL');
    await product.start();
    const backAtMs = Date.now();
    await sleep(LOAD_MS);
    const exit = await product.end('SIGTERM');
    await load.pause();
    expect(exit).toMatchObject({ code: 0, signal: null });

    const rows = await mirrorRows();
    const { answered } = load.ledger;
    const without = answered.filter(({ requestId }) => !rows.has(requestId));
    const drops = [...rows.values()].map(({ drop }) => drop).filter((drop) => drop !== null);
    const copied = rows.size - drops.length;
    process.stderr.write(
      `${answered.length} answered, ${copied} copied, ${drops.length} dropped ` +
        `(${[...new Set(drops)].join(', ')}), ${without.length} without a row after the kill\n`,
    );
    expect(answered.every(({ version }) => version === 'v1')).toBe(true);
    expect(copied).toBeGreaterThan(100);
    expect(without.filter(({ atMs }) => atMs >= backAtMs)).toEqual([]);
    expect(without.length).toBeLessThanOrEqual(LOST_WITH_A_KILL);
    expect([...rows.values()].filter(({ agrees }) => agrees === false)).toEqual([]);
    expect(existsSync(join(product.dataDir, 'spool', 'rejected')), 'a row was doubled').toBe(false);
  }, 300_000);
});
