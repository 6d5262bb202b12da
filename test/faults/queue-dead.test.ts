import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { connected } from '../support/audit.js';
import { MODEL, setScene, STEADY_AB } from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { freshDatabase, query } from '../support/postgres.js';
import { Product } from '../support/product.js';
import { hasRedis, startRedis } from '../support/redis.js';
import { score } from '../support/scoreboard.js';

/** Between two looks of the sweeper. */
const TICK_MS = 500;
/** Of the test, to see a turn: shorter than any. */
const LOOK_MS = 10;
const DEAD_MS = 10_000;
const BEFORE_MS = 3_000;
/** The queue looks at itself every ten seconds. */
const NOTICED_MS = 20_000;
/** What is due is seen later on a machine that does other things too. */
const SLACK_MS = 1_000;

const later: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of later.reverse()) await end();
});

/** How long after it was due each turn that was seen was taken up, in milliseconds of the database's clock. */
async function latenessFor(url: string, ms: number): Promise<readonly number[]> {
  const client = await connected(url);
  try {
    const late: number[] = [];
    let wasHeld = true;
    const endMs = performance.now() + ms;
    while (performance.now() < endMs) {
      const { rows } = await client.query<{ held: boolean; late: number }>(
        `SELECT lease_until > clock_timestamp() AS held,
                extract(epoch FROM clock_timestamp() - next_analysis_at)::float8 * 1000 AS late FROM experiments`,
      );
      const held = rows[0]?.held === true;
      if (held && !wasHeld) late.push(rows[0]?.late ?? 0);
      wasHeld = held;
      await sleep(LOOK_MS);
    }
    return late;
  } finally {
    await client.end();
  }
}

async function play(
  backend: string,
  redisUrl: string | null,
  kill: (databaseUrl: string) => Promise<void> | void,
): Promise<void> {
  const database = await freshDatabase();
  later.push(() => database.close());
  const product = await Product.in(database.url, {
    env: redisUrl === null ? {} : { REDIS_URL: redisUrl },
  });
  later.push(() => product.dispose());
  await product.start();
  const scene = await setScene(product, STEADY_AB);
  later.push(() => scene.close());
  const load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 40, units: 300 });
  later.push(() => load.close());
  load.start();
  await sleep(BEFORE_MS);
  await kill(database.url);
  const late = await latenessFor(database.url, DEAD_MS);
  await load.pause();
  const sorted = late.toSorted((a, b) => a - b);
  // the median, because single turns meet whatever else the machine does
  const typical = sorted[Math.floor(sorted.length / 2)] ?? Infinity;
  score({
    scenario: `queue on ${backend} dead ${DEAD_MS / 1_000} s`,
    ...{ requests: load.ledger.sent, answered: load.ledger.answered.length },
    ...{ lost: 0, doubled: 0, drainedMs: null },
    notes: `${late.length} turns, taken up ${Math.round(typical)} ms after they were due (median), at most ${Math.round(sorted.at(-1) ?? 0)} ms`,
  });
  // nobody notices a dead queue by late turns: the metric is what tells
  await expect
    .poll(() => product.metric('sluice_queue_rebuilds', 'control'), { timeout: NOTICED_MS })
    .toBeGreaterThan(0);
  expect(load.ledger.unanswered).toEqual([]);
  expect(late.length).toBeGreaterThan(0);
  expect(typical).toBeLessThan(2 * TICK_MS + SLACK_MS);
}

// Mutants that this kills: turns that only jobs start (none); a worker that ends with its queue; a turn that waits for
// the job that it adds.
describe('P15: a dead queue', () => {
  it('on PostgreSQL, its schema dropped, delays no turn by more than two ticks', async () => {
    await play('PostgreSQL', null, (url) => query(url, 'DROP SCHEMA bullmq CASCADE'));
  }, 180_000);

  it.skipIf(!hasRedis())(
    'on Redis, killed, delays no turn by more than two ticks',
    async () => {
      const redis = await startRedis();
      later.push(() => redis.close());
      await play('Redis', redis.url, () => {
        redis.kill();
      });
    },
    180_000,
  );
});
