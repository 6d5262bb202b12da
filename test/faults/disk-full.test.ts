import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, CLEAN, connected, scoreboard } from '../support/audit.js';
import {
  drained,
  EXPERIMENT,
  goesOn,
  MODEL,
  type Scene,
  setScene,
  STEADY_AB,
} from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { Product } from '../support/product.js';
import { smallDisk } from '../support/small-disk.js';
import { until } from '../support/sluice.js';
import { isVisible } from '../support/visibility.js';

/** An embedded cluster takes about 70 MiB with its first log segments, the rest is room for what happens. */
const DISK_MIB = 192;
const BEFORE_MS = 4_000;
const FULL_MS = process.env['SLUICE_FAULTS'] === 'full' ? 30_000 : 6_000;
/** The database recovers first, then the spool ships. */
const BACK_MS = 60_000;

const disk = smallDisk(DISK_MIB);
if (disk === null) process.stderr.write('notice: mounting takes root; the full disk is skipped\n');

let product: Product;
let scene: Scene;
let load: Load;
const later: (() => unknown)[] = [];

afterAll(async () => {
  for (const end of later.reverse()) await end();
});

beforeAll(async () => {
  if (disk === null) return;
  later.push(() => disk.close());
  product = await Product.in(null, { parentDir: disk.path });
  later.push(() => product.dispose());
  await product.start();
  scene = await setScene(product, STEADY_AB);
  later.push(() => scene.close());
  load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 100, units: 500 });
  later.push(() => load.close());
});

interface Gap {
  readonly cause: string;
  readonly dropped: number;
}

async function gaps(): Promise<readonly Gap[]> {
  const client = await connected(product.embeddedUrl());
  try {
    const sql = 'SELECT cause, sum(dropped)::int AS dropped FROM event_gaps GROUP BY cause';
    return (await client.query<Gap>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function answeredWhileFull(): Promise<readonly { reason: string; version: string }[]> {
  const { answered } = load.ledger;
  const from = answered.length;
  await sleep(FULL_MS);
  return answered.slice(from);
}

// Mutants that this kills: an exposure that is served although it could not be written; outcomes acknowledged before
// they are stored; a gap that is forgotten while the database is away too; a spool that does not write again later.
describe.skipIf(disk === null)('P14: a disk that is full, under the spool and the database', () => {
  it('answers every prediction, acknowledges no outcome, taints the window, and recovers', async () => {
    const { ledger } = load;
    load.start();
    await sleep(BEFORE_MS);
    const sinceMs = performance.now();
    disk?.fill();
    const visibleMs = await isVisible(
      product,
      {
        metric: 'sluice_spool_dropped_events',
        isTelling: (value) => value > 0,
        log: /events are being dropped \(disk_full/,
      },
      sinceMs,
    );
    const acknowledged = ledger.acknowledged.size;
    const during = await answeredWhileFull();
    const acknowledgedMeanwhile = ledger.acknowledged.size - acknowledged;
    disk?.empty();
    const reasons = Map.groupBy(during, ({ reason }) => reason);
    await until('experiments go on', () => enrolledAgain(), BACK_MS);
    const onMs = await goesOn(scene.client);
    await load.pause();
    const drainedMs = await drained(product, load);
    const found = await audit(product.embeddedUrl(), product.dataDir, ledger);
    const lost = await gaps();
    const report = await scene.client.report(EXPERIMENT);
    const notes = [
      `while full: ${[...reasons].map(([reason, all]) => `${reason} ${all.length}`).join(', ')}, ${acknowledgedMeanwhile} outcomes acknowledged`,
      `visible after ${(visibleMs / 1_000).toFixed(1)} s`,
      `gaps ${lost.map(({ cause, dropped }) => `${cause} ${dropped}`).join(', ')}`,
      `two analyses ${(onMs / 1_000).toFixed(1)} s after`,
    ];
    scoreboard('disk full', ledger, found, { drainedMs, notes: notes.join(', ') });
    expect(ledger.unanswered).toEqual([]);
    expect(during.length).toBeGreaterThan(100);
    expect(reasons.get('fault')?.length ?? 0).toBeGreaterThan(0.9 * during.length);
    expect(new Set(reasons.get('fault')?.map(({ version }) => version))).toEqual(new Set(['v1']));
    // what fits into the piece of its log that PostgreSQL has open is durable, and may be acknowledged
    expect(acknowledgedMeanwhile).toBeLessThan(0.1 * during.length);
    expect(ledger.acknowledged.size).toBe(ledger.posted.size);
    // who was answered as a fault is in no experiment: its unit may get two versions under one plan
    expect(found).toMatchObject({
      ...CLEAN,
      ...{ gaps: expect.any(Number), assignmentsChanged: expect.any(Number) },
    });
    expect(lost.map(({ cause }) => cause)).toContain('disk_full');
    expect(JSON.stringify(report)).toMatch(/"droppedEvents":[1-9]/);
  }, 240_000);
});

/** A prediction that is enrolled again: the exposure could be written. */
async function enrolledAgain(): Promise<true | null> {
  const { answered } = load.ledger;
  const newest = answered.at(-1);
  return Promise.resolve(newest?.reason === 'experiment' ? true : null);
}
