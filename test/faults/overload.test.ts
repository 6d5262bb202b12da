import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { bytesOf, modelPlan, startUpstream, trafficPlan, versionPlan } from '../support/gateway.js';
import { firstLine, nodeChild } from '../support/node-child.js';
import { quantile, shadowPlan } from '../support/shadow-scene.js';

const isFull = process.env['SLUICE_FAULTS'] === 'full';
/**
 * The version answers at most `AT_ONCE` calls per `SERVICE_MS`: 50 per second, or 400 in full form. Tenfold load, 500
 * or 4,000 per second, comes from this process, which the short form leaves time for on a machine with other work.
 */
const SERVICE_MS = isFull ? 20 : 80;
const AT_ONCE = isFull ? 8 : 4;
const OVERLOAD = 10;
const CAPACITY_MS = 2_000;
const OVERLOAD_MS = 6_000;
/** Calls of the generator that may be open; it is open-loop as long as it never gets there. */
const MAX_OPEN = 3_000;
const RECOVERY_LIMIT_MS = 5_000;
const REFUSAL_P99_LIMIT_MS = 250;
const MEMORY_LIMIT_BYTES = 128 * 1024 * 1024;

const closers: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

interface Scene {
  readonly pool: Pool;
  metric(name: string): Promise<number>;
}

