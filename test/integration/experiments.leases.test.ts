import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Database } from '../../src/database/database.service.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { type Lease, LeasesService } from '../../src/experiments/leases.service.js';
import { type ExperimentsPlane, experimentsPlane, registerSpam } from '../support/experiments.js';
import { postedCanary } from '../unit/experiments/experiments.js';

const LONG_MS = 60_000;
const MODELS = ['spam', 'ham', 'eta'];

let plane: ExperimentsPlane;
let leases: LeasesService;
let database: Database;
const ids: string[] = [];

const set = (columns: string, ...values: unknown[]): Promise<unknown> =>
  database.manager.query(`UPDATE experiments SET ${columns}`, values);
const check = (lease: Lease): Promise<void> =>
  database.transaction((tx) => leases.check(tx, lease));

async function claimed(holder = 'a', leaseMs = LONG_MS): Promise<Lease> {
  const lease = await leases.claim(ids[0] ?? '', holder, leaseMs);
  if (lease === null) throw new Error('the lease was not granted');
  return lease;
}

beforeAll(async () => {
  plane = await experimentsPlane();
  leases = plane.app.get(LeasesService);
  database = plane.app.get(Database);
  const service = plane.app.get(ExperimentsService);
  for (const model of MODELS) {
    await registerSpam(plane, model);
    await plane.call('POST', '/experiments', postedCanary({ name: `on-${model}`, model }));
    const draft = await service.get(`on-${model}`);
    const { id } = draft;
    const prepared = await service.prepareStart(draft, Date.now());
    await database.transaction(async (tx) => {
      const locked = await service.lock(tx, id);
      const frozen = await service.freeze(tx, locked, prepared, Date.now());
      await service.save(tx, frozen, { status: 'running' });
    });
    ids.push(id);
  }
});

afterAll(() => plane.close());

beforeEach(() =>
  set(`status = 'running', next_analysis_at = clock_timestamp() - interval '1 second',
       lease_holder = NULL, lease_until = NULL, failed_analyses = 0, last_failure = NULL`),
);

