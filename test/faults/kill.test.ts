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

/** When the process dies. Behind a lock it dies with a transaction of that kind under way, after its first statements. */
type Moment = 'shipping' | 'marking' | 'storing outcomes' | 'any' | 'starting';

/** The table that takes no rows meanwhile. */
const LOCKED: Readonly<Partial<Record<Moment, string>>> = {
  shipping: 'predictions',
  marking: 'spool_watermarks',
  'storing outcomes': 'outcomes',
};

const QUICK: readonly Moment[] = ['shipping', 'marking', 'storing outcomes', 'any'];
const FULL: readonly Moment[] = [...QUICK, 'starting', 'any', ...QUICK, 'starting', 'starting'];
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

/**
 * Kills the process while this table takes no rows, so that its transaction is under way and never commits: the lock
 * goes only with the server, which the next start stops. Released before, statements that wait would still be carried out.
 */
async function killBehindLock(table: string): Promise<void> {
  const locker = await connected(product.embeddedUrl());
  await locker.query(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`);
  await sleep(LOCKED_MS);
  await product.end('SIGKILL');
}

async function kill(moment: Moment): Promise<void> {
  await sleep(LOAD_MS + Math.random() * 200);
  const table = LOCKED[moment];
  if (table === undefined) await product.end('SIGKILL');
  else await killBehindLock(table);
  if (moment !== 'starting') return;
  product.spawn();
  await sleep(Math.random() * 3_000);
  await product.end('SIGKILL');
}

// Mutants that this kills: outcomes acknowledged before their insert has committed ("storing outcomes": lost); the
// shipper's watermark moved before its rows commit ("shipping": lost) or after them ("marking": set aside as doubles);
// spools of dead processes not looked for at the start (lost); outcomes inserted without ON CONFLICT (never taken).
describe('the process killed under load', () => {
  it(`loses and doubles nothing over ${MOMENTS.length} kills, and the experiment goes on`, async () => {
    load.start();
    const backMs: number[] = [];
    for (const moment of MOMENTS) {
      await kill(moment);
      backMs.push(Math.round(await product.start()));
    }
    // under load: an analysis that finds nothing new is not stored
    const onMs = await goesOn(scene.client).catch(() => Infinity);
    await load.pause();
    await drained(product, load);
    const { ledger } = load;
    const found = await audit(product.embeddedUrl(), product.dataDir, ledger);
    scoreboard(`process killed ${MOMENTS.length} times`, ledger, found, {
      notes: `${found.predictionsMissing} completions not written, back after ${backMs.join(', ')} ms`,
    });
    expect(found).toMatchObject(CLEAN);
    expect(ledger.rejected).toEqual([]);
    expect(found.predictionsMissing).toBeLessThan(COMPLETIONS_PER_KILL * MOMENTS.length);
    expect(found.exposures).toBeGreaterThan(100);
    expect(ledger.acknowledged.size).toBe(ledger.posted.size);
    expect(ledger.acknowledged.size).toBeGreaterThan(500);
    expect(onMs).toBeLessThan(Infinity);
    const log = await checkLog(scene.client);
    process.stderr.write(
      `the experiment went on after ${Math.round(onMs)} ms: ${log.kinds.join(', ')}\n`,
    );
    expect(log).toMatchObject({ chainIntact: true, different: [] });
    expect(log.kinds).toContain('advance');
    expect((await scene.client.experiment(EXPERIMENT)).status).toBe('running');
  }, 600_000);
});
