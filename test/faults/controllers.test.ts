import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomOf } from '../../src/rollouts/planning/random.js';
import { type Arena, feed, type Reaction } from '../support/arena.js';
import { until } from '../support/sluice.js';
import { type Fleet, startFleet } from '../support/worker-fleet.js';
import { GRANTED_CHANNEL, hear, HONEST } from '../support/witness.js';

const SEED = Number(process.env['SLUICE_SEED'] ?? 20_261_120);
const LEASE_MS = 400;
const WORKERS = 6;
const MODELS = 18;
const CHAOS_MS = 20_000;
/** Another one only where too little was decided: a busy machine gets less done. */
const MAX_ROUNDS = 4;
const TEST_LIMIT_MS = 300_000;
const FEED_EVERY_MS = 400;
const UNITS_PER_FEED = 3;
/** Of the turns, so many find that a person was faster. */
const MEDDLED_SHARE = 0.25;
const RECOVERY_LIMIT_MS = 60_000;
/** With fewer the test would have looked at nothing. */
const FEWEST_DECISIONS = 25;
const FEWEST_TAKEOVERS = 5;

const VERBS = ['advance', 'advance', 'redesign', 'pause', 'resume', 'resume', 'approve', 'abort'];

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ workers: WORKERS, models: MODELS, leaseMs: LEASE_MS });
});

afterAll(() => fleet.close());

type Fault = 'paused' | 'killed' | 'cutOff';

/** Pauses, kills and cuts off workers until the end; the same seed does the same in the same order. */
async function chaos(endsMs: number, seed: number): Promise<Readonly<Record<Fault, number>>> {
  const done: Record<Fault, number> = { paused: 0, killed: 0, cutOff: 0 };
  const pass = (forMs: number): Promise<void> =>
    sleep(Math.max(0, Math.min(forMs, endsMs - Date.now())));
  const victims = fleet.workers.map(async ({ process: worker, network }, index) => {
    const random = randomOf(seed, index);
    await pass(1_000 * random());
    while (Date.now() < endsMs) {
      const roll = random();
      // one of them lives behind a network that fails
      if (index === WORKERS - 1 && roll < 0.6) {
        done.cutOff += 1;
        if (roll < 0.4) network.freeze();
        else network.refuse();
        await pass(300 + 2_000 * random());
        network.heal();
      } else if (roll < 0.85) {
        done.paused += 1;
        worker.pause();
        await pass(50 + 1_200 * random());
        worker.resume();
      } else {
        done.killed += 1;
        await worker.kill();
        worker.start();
        await pass(2_000);
      }
      await pass(100 + 900 * random());
    }
  });
  await Promise.all(victims);
  return done;
}

/** People who act at random, two of them often on the same experiment at the same time. */
async function people(endsMs: number, seed: number): Promise<readonly string[]> {
  const random = randomOf(seed, WORKERS);
  const errors: string[] = [];
  while (Date.now() < endsMs) {
    await fleet.arena.restock();
    const ids = await fleet.arena.running();
    const draws = Array.from({ length: 6 }, () => ({
      id: ids[Math.floor(random() * ids.length)] ?? '',
      verbs: [0, 1].map(() => VERBS[Math.floor(random() * VERBS.length)] ?? ''),
      isAlone: random() < 0.6,
    }));
    for (const { id, verbs, isAlone } of draws) {
      const acting = (isAlone ? verbs.slice(1) : verbs).map((verb) =>
        fleet.arena.act(id, verb as Parameters<Arena['act']>[1]),
      );
      for (const reaction of await Promise.all(acting)) {
        if (reaction.kind === 'error') errors.push(reaction.text);
      }
      await sleep(40 * random());
    }
  }
  return errors;
}

/** People who act on an experiment in the middle of a worker's turn: right after it got the lease. */
async function meddlers(endsMs: number, seed: number): Promise<readonly string[]> {
  const random = randomOf(seed, WORKERS + 1);
  const acting: Promise<Reaction>[] = [];
  const meddle = ({ payload = '' }: { readonly payload?: string | undefined }): void => {
    if (random() < MEDDLED_SHARE) acting.push(fleet.arena.act(payload, 'advance'));
  };
  fleet.client.on('notification', meddle);
  await fleet.client.query(`LISTEN ${GRANTED_CHANNEL}`);
  await sleep(endsMs - Date.now());
  fleet.client.off('notification', meddle);
  const reactions = await Promise.all(acting);
  return reactions.flatMap((reaction) => (reaction.kind === 'error' ? [reaction.text] : []));
}

async function evidence(endsMs: number): Promise<readonly string[]> {
  while (Date.now() < endsMs) {
    await feed(fleet.client, UNITS_PER_FEED);
    await sleep(FEED_EVERY_MS);
  }
  return [];
}

/** Every experiment is looked at again, by somebody who was not asked to. */
async function recovered(): Promise<void> {
  const fences = async (): Promise<ReadonlyMap<string, number>> => {
    const { rows } = await fleet.client.query<{ id: string; epoch: string }>(
      `SELECT id, lease_epoch AS epoch FROM experiments WHERE status IN ('running', 'paused')`,
    );
    return new Map(rows.map(({ id, epoch }) => [id, Number(epoch)]));
  };
  const before = await fences();
  const what = 'every experiment is analysed again';
  const isWorkedOn = async () => {
    const now = await fences();
    return [...before].every(([id, epoch]) => (now.get(id) ?? Infinity) > epoch) ? true : null;
  };
  await until(what, isWorkedOn, RECOVERY_LIMIT_MS);
}

/** Everybody at once for a while. Resolves with what people were told besides yes and no. */
async function round(seed: number): Promise<readonly string[]> {
  const endsMs = Date.now() + CHAOS_MS;
  const [faults, ...errors] = await Promise.all([
    chaos(endsMs, seed),
    people(endsMs, seed),
    meddlers(endsMs, seed),
    evidence(endsMs),
  ]);
  process.stderr.write(`controllers, seed ${String(seed)}: ${JSON.stringify(faults)}\n`);
  return errors.flat();
}

async function automaticDecisions(): Promise<number> {
  return (await fleet.client.query('SELECT 1 FROM decisions WHERE automatic')).rows.length;
}

describe('six workers that are paused, killed and cut off at random', () => {
  it(
    'act as one: decisions, effects and audit rows are the same set, without a duplicate',
    async () => {
      const errors: string[] = [];
      for (let rounds = 0; rounds < MAX_ROUNDS; rounds += 1) {
        errors.push(...(await round(SEED + rounds)));
        if ((await automaticDecisions()) >= FEWEST_DECISIONS) break;
      }
      await recovered();
      for (const { process: worker } of fleet.workers) await worker.kill();
      const { findings, takeoverMs, ...counts } = await hear(fleet.client);
      const typicalMs = Math.round(takeoverMs[Math.floor(takeoverMs.length / 2)] ?? 0);
      process.stderr.write(
        `${JSON.stringify(counts)}, ${String(takeoverMs.length)} takeovers, ` +
          `typically ${String(typicalMs)} ms after the lease\n`,
      );
      expect(errors).toEqual([]);
      expect(findings).toEqual(HONEST);
      expect(counts.messages).toBe(counts.decisions);
      expect(counts.automatic).toBeGreaterThanOrEqual(FEWEST_DECISIONS);
      expect(takeoverMs.length).toBeGreaterThanOrEqual(FEWEST_TAKEOVERS);
    },
    TEST_LIMIT_MS,
  );
});
