import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AnalysisService } from '../../src/analysis/analysis.service.js';
import type { Report } from '../../src/analysis/report.js';
import { Database } from '../../src/database/database.service.js';
import type { Experiment } from '../../src/experiments/experiment.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { type Lease, LeasesService } from '../../src/experiments/leases.service.js';
import { EvaluationService } from '../../src/rollouts/evaluation.service.js';
import { type Arena, feed, isVisible, openArena } from '../support/arena.js';
import { connected } from '../support/audit.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { until } from '../support/sluice.js';
import { hear, HONEST, installWitness } from '../support/witness.js';

const LONG_MS = 60_000;
/** Long enough for the statements of a decision on a busy machine, short enough to run out within the test. */
const SHORT_MS = 1_500;

let database: TestDatabase;
let client: pg.Client;
let arena: Arena;
let id: string;
/** Undoes what a test did to a service of the application. */
const undo: (() => void)[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  client = await connected(database.url);
  await installWitness(client);
  arena = await openArena(database.url, 1);
});

afterAll(async () => {
  await arena.close();
  await client.end();
  await database.close();
});

/** A running experiment with evidence that lets its next turn decide something. */
beforeEach(async () => {
  await arena.restock();
  id = (await arena.running())[0] ?? '';
  await feed(client, 5, 'smooth');
  await until('the events are behind the horizon', seen);
});

afterEach(async () => {
  for (const restore of undo.splice(0)) restore();
  expect((await hear(client)).findings).toEqual(HONEST);
  await arena.act(id, 'abort');
});

const service = <T>(type: new (...parts: never[]) => T): T =>
  arena.app.get(type, { strict: false });
const evaluate = (lease: Lease) => service(EvaluationService).evaluate(lease);

const seen = async () => ((await isVisible(client)) ? true : null);

async function claim(holder: string, leaseMs = LONG_MS): Promise<Lease> {
  await client.query('UPDATE experiments SET next_analysis_at = now() WHERE id = $1', [id]);
  const lease = await service(LeasesService).claim(id, holder, leaseMs);
  if (lease === null) throw new Error(`${holder} got no lease`);
  return lease;
}

const expire = () =>
  client.query(`UPDATE experiments SET lease_until = now() - interval '1 second' WHERE id = $1`, [
    id,
  ]);

async function automatic(): Promise<readonly string[]> {
  const { rows } = await client.query<{ kind: string }>(
    'SELECT kind FROM decisions WHERE experiment_id = $1 AND automatic ORDER BY number',
    [id],
  );
  return rows.map(({ kind }) => kind);
}

/** Something happens once after the analysis of the next turn, before its decision; or before the analysis. */
function afterAnalysis(happens: () => Promise<unknown>, isBefore = false): void {
  const analysis = service(AnalysisService);
  const run = analysis.run.bind(analysis);
  analysis.run = async (experiment: Experiment): Promise<Report> => {
    restore();
    if (isBefore) await happens();
    const report = await run(experiment);
    if (!isBefore) await happens();
    return report;
  };
  const restore = (): void => {
    analysis.run = run;
  };
  undo.push(restore);
}

describe('a turn', () => {
  it('decides when nothing came between', async () => {
    await evaluate(await claim('a'));
    expect(await automatic()).toEqual(['advance']);
  });

  it('decides nothing when another worker got the lease after its analysis', async () => {
    const paused = await claim('a');
    afterAnalysis(async () => {
      await expire();
      await claim('b');
    });
    await evaluate(paused);
    expect(await automatic()).toEqual([]);
  });

  it('decides nothing when its lease ran out after its analysis, though nobody took it', async () => {
    const paused = await claim('a');
    afterAnalysis(expire);
    await evaluate(paused);
    expect(await automatic()).toEqual([]);
  });

  it.each(['advance', 'redesign', 'pause', 'approve'] as const)(
    'decides nothing when a person did %s after its analysis',
    async (verb) => {
      const lease = await claim('a');
      afterAnalysis(async () => expect(await arena.act(id, verb)).toEqual({ kind: 'done' }));
      await evaluate(lease);
      expect(await automatic()).toEqual([]);
    },
  );

  it('is dropped, not failed, when units of a step come in that it does not know yet', async () => {
    const lease = await claim('a');
    afterAnalysis(async () => {
      await arena.act(id, 'advance');
      await feed(client, 5, 'smooth');
      await until('its events are behind the horizon', seen);
    }, true);
    await evaluate(lease);
    expect(await automatic()).toEqual([]);
    const { failedAnalyses } = await service(ExperimentsService).get(id);
    expect(failedAnalyses).toBe(0);
    await evaluate(await claim('a'));
    expect(await automatic()).toEqual(['advance']);
  });

  it('keeps others from the lease while it decides, even when it is slow and the lease runs out', async () => {
    const experiments = service(ExperimentsService);
    const lock = experiments.lock.bind(experiments);
    undo.push(() => void (experiments.lock = lock));
    const takers: Promise<Lease | null>[] = [];
    let isTakenMeanwhile = true;
    // the lease was checked; now the worker is paused for longer than it lasts
    experiments.lock = async (tx, experimentId) => {
      await sleep(SHORT_MS + 200);
      const taking = service(LeasesService).claim(id, 'b', LONG_MS);
      takers.push(taking);
      isTakenMeanwhile = await Promise.race([taking.then(() => true), sleep(500, false)]);
      return lock(tx, experimentId);
    };
    const lease = await claim('a', SHORT_MS);
    await evaluate(lease);
    await Promise.all(takers);
    expect(isTakenMeanwhile).toBe(false);
    expect(await automatic()).toEqual(['advance']);
  });
});

describe('a change', () => {
  it('is not written over a state that was left meanwhile', async () => {
    const experiments = service(ExperimentsService);
    const before = await experiments.get(id);
    await arena.act(id, 'pause');
    const late = service(Database).transaction((tx) =>
      experiments.save(tx, before, { status: 'completed' }),
    );
    await expect(late).rejects.toMatchObject({ code: 'conflict' });
    expect((await experiments.get(id)).status).toBe('paused');
  });
});

describe('two people at the same time', () => {
  it('act one after the other: both are done, and both are in the log', async () => {
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM experiments WHERE id = $1 FOR UPDATE', [id]);
    const acting = [arena.act(id, 'pause'), arena.act(id, 'approve')];
    await sleep(500);
    await client.query('COMMIT');
    expect(await Promise.all(acting)).toEqual([{ kind: 'done' }, { kind: 'done' }]);
  });
});
