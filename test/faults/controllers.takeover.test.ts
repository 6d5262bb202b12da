import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/sluice.js';
import { type Fleet, type FleetWorker, startFleet } from '../support/worker-fleet.js';

const LEASE_MS = 1_000;
/** Promised beyond the lease. */
const SWEEP_MS = 1_000;
/** The best of so many: a busy machine may delay a single one. */
const ROUNDS = 3;
const LIMIT_MS = 60_000;

let fleet: Fleet;
let id: string;

beforeAll(async () => {
  fleet = await startFleet({ workers: 2, models: 1, leaseMs: LEASE_MS });
  id = (await fleet.arena.running())[0] ?? '';
});

afterAll(() => fleet.close());

interface Held {
  readonly by: FleetWorker;
  readonly epoch: number;
}

async function present(): Promise<{ by: string; epoch: number; isHeld: boolean }> {
  const { rows } = await fleet.client.query<{ by: string; epoch: number; isHeld: boolean }>(
    `SELECT granted_to AS by, g.epoch::int, lease_until > clock_timestamp() AS "isHeld"
     FROM witness_grants AS g JOIN experiments AS e ON e.id = g.experiment_id AND e.lease_epoch = g.epoch
     WHERE e.id = $1 AND lease_holder IS NOT NULL`,
    [id],
  );
  return rows[0] ?? { by: '', epoch: 0, isHeld: false };
}

async function isAnyoneWaiting(): Promise<boolean> {
  const { rows } = await fleet.client.query(
    `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return rows.length > 0;
}

/** A turn that cannot end while `work` goes on: its rollup waits for a lock that the test holds. */
async function duringTurn<T>(work: (held: Held) => Promise<T>): Promise<T> {
  const { host, port, user, password, database } = fleet.client;
  const holder = new pg.Client({ host, port, user, password: String(password), database });
  await holder.connect();
  try {
    await holder.query('BEGIN');
    await holder.query(
      `SELECT pg_advisory_xact_lock(hashtextextended('sluice.rollup ' || $1, 0))`,
      [id],
    );
    // a turn that was past the lock already ends; the next one waits for it
    await until('a turn waits', async () => ((await isAnyoneWaiting()) ? true : null), LIMIT_MS);
    const held = await until('a worker is at work', async () => {
      const { by, epoch, isHeld } = await present();
      const worker = fleet.workers.find(({ process }) => process.name === by);
      return isHeld && worker !== undefined ? { by: worker, epoch } : null;
    });
    return await work(held);
  } finally {
    await holder.end();
  }
}

describe('a worker', () => {
  it('keeps its lease while it works, however long that takes', async () => {
    await duringTurn(async ({ epoch }) => {
      await sleep(4 * LEASE_MS);
      expect(await present()).toMatchObject({ epoch, isHeld: true });
    });
  });

  const faults: readonly [
    string,
    (worker: FleetWorker) => unknown,
    (worker: FleetWorker) => void,
  ][] = [
    ['is paused', ({ process }) => process.pause(), ({ process }) => process.resume()],
    ['is cut off', ({ network }) => network.freeze(), ({ network }) => network.heal()],
    ['is killed', ({ process }) => process.kill(), ({ process }) => process.start()],
  ];
  it.each(faults)('that %s is replaced within its lease and a second', async (_, fail, heal) => {
    const tookMs: number[] = [];
    while (tookMs.length < ROUNDS && Math.min(...tookMs) > LEASE_MS + SWEEP_MS) {
      tookMs.push(
        await duringTurn(async ({ by, epoch }) => {
          const sinceMs = performance.now();
          await fail(by);
          const taken = async () => ((await present()).epoch > epoch ? true : null);
          await until('another worker has the lease', taken, LIMIT_MS);
          const elapsedMs = performance.now() - sinceMs;
          heal(by);
          return elapsedMs;
        }),
      );
    }
    process.stderr.write(`took over after ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms\n`);
    expect(Math.min(...tookMs)).toBeLessThanOrEqual(LEASE_MS + SWEEP_MS);
  });
});
