import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, CLEAN, connected, scoreboard } from '../support/audit.js';
import {
  checkLog,
  CLIMBING_CANARY,
  drained,
  EXPERIMENT,
  goesOn,
  MODEL,
  type Scene,
  setScene,
} from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { Product } from '../support/product.js';

/** When the process dies. The first two hold a lock, so that it dies with a transaction of that kind under way. */
type Moment = 'shipping' | 'storing outcomes' | 'any' | 'starting';

const QUICK: readonly Moment[] = ['shipping', 'storing outcomes', 'any'];
const FULL: readonly Moment[] = [...QUICK, 'starting', ...QUICK, 'starting', ...QUICK, 'any'];
const MOMENTS = process.env['SLUICE_FAULTS'] === 'full' ? FULL : QUICK;

const LOAD_MS = 2_000;
/** Long enough for events and outcomes to pile up behind the lock. */
const LOCKED_MS = 700;
/** A kill takes at most the completions of one turn and of what was under way along. */
const COMPLETIONS_PER_KILL = 96;

let product: Product;
let scene: Scene;
let load: Load;
const later: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of later.reverse()) await end();
});

beforeAll(async () => {
  product = await Product.in(null);
  later.push(() => product.dispose());
  await product.start();
  scene = await setScene(product, CLIMBING_CANARY);
  later.push(() => scene.close());
  load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 150, units: 1_200 });
  later.push(() => load.close());
});

/** Kills the process while this table takes no rows, so that its transaction is under way and never commits. */
async function killBehindLock(table: string): Promise<void> {
  const locker = await connected(product.embeddedUrl());
  await locker.query(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`);
  await sleep(LOCKED_MS);
  await product.end('SIGKILL');
  await locker.end();
}

async function kill(moment: Moment): Promise<void> {
  await sleep(LOAD_MS + Math.random() * 200);
  if (moment === 'shipping') await killBehindLock('predictions');
  else if (moment === 'storing outcomes') await killBehindLock('outcomes');
  else await product.end('SIGKILL');
  if (moment !== 'starting') return;
  product.spawn();
  await sleep(Math.random() * 3_000);
  await product.end('SIGKILL');
}

// Mutants that this kills: outcomes acknowledged before their insert has committed ("storing outcomes"); the shipper's
// watermark moved before its rows commit (lost) or after them (set aside) ("shipping"); upstream called before the
// exposure is written; orphaned spools not looked for at the start; outcome ids without ON CONFLICT.
describe('the process killed under load', () => {
  it(`loses and doubles nothing over ${MOMENTS.length} kills, and the experiment goes on`, async () => {
    load.start();
    const backMs: number[] = [];
    for (const moment of MOMENTS) {
      await kill(moment);
      backMs.push(Math.round(await product.start()));
    }
    await sleep(LOAD_MS);
    await load.pause();
    await drained(product, load);
    await goesOn(scene.client);
    const { ledger } = load;
    const found = await audit(product.embeddedUrl(), product.dataDir, ledger);
    const log = await checkLog(scene.client);
    const kinds = log.kinds.join(' ');
    scoreboard(
      `killed ${MOMENTS.length} times`,
      ledger,
      found,
      `, completions not written ${found.predictionsMissing}, back after ${backMs.join(', ')} ms, decisions: ${kinds}`,
    );
    expect(found).toMatchObject(CLEAN);
    expect(ledger.rejected).toEqual([]);
    expect(found.predictionsMissing).toBeLessThan(COMPLETIONS_PER_KILL * MOMENTS.length);
    expect(found.exposures).toBeGreaterThan(100);
    expect(ledger.acknowledged.size).toBe(ledger.posted.size);
    expect(ledger.acknowledged.size).toBeGreaterThan(500);
    expect(log).toMatchObject({ chainIntact: true, different: [] });
    expect(log.kinds).toContain('advance');
    expect((await scene.client.experiment(EXPERIMENT)).status).toBe('running');
  }, 600_000);
});