describe('a lease', () => {
  it('is granted to exactly one of many who ask at once', async () => {
    const asked = Array.from({ length: 10 }, (_, index) =>
      leases.claim(ids[0] ?? '', `holder-${index}`, LONG_MS),
    );
    const granted = (await Promise.all(asked)).filter((lease) => lease !== null);
    expect(granted).toHaveLength(1);
  });

  it('is granted only when an analysis is due', async () => {
    await set(`next_analysis_at = clock_timestamp() + interval '1 minute'`);
    expect(await leases.claim(ids[0] ?? '', 'a', LONG_MS)).toBeNull();
  });

  it.each(['draft', 'completed', 'rolled_back', 'aborted'])(
    'is not granted for a %s experiment',
    async (status) => {
      await set('status = $1', status);
      expect(await leases.claim(ids[0] ?? '', 'a', LONG_MS)).toBeNull();
      expect(await leases.claimDue('a', LONG_MS, 0, 10)).toEqual([]);
    },
  );

  it('is granted while paused, because harm is looked for then too', async () => {
    await set(`status = 'paused'`);
    expect(await leases.claim(ids[0] ?? '', 'a', LONG_MS)).not.toBeNull();
  });

  it('passes to another after it expired, with a higher epoch, and fences the first holder off', async () => {
    const first = await claimed('a', 50);
    await sleep(80);
    const second = await claimed('b');
    expect(second.epoch).toBe(first.epoch + 1);
    await expect(check(first)).rejects.toMatchObject({ code: 'conflict', message: 'lease lost' });
    await expect(check(second)).resolves.toBeUndefined();
  });

  it('does not hold any more once it expired, even if nobody took over', async () => {
    const lease = await claimed('a', 50);
    await sleep(80);
    await expect(check(lease)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('of the same holder but an older epoch is refused', async () => {
    const first = await claimed('a');
    await leases.release(first, 0, null);
    const second = await claimed('a');
    await expect(check(first)).rejects.toMatchObject({ code: 'conflict' });
    await expect(check(second)).resolves.toBeUndefined();
  });

  it('cannot be taken while a decision is being written under it, even if it expires meanwhile', async () => {
    const lease = await claimed('a', 100);
    let hasDecided = false;
    const decision = database.transaction(async (tx) => {
      await leases.check(tx, lease);
      await sleep(300);
      hasDecided = true;
    });
    await sleep(150);
    const taken = await leases.claim(ids[0] ?? '', 'b', LONG_MS);
    expect(hasDecided).toBe(true);
    expect(taken?.epoch).toBe(lease.epoch + 1);
    await decision;
  });

  it('says when the next analysis is due and counts failures in a row when it is given back', async () => {
    const failures = async (): Promise<unknown> => {
      const [row] = await database.manager.query(
        `SELECT failed_analyses, last_failure, lease_holder, next_analysis_at > clock_timestamp() AS later
         FROM experiments WHERE id = $1`,
        [ids[0]],
      );
      return row;
    };
    await leases.release(await claimed(), 0, 'no database');
    await leases.release(await claimed(), 60_000, 'no database again');
    expect(await failures()).toEqual({
      ...{ failed_analyses: 2, last_failure: 'no database again', lease_holder: null, later: true },
    });
    await set('next_analysis_at = clock_timestamp()');
    await leases.release(await claimed(), 60_000, null);
    expect(await failures()).toMatchObject({ failed_analyses: 0, last_failure: null });
  });

  it('is renewed while its holder works, and ends with the work', async () => {
    const lease = await claimed('a', 1_200);
    await leases.keep(lease, 1_200, async () => {
      await sleep(1_600);
      expect(await leases.claim(ids[0] ?? '', 'b', LONG_MS)).toBeNull();
      await expect(check(lease)).resolves.toBeUndefined();
    });
    await vi.waitFor(
      () => expect(check(lease)).rejects.toMatchObject({ code: 'conflict' }),
      20_000,
    );
  });

  it('that ran out is not revived by a renewal', async () => {
    const lease = await claimed('a');
    await set(`lease_until = clock_timestamp() - interval '1 second'`);
    await leases.keep(lease, 90, () => sleep(500));
    await expect(check(lease)).rejects.toMatchObject({ code: 'conflict' });
    expect(await leases.claim(ids[0] ?? '', 'b', LONG_MS)).not.toBeNull();
  });

  it('that was lost changes nothing when it is given back', async () => {
    const first = await claimed('a', 30);
    await sleep(60);
    const second = await claimed('b');
    await leases.release(first, 0, 'late');
    await expect(check(second)).resolves.toBeUndefined();
    expect((await plane.app.get(ExperimentsService).get(ids[0] ?? '')).failedAnalyses).toBe(0);
  });
});

describe('the sweep', () => {
  it('takes what has been due for longer than the grace, the longest first, up to the limit', async () => {
    for (const [index, id] of ids.entries()) {
      await database.manager.query(
        `UPDATE experiments SET next_analysis_at = clock_timestamp() - $2 * interval '1 second' WHERE id = $1`,
        [id, 10 * (index + 1)],
      );
    }
    const swept = await leases.claimDue('sweeper', LONG_MS, 15_000, 1);
    expect(swept.map(({ experimentId }) => experimentId)).toEqual([ids[2]]);
    const rest = await leases.claimDue('sweeper', LONG_MS, 15_000, 10);
    expect(rest.map(({ experimentId }) => experimentId)).toEqual([ids[1]]);
  });

  it('shares the work between sweepers without overlap', async () => {
    const sweeps = await Promise.all(
      ['a', 'b', 'c', 'd'].map((holder) => leases.claimDue(holder, LONG_MS, 0, 2)),
    );
    const taken = sweeps.flat().map(({ experimentId }) => experimentId);
    expect(new Set(taken).size).toBe(taken.length);
    expect(taken.length).toBeGreaterThan(0);
  });
});
