import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { audit, CLEAN, connected, scoreboard } from '../support/audit.js';
import { Cast, type CastOptions, type Role, ROLES } from '../support/cast.js';
import { auditDecisions, SOUND } from '../support/decision-audit.js';
import {
  checkLog,
  drained,
  EXPERIMENT,
  longCanary,
  MODEL,
  setScene,
} from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { freshDatabase } from '../support/postgres.js';
import { until } from '../support/sluice.js';

const HOUR_MS = 3_600_000;
const LOAD_MS = 12_000;
const UNITS = 400;
/** A step of the canary is due every two seconds. */
const HOLD = '2s';
/** However busy the machine is. */
const STEPS_MS = 90_000;
const FEWEST_ADVANCES = 3;

const later: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of later.reverse()) await end();
});

interface Counted {
  readonly advances: number;
  /** Units in the newest report, and in the exposures that it had seen. */
  readonly unitsInReport: number;
  readonly unitsExposed: number;
  /** Predictions whose truth the newest report had counted. */
  readonly outcomesInReport: number;
}

function skewed(skewMs: Readonly<Record<Role, number>>): NonNullable<CastOptions['of']> {
  return Object.fromEntries(
    ROLES.map((role) => [
      role,
      { env: { CLOCK_SKEW_MS: String(skewMs[role]) }, imports: ['skewed-clock.mjs'] },
    ]),
  );
}

/** The whole loop for a while; what was counted after everything had come to rest. */
async function play(name: string, skewMs: Readonly<Record<Role, number>>): Promise<Counted> {
  const database = await freshDatabase();
  later.push(() => database.close());
  const cast = await Cast.start({ databaseUrl: database.url, of: skewed(skewMs) });
  later.push(() => cast.dispose());
  const scene = await setScene(cast, longCanary(HOLD));
  later.push(() => scene.close());
  const load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 80, units: UNITS });
  later.push(() => load.close());
  load.start();
  await sleep(LOAD_MS);
  const advances = async (): Promise<number> =>
    (await checkLog(scene.client)).kinds.filter((kind) => kind === 'advance').length;
  const climbed = async () => ((await advances()) >= FEWEST_ADVANCES ? true : null);
  await until('the canary climbs', climbed, STEPS_MS);
  await load.pause();
  const drainedMs = await drained(cast, load);
  await scene.client.perform(EXPERIMENT, 'pause', 'the test counts');
  const found = await audit(database.url, cast.dataDir, load.ledger);
  const counted = await count(database.url, await advances());
  scoreboard(name, load.ledger, found, {
    drainedMs,
    notes: `${counted.advances} steps up, ${counted.unitsInReport} of ${counted.unitsExposed} units in the report`,
  });
  expect(load.ledger.unanswered).toEqual([]);
  expect(load.ledger.rejected).toEqual([]);
  expect(found).toMatchObject({ ...CLEAN, predictionsMissing: 0 });
  expect(await auditDecisions(database.url)).toEqual(SOUND);
  expect(await checkLog(scene.client)).toMatchObject({ chainIntact: true, different: [] });
  return counted;
}

interface Cell {
  readonly metric: string;
  readonly n: number;
  readonly events: number;
}

async function count(url: string, advances: number): Promise<Counted> {
  const client = await connected(url);
  try {
    const newest = async () => {
      const { rows } = await client.query<{ cells: Cell[]; units: number }>(`
        SELECT evidence -> 'metricCells' AS cells,
               (SELECT count(DISTINCT unit_key)::int FROM exposures) AS units
        FROM reports ORDER BY at DESC LIMIT 1`);
      const { cells, units } = rows[0] ?? { cells: [], units: 0 };
      const mistakes = cells.filter(({ metric }) => metric === 'mistakes');
      const unitsInReport = mistakes.reduce((sum, { n }) => sum + n, 0);
      const outcomesInReport = mistakes.reduce((sum, { events }) => sum + events, 0);
      return { advances, unitsInReport, unitsExposed: units, outcomesInReport };
    };
    // analyses of a paused experiment go on; a clock that matters would never let them catch up
    const caughtUp = async () => {
      const found = await newest();
      return found.unitsInReport === found.unitsExposed ? found : null;
    };
    return await until('the report holds every unit', caughtUp).catch(newest);
  } finally {
    await client.end();
  }
}

// Mutants that this kills: leases by the clock of the worker (an hour behind: nobody takes over; ahead: everybody does);
// steps timed by the worker (none, or all at once); events read up to the worker's "now" (an hour of them missing).
describe('P8: clocks that are an hour wrong', () => {
  it.each([
    ['clocks right', { gateway: 0, control: 0, worker: 0 }],
    ['gateway 1 h ahead, worker 1 h behind', { gateway: HOUR_MS, control: 0, worker: -HOUR_MS }],
    ['gateway 1 h behind, worker 1 h ahead', { gateway: -HOUR_MS, control: 0, worker: HOUR_MS }],
  ] as const)(
    '%s: steps, leases, exposures and reports are as with right ones',
    async (name, skewMs) => {
      const counted = await play(name, skewMs);
      expect(counted.advances).toBeGreaterThanOrEqual(FEWEST_ADVANCES);
      expect(counted.unitsInReport).toBe(counted.unitsExposed);
      expect(counted.outcomesInReport).toBeGreaterThan(0);
    },
    240_000,
  );
});
