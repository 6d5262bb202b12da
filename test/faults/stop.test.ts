import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, CLEAN, scoreboard } from '../support/audit.js';
import { faultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { drained, goesOn, MODEL, type Scene, setScene, STEADY_AB } from '../support/fault-scene.js';
import { Load, unitName } from '../support/load.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { type Exit, Product } from '../support/product.js';
import { until } from '../support/sluice.js';

const BEFORE_MS = 2_000;
const STOP_LIMIT_MS = 25_000;
const COLD_START_LIMIT_MS = 2_000;
/** A stop must find requests under way. */
const UPSTREAM_MS = 120;
/** Connection refused: the listener is closed, the request never reached the product. */
const NEVER_ACCEPTED = 'ECONNREFUSED';
const UNITS = 300;

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
  scene = await setScene(product, STEADY_AB, UPSTREAM_MS);
  later.push(() => scene.close());
  load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 150, units: UNITS });
  later.push(() => load.close());
});

interface Stop extends Exit {
  /** Requests that were under way at the signal or came in after it, and were answered. */
  readonly answeredAfter: number;
  /** Why requests were not answered, but for those that were never accepted. */
  readonly aborted: readonly string[];
}

async function stopUnderLoad(): Promise<Stop> {
  load.start();
  await sleep(BEFORE_MS);
  const { answered, unanswered } = load.ledger;
  expect(unanswered.filter(({ why }) => why !== NEVER_ACCEPTED)).toEqual([]);
  const before = answered.length;
  const exit = await product.end('SIGTERM');
  await load.pause();
  const aborted = unanswered.map(({ why }) => why).filter((why) => why !== NEVER_ACCEPTED);
  return { ...exit, answeredAfter: answered.length - before, aborted };
}

/** The version that each unit was answered with so far. */
function versionOf(): ReadonlyMap<string, string> {
  return new Map(load.ledger.answered.map(({ unit, version }) => [unit, version]));
}

// Mutants that this kills: connections cut at the signal; the spool closed before the gateway has answered (lost); the
// last batch not shipped; a pool or queue whose close waits for a frozen server; exit codes of a forced end; a plan
// that is not stored, or not read before the database is there.
describe('SIGTERM under load', () => {
  it('aborts no request, ends with code 0 in time, and leaves nothing behind', async () => {
    const stop = await stopUnderLoad();
    // before anything is started again: a clean stop has shipped everything itself
    const found = await audit(database.url, product.dataDir, load.ledger);
    scoreboard(
      'SIGTERM',
      load.ledger,
      found,
      `, answered after the signal ${stop.answeredAfter}, aborted ${stop.aborted.length} ${[...new Set(stop.aborted)].join()}, gone in ${Math.round(stop.elapsedMs)} ms`,
    );
    expect(stop).toMatchObject({ code: 0, signal: null, aborted: [] });
    expect(stop.answeredAfter).toBeGreaterThan(0);
    expect(stop.elapsedMs).toBeLessThan(STOP_LIMIT_MS);
    expect(found).toMatchObject({ ...CLEAN, predictionsMissing: 0 });
  });

  it('aborts no request and ends with code 0 in time while PostgreSQL is silent', async () => {
    await product.start();
    proxy.freeze();
    const stop = await stopUnderLoad();
    process.stderr.write(
      `SIGTERM, PostgreSQL silent: answered after the signal ${stop.answeredAfter}, ` +
        `aborted ${stop.aborted.length} ${[...new Set(stop.aborted)].join()}, gone in ${Math.round(stop.elapsedMs)} ms\n`,
    );
    expect(stop).toMatchObject({ code: 0, signal: null, aborted: [] });
    expect(stop.answeredAfter).toBeGreaterThan(0);
    expect(stop.elapsedMs).toBeLessThan(STOP_LIMIT_MS);
  });
});

describe('a start without PostgreSQL', () => {
  it('serves predictions as before from the snapshot, within two seconds that it had a processor', async () => {
    const before = versionOf();
    proxy.refuse();
    const sinceMs = performance.now();
    product.spawn();
    await until('a prediction is answered', () => load.predictFor(0));
    const wallMs = performance.now() - sinceMs;
    // what other programs of a busy machine took is not ours
    const ownMs = Math.round(wallMs - product.waitedForCpuMs);
    process.stderr.write(
      `cold start without PostgreSQL: first answer after ${Math.round(wallMs)} ms (${ownMs} ms of its own)\n`,
    );
    expect(ownMs).toBeLessThan(COLD_START_LIMIT_MS);
    const mails = Array.from({ length: 50 }, (_, mail) => mail);
    const answers = await Promise.all(mails.map((mail) => load.predictFor(mail)));
    const expected = mails.map((mail) => ({
      version: before.get(unitName(mail)),
      reason: 'experiment',
    }));
    expect(answers).toMatchObject(expected);
  });

  it('ships what two processes wrote meanwhile once PostgreSQL is back, and goes on', async () => {
    load.start();
    await sleep(BEFORE_MS);
    proxy.heal();
    const backMs = await goesOn(scene.client);
    await load.pause();
    await drained(product, load);
    const found = await audit(database.url, product.dataDir, load.ledger);
    scoreboard('cold start', load.ledger, found, `, goes on after ${Math.round(backMs)} ms`);
    expect(found).toMatchObject({ ...CLEAN, predictionsMissing: 0 });
  });
});
