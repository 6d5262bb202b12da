import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, CLEAN, scoreboard } from '../support/audit.js';
import { Cast, type Role, ROLES } from '../support/cast.js';
import { auditDecisions, SOUND } from '../support/decision-audit.js';
import {
  checkLog,
  drained,
  EXPERIMENT,
  goesOn,
  longCanary,
  MODEL,
  type Scene,
  setScene,
} from '../support/fault-scene.js';
import { Load } from '../support/load.js';
import { OutcomesLoad } from '../support/outcomes-load.js';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.js';
import { hasRedis, startRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/sluice.js';

type Victim = Role | 'everything' | 'postmaster' | 'backend' | 'redis';

const isFull = process.env['SLUICE_FAULTS'] === 'full';
const KILLS = isFull ? 300 : 12;
/** Acknowledged, at least. */
const OUTCOMES = isFull ? 200_000 : 5_000;
/** Between two kills at least; on average half a second more. Nobody waits until all have recovered. */
const PAUSE_MS = isFull ? 3_000 : 1_500;
const PAUSE_SPREAD_MS = 1_000;
/** Dead for as long as this at most, before it is started again. */
const DEAD_MS = 400;
const HOLD = isFull ? '15s' : '2s';
/** When kills came faster than the machine can start processes, the first step may come only after them. */
const CLIMBS_MS = 90_000;
const LIMIT_MS = isFull ? 1_800_000 : 240_000;

let database: OwnPostgres;
let redis: TestRedis | null = null;
let cast: Cast;
let scene: Scene;
let load: Load;
let outcomes: OutcomesLoad;
const later: (() => unknown)[] = [];

afterAll(async () => {
  for (const end of later.reverse()) await end();
});

beforeAll(async () => {
  database = await startOwnPostgres();
  later.push(() => database.close());
  if (hasRedis()) {
    redis = await startRedis();
    later.push(() => redis?.close());
  } else process.stderr.write('notice: there is no redis-server, so it cannot be killed\n');
  const env = redis === null ? {} : { REDIS_URL: redis.url };
  cast = await Cast.start({ databaseUrl: database.url, env });
  later.push(() => cast.dispose());
  scene = await setScene(cast, longCanary(HOLD));
  later.push(() => scene.close());
  load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 60, units: 2_000 });
  later.push(() => load.close());
  const { dataKey, client } = scene;
  const told = { address: client.address, dataKey, model: MODEL, units: 2_000 };
  outcomes = new OutcomesLoad({ ...told, pauseMs: isFull ? 1_000 : 200 }, load.ledger);
  later.push(() => outcomes.stop());
});

const VICTIMS: readonly Victim[] = [...ROLES, 'everything', 'postmaster', 'backend'];

/** Every kind comes about as often as any other, in an order that chance makes. */
function victims(count: number): readonly Victim[] {
  const kinds: readonly Victim[] = redis === null ? VICTIMS : [...VICTIMS, 'redis'];
  const list = Array.from({ length: count }, (_, index) => kinds[index % kinds.length] ?? 'worker');
  return list
    .map((victim) => ({ victim, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ victim }) => victim);
}

/** Kills, and starts again what does not come back by itself. */
async function kill(victim: Victim): Promise<void> {
  const deadMs = Math.random() * DEAD_MS;
  if (victim === 'postmaster') database.kill();
  else if (victim === 'backend') database.killBackend((count) => Math.floor(Math.random() * count));
  else if (victim === 'redis') {
    redis?.kill();
    await sleep(deadMs);
    await redis?.restart();
  } else {
    const roles = victim === 'everything' ? ROLES : [victim];
    await Promise.all(roles.map((role) => cast.as(role).end('SIGKILL')));
    await sleep(deadMs);
    for (const role of roles) cast.as(role).spawn();
  }
}

function tally(killed: readonly Victim[]): string {
  const counts = Map.groupBy(killed, (victim) => victim);
  return [...counts].map(([victim, all]) => `${victim} ${all.length}`).join(', ');
}

async function climbs(): Promise<true | null> {
  const log = await scene.client.decisions(EXPERIMENT).catch(() => []);
  return log.some(({ kind }) => kind === 'advance') ? true : null;
}

// Mutants that this kills: outcomes acknowledged before their insert has committed (lost); `id > cursor` where events
// are read (units missing in reports: the replay differs); a decision and its plan in two transactions (effects without
// decision); a lease that outlives nobody (the experiment stands still).
describe('P2: whatever is killed, whenever', () => {
  it(
    `loses and doubles nothing, and decides nothing twice, over ${KILLS} kills`,
    async () => {
      const killed = victims(KILLS);
      load.start();
      outcomes.start();
      const sinceMs = performance.now();
      for (const [index, victim] of killed.entries()) {
        await sleep(PAUSE_MS + Math.random() * PAUSE_SPREAD_MS);
        await kill(victim);
        if (index % 25 === 24) {
          process.stderr.write(
            `${index + 1} kills, ${load.ledger.acknowledged.size} outcomes acknowledged\n`,
          );
        }
      }
      const tookS = (performance.now() - sinceMs) / 1_000;
      const onMs = await goesOn(scene.client);
      await until('the canary climbs', () => climbs(), CLIMBS_MS);
      await outcomes.stop();
      await load.pause();
      const drainedMs = await drained(cast, load);
      const { ledger } = load;
      const found = await audit(database.url, cast.dataDir, ledger);
      const decided = await auditDecisions(database.url);
      const log = await checkLog(scene.client);
      const notes = [
        `${KILLS} kills in ${Math.round(tookS)} s (${tally(killed)})`,
        `${log.kinds.length} decisions`,
        `went on ${(onMs / 1_000).toFixed(1)} s after`,
        `${found.predictionsMissing} completions not written`,
      ];
      scoreboard('random kills', ledger, found, { drainedMs, notes: notes.join(', ') });
      expect(found).toMatchObject(CLEAN);
      expect(decided).toEqual(SOUND);
      expect(log).toMatchObject({ chainIntact: true, different: [] });
      expect(log.kinds.filter((kind) => kind === 'advance').length).toBeGreaterThan(0);
      expect(ledger.rejected).toEqual([]);
      expect(ledger.acknowledged.size).toBe(ledger.posted.size);
      expect(ledger.acknowledged.size).toBeGreaterThanOrEqual(OUTCOMES);
    },
    LIMIT_MS,
  );
});