/** A gateway in its own process before an upstream that takes its time; every answer is copied to a shadow. */
async function scene(config: Partial<Config>, maxConcurrency?: number): Promise<Scene> {
  const primary = await startUpstream((req, res) => {
    void bytesOf(req).then(() => setTimeout(() => res.end('{}'), SERVICE_MS));
  });
  const shadow = await startUpstream((req, res) => {
    void bytesOf(req).then(() => res.end('{}'));
  });
  const cap = maxConcurrency === undefined ? {} : { maxConcurrency };
  const versions = [versionPlan('v1', primary.url, cap), versionPlan('v2', shadow.url)];
  const plan = trafficPlan(1, modelPlan(versions, { experiments: [shadowPlan()] }));
  const child: ChildProcess = nodeChild('./gateway.child.ts', [
    JSON.stringify(plan),
    JSON.stringify(config),
  ]);
  const url = await firstLine(child);
  const pool = new Pool(url, { connections: 128, pipelining: 1 });
  closers.push(
    () => primary.close(),
    () => shadow.close(),
    () => pool.destroy(),
    async () => {
      const over = once(child, 'close');
      child.kill('SIGTERM');
      await over;
    },
  );
  const metric = async (name: string): Promise<number> => {
    const reply = await pool.request({ path: '/metrics', method: 'GET' });
    const lines = (await reply.body.text()).split('\n');
    const values = lines.filter(
      (line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`),
    );
    return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  };
  return { pool, metric };
}

interface Answer {
  readonly status: number;
  readonly sentMs: number;
  readonly tookMs: number;
  readonly retryAfter: string | undefined;
}

async function ask({ pool }: Scene): Promise<Answer> {
  const sentMs = performance.now();
  const { statusCode, headers, body } = await pool.request({
    path: '/models/m/predict',
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-sluice-unit': 'u' },
    body: '{"x":1}',
  });
  await body.dump();
  const retryAfter = headers['retry-after'];
  const tookMs = performance.now() - sentMs;
  return {
    ...{ status: statusCode, sentMs, tookMs },
    retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
  };
}

/** What so many callers get who each wait for their answer: answers per second. */
async function capacityOf(one: Scene): Promise<number> {
  const untilMs = performance.now() + CAPACITY_MS;
  let answered = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < untilMs) if ((await ask(one)).status === 200) answered += 1;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  return (answered * 1_000) / CAPACITY_MS;
}

interface Flood {
  readonly answers: readonly Answer[];
  readonly failures: number;
  /** Calls that were due while too many were open. */
  readonly unsent: number;
  readonly endMs: number;
}

/** An open loop: calls come at their rate, whatever becomes of those before. */
async function flood(one: Scene, perSecond: number): Promise<Flood> {
  const answers: Answer[] = [];
  const open = new Set<Promise<void>>();
  let failures = 0;
  let unsent = 0;
  const startMs = performance.now();
  for (let sent = 0, nowMs = startMs; nowMs < startMs + OVERLOAD_MS; nowMs = performance.now()) {
    for (; sent < ((nowMs - startMs) * perSecond) / 1_000; sent += 1) {
      if (open.size >= MAX_OPEN) {
        unsent += 1;
        continue;
      }
      const call: Promise<void> = ask(one)
        .then((answer) => void answers.push(answer))
        .catch(() => void (failures += 1))
        .finally(() => open.delete(call));
      open.add(call);
    }
    // a slot that is free waits for the next tick of the generator: a long one would cost goodput
    await sleep(1);
  }
  const endMs = performance.now();
  await Promise.all(open);
  return { answers, failures, unsent, endMs };
}

/** Milliseconds from the end of the load until ten calls in a row are answered well and a copy is sent again. */
async function recoveryOf(one: Scene, endMs: number): Promise<number> {
  const copiesBefore = await one.metric('sluice_mirror_copies_total');
  for (let inRow = 0; performance.now() - endMs < 4 * RECOVERY_LIMIT_MS;) {
    inRow = (await ask(one)).status === 200 ? inRow + 1 : 0;
    if (inRow < 10) continue;
    if ((await one.metric('sluice_mirror_copies_total')) > copiesBefore) break;
  }
  return performance.now() - endMs;
}

function show(what: string, figures: Readonly<Record<string, string | number>>): void {
  const parts = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`P7 overload x${OVERLOAD} of ${what}: ${parts.join(', ')}\n`);
}

// Mutants that this kills: no bound at all (the upstream queue grows, answers come after their callers left); shedding
// everything while overloaded (goodput); refusals after the body or through the upstream's queue (their p99).
describe('P7: ten times what can be answered', () => {
  it.each([
    ['a process', { maxInFlight: AT_ONCE }, undefined],
    ['a version', {}, AT_ONCE],
  ])(
    'of %s: nine tenths of it are answered, the rest is refused at once',
    async (what, config, cap) => {
      const one = await scene(config, cap);
      // opens the connections, compiles the hot path
      await capacityOf(one);
      const capacity = await capacityOf(one);
      const memoryBefore = await one.metric('process_resident_memory_bytes');
      const dropsBefore = await one.metric('sluice_mirror_drops_total');
      const { answers, failures, unsent, endMs } = await flood(one, OVERLOAD * capacity);
      const recoveryMs = await recoveryOf(one, endMs);
      const memory = (await one.metric('process_resident_memory_bytes')) - memoryBefore;
      const drops = (await one.metric('sluice_mirror_drops_total')) - dropsBefore;
      const good = answers.filter(({ status }) => status === 200);
      const refused = answers.filter(({ status }) => status === 503);
      const goodput = (good.length * 1_000) / OVERLOAD_MS;
      const refusalMs = refused.map(({ tookMs }) => tookMs);
      show(what, {
        capacity: `${capacity.toFixed(0)}/s`,
        goodput: `${((100 * goodput) / capacity).toFixed(0)} %`,
        refused: refused.length,
        'refusal p50/p99': `${quantile(refusalMs, 0.5).toFixed(1)}/${quantile(refusalMs, 0.99).toFixed(1)} ms`,
        'copies dropped': drops,
        memory: `${(memory / 2 ** 20).toFixed(0)} MiB more`,
        recovery: `${recoveryMs.toFixed(0)} ms`,
      });
      expect({ failures, unsent }).toEqual({ failures: 0, unsent: 0 });
      expect(good.length + refused.length).toBe(answers.length);
      expect(refused.every(({ retryAfter }) => Number(retryAfter) >= 1)).toBe(true);
      expect(goodput).toBeGreaterThanOrEqual(0.9 * capacity);
      expect(refused.length).toBeGreaterThan(5 * good.length);
      expect(quantile(refusalMs, 0.99)).toBeLessThan(REFUSAL_P99_LIMIT_MS);
      expect(memory).toBeLessThan(MEMORY_LIMIT_BYTES);
      expect(recoveryMs).toBeLessThan(RECOVERY_LIMIT_MS);
      if (cap === undefined) expect(drops).toBeGreaterThan(good.length / 2);
    },
  );
});
