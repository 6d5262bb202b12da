import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, CLEAN, scoreboard } from '../support/audit.js';
import { faultProxy, type FaultProxy } from '../support/fault-proxy.js';
import {
  checkLog,
  drained,
  goesOn,
  MODEL,
  type Scene,
  setScene,
  STEADY_AB,
} from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { Product } from '../support/product.js';
import { until } from '../support/sluice.js';

const isFull = process.env['SLUICE_FAULTS'] === 'full';
const AWAY_MS = 20_000;
/** Longer than every time-out for a connection, so that whoever waits for one has heard so. */
const FROZEN_MS = isFull ? 20_000 : 8_000;
const BEFORE_MS = 2_500;
const DRAIN_LIMIT_MS = 30_000;
const FAULT_SEEN_MS = 5_000;

let database: TestDatabase;
let proxy: FaultProxy;
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
  proxy = await faultProxy(database.url);
  later.push(() => proxy.close());
  product = await Product.in(proxy.url);
  later.push(() => product.dispose());
  await product.start();
  scene = await setScene(product, STEADY_AB);
  later.push(() => scene.close());
  load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 150, units: 600 });
  later.push(() => load.close());
  load.start();
  await sleep(BEFORE_MS);
});

/** What each unit was answered with; more than one entry in a set means that its assignment changed. */
function versionsByUnit(): ReadonlyMap<string, ReadonlySet<string>> {
  const versions = new Map<string, Set<string>>();
  for (const { unit, version, reason } of load.ledger.answered) {
    const seen = versions.get(unit) ?? new Set();
    versions.set(unit, seen.add(`${version} ${reason}`));
  }
  return versions;
}

interface During {
  readonly answered: number;
  readonly acknowledged: number;
  readonly refusedPosts: number;
}

function countsNow(): During {
  const { answered, acknowledged, refusedPosts } = load.ledger;
  return { answered: answered.length, acknowledged: acknowledged.size, refusedPosts };
}

/** Waits with the database away; fails where the process does not say so in time. */
async function holdOut(awayMs: number): Promise<During> {
  const sinceMs = performance.now();
  const before = countsNow();
  const seen = async () => {
    const { failure, lagSeconds } = (await product.status()).spool;
    return failure !== null || lagSeconds > 2 ? true : null;
  };
  await until('the status tells of the fault', seen, FAULT_SEEN_MS);
  await sleep(Math.max(0, awayMs - (performance.now() - sinceMs)));
  const after = countsNow();
  return {
    answered: after.answered - before.answered,
    acknowledged: after.acknowledged - before.acknowledged,
    refusedPosts: after.refusedPosts - before.refusedPosts,
  };
}

async function settle(scenario: string, during: During): Promise<void> {
  // under load: what came meanwhile must be taken in beside what goes on coming
  const analysedMs = await goesOn(scene.client);
  await load.pause();
  const drainMs = await drained(product, load);
  const { ledger } = load;
  const found = await audit(database.url, product.dataDir, ledger);
  scoreboard(
    scenario,
    ledger,
    found,
    `, answered meanwhile ${during.answered}, posts refused ${during.refusedPosts}, two analyses in ${Math.round(analysedMs)} ms, drained in ${Math.round(drainMs)} ms`,
  );
  expect(found).toMatchObject({ ...CLEAN, predictionsMissing: 0 });
  expect(ledger.unanswered).toEqual([]);
  expect(ledger.rejected).toEqual([]);
  expect(ledger.acknowledged.size).toBe(ledger.answered.length);
  expect(found.exposures).toBe(ledger.answered.length);
  expect([...versionsByUnit().values()].filter((seen) => seen.size !== 1)).toEqual([]);
  expect(drainMs).toBeLessThan(DRAIN_LIMIT_MS);
}

// Mutants that this kills: a query on the way of a prediction; the plan forgotten when the database is; outcomes
// acknowledged from memory; a shipment repeated after a COMMIT whose answer was lost, without asking for the watermark
// (set aside as doubles); a pool that hands out dead clients for ever; a shipper that ends with its first error.
describe('PostgreSQL away under load', () => {
  it(`refusing for ${AWAY_MS / 1000} s: every prediction is answered as before, nothing is lost or doubled`, async () => {
    proxy.refuse();
    const during = await holdOut(AWAY_MS);
    expect(during.acknowledged).toBe(0);
    expect(during.refusedPosts).toBeGreaterThan(0);
    proxy.heal();
    await settle(`PostgreSQL refused ${AWAY_MS / 1000} s`, during);
  });

  it(`silent for ${FROZEN_MS / 1000} s: every prediction is answered as before, nothing is lost or doubled`, async () => {
    load.start();
    await sleep(BEFORE_MS);
    proxy.freeze();
    const during = await holdOut(FROZEN_MS);
    proxy.heal();
    await settle(`PostgreSQL silent ${FROZEN_MS / 1000} s`, during);
    expect(await checkLog(scene.client)).toMatchObject({ chainIntact: true, different: [] });
  });
});
