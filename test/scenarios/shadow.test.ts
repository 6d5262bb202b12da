import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DecisionView } from '../../demo/sluice-client.js';
import {
  type Call,
  deadAddress,
  sendTransactions,
  startScorer,
  startSleeper,
} from '../support/fraud-world.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { startTestSluice, type TestSluice, until, type Upstream } from '../support/sluice.js';

/** Other seeds: SLUICE_SEEDS=11,12,13 npm run test:scenarios */
const SEEDS = (process.env['SLUICE_SEEDS'] ?? '101,202,303,404,505').split(',').map(Number);

const PER_ROUND = 240;
const MAX_ROUNDS = 60;
const END_MS = 60_000;

let database: TestDatabase;
let sluice: TestSluice;
const upstreams: Upstream[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  sluice = await startTestSluice({ databaseUrl: database.url });
  const { client } = sluice;
  for (const [name, loss] of [
    ['log_loss', 'log_loss'],
    ['brier', 'brier'],
  ] as const) {
    await client.putMetric(name, {
      ...{ kind: 'mean', direction: 'decrease' },
      source: { label: { outcome: 'chargeback', output: 'score', loss } },
    });
  }
});

afterAll(async () => {
  await sluice.close();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  await database.close();
});

/** A model of its own with two versions and a shadow that is running. */
async function shadow(
  model: string,
  urls: { readonly v1: string; readonly v2: string },
  more: object = {},
): Promise<void> {
  const { client } = sluice;
  await client.putModel(model, {
    unit: { header: 'x-sluice-unit' },
    capture: { output: { score: '/score', block: '/block' } },
  });
  await client.putVersion(model, 'v1', { url: urls.v1 });
  await client.putVersion(model, 'v2', { url: urls.v2 });
  await client.createExperiment({
    ...{ name: `${model}-shadow`, model, kind: 'shadow' },
    hypothesis: 'more features lower the log loss',
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2' },
    ],
    metrics: [
      { metric: 'log_loss', role: 'success' },
      { metric: 'brier', role: 'guardrail', nonInferiorityMargin: { absolute: 0.05 } },
      { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.05 } },
    ],
    analysis: {
      minimumDetectableEffect: { relative: 0.1 },
      ...{ plannedUnits: 400, minRuntime: '1s', interval: '1s' },
    },
    mirror: { unsafeMethods: true, timeoutMs: 2_000 },
    ...more,
  });
  await client.perform(`${model}-shadow`, 'start', 'a scenario');
}

/** Transactions until the shadow has a verdict. */
async function play(
  model: string,
  seed: number,
): Promise<{ readonly calls: readonly Call[]; readonly last: DecisionView | undefined }> {
  const { client } = sluice;
  const calls: Call[] = [];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const from = round * PER_ROUND;
    calls.push(...(await sendTransactions(client, model, { seed, from, to: from + PER_ROUND })));
    const { status } = await client.experiment(`${model}-shadow`);
    if (status !== 'running') break;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await until(
    'the verdict',
    async () => ((await client.experiment(`${model}-shadow`)).status === 'running' ? null : true),
    END_MS,
  ).catch(async (error: unknown) => {
    throw new Error(
      `${String(error)}: ${JSON.stringify(await client.decisions(`${model}-shadow`))}`,
    );
  });
  const log = await client.decisions(`${model}-shadow`);
  return { calls, last: log.find(({ kind }) => ['advance', 'rollback'].includes(kind)) };
}

async function scorers(
  seed: number,
  v2: { readonly noise: number; readonly sharpness: number },
): Promise<{ readonly v1: string; readonly v2: string }> {
  const servers = await Promise.all([
    startScorer({ noise: 1.5, sharpness: 1 }, seed),
    startScorer(v2, seed + 1),
  ]);
  upstreams.push(...servers);
  return { v1: servers[0].url, v2: servers[1].url };
}

/** Every caller got the champion's answer; those of the last round may have met the canary. */
function expectUntouched(calls: readonly Call[], isFollowed = false): void {
  for (const { status } of calls) expect(status).toBe(200);
  const before = isFollowed ? calls.slice(0, -PER_ROUND) : calls;
  expect(new Set(before.map(({ version }) => version))).toEqual(new Set(['v1']));
}

async function expectReplay(name: string): Promise<void> {
  for (const { number } of await sluice.client.decisions(name)) {
    expect(await sluice.client.replay(name, number)).toBe(true);
  }
}

const next = (model: string): object => ({
  next: {
    canary: {
      name: `${model}-canary`,
      rollout: {
        steps: [{ coverage: 0.1, hold: { approval: true } }, { coverage: 0.5 }, { coverage: 1 }],
      },
    },
  },
});

describe.each(SEEDS)('a shadow of fraud scores (seed %i)', (seed) => {
  it('whose scores are closer to the truth is ready, and its canary starts on that evidence', async () => {
    const model = `fraud-better-${String(seed)}`;
    await shadow(model, await scorers(seed, { noise: 0.1, sharpness: 1 }), next(model));
    const { calls, last } = await play(model, seed);
    expectUntouched(calls, true);
    expect(last).toMatchObject({ kind: 'advance', automatic: true });
    expect(last?.summary).toMatch(
      /^ready for a canary: v2 is better on log_loss: 0\.\d+ against 0\.\d+/,
    );
    expect(await sluice.client.experiment(`${model}-shadow`)).toMatchObject({
      status: 'completed',
    });
    expect(await sluice.client.experiment(`${model}-canary`)).toMatchObject({ status: 'running' });
    const report = await sluice.client.report(`${model}-shadow`);
    const shadowView = await sluice.client.experiment(`${model}-shadow`);
    const [start] = (await sluice.client.decisions(`${model}-canary`)).filter(
      ({ kind }) => kind === 'start',
    );
    expect(start).toMatchObject({
      reasons: { code: 'follows', parent: `${model}-shadow` },
      inputs: {
        evidenceChain: {
          experimentId: shadowView.id,
          reportNumber: report?.number,
          decisionNumber: last?.number,
        },
      },
    });
    expect(report?.assessment.paired?.answered).toBeGreaterThan(100);
    expect(report?.assessment.paired?.outputs.map(({ output }) => output)).toEqual([
      'block',
      'score',
    ]);
    expect(await sluice.client.champion(model)).toBe('v1');
    await expectReplay(`${model}-shadow`);
    await sluice.client.perform(`${model}-canary`, 'abort', 'the scenario is over');
  });

  it('that is too sure of itself is not ready, and the reason names both losses', async () => {
    const model = `fraud-sure-${String(seed)}`;
    await shadow(model, await scorers(seed, { noise: 1.5, sharpness: 4 }), next(model));
    const { calls, last } = await play(model, seed);
    expectUntouched(calls);
    expect(last).toMatchObject({ kind: 'rollback', automatic: true });
    expect(last?.summary).toMatch(
      /^not ready for a canary: (success log_loss|guardrail brier) of v2 is worse: \d+\.\d+ against 0\.\d+/,
    );
    expect(await sluice.client.experiment(`${model}-shadow`)).toMatchObject({
      status: 'rolled_back',
    });
    await expect(sluice.client.experiment(`${model}-canary`)).rejects.toThrow(/404/);
    await expectReplay(`${model}-shadow`);
  });
});

describe('a shadow that', () => {
  it('is dead changes nothing for the callers, and is not ready', async () => {
    const [seed = 1] = SEEDS;
    const { v1 } = await scorers(seed, { noise: 1, sharpness: 1 });
    await shadow('fraud-dead', { v1, v2: await deadAddress() });
    const { calls, last } = await play('fraud-dead', seed);
    expectUntouched(calls);
    expect(last?.kind).toBe('rollback');
    expect(last?.summary).toMatch(
      /^not ready for a canary: (v2 left \d+ of \d+ requests unanswered|guardrail error_rate of v2 is worse)/,
    );
  });

  it('is slow changes nothing for the callers, and is not ready', async () => {
    const [seed = 1] = SEEDS;
    const { v1 } = await scorers(seed, { noise: 1, sharpness: 1 });
    const sleeper = await startSleeper(800);
    upstreams.push(sleeper);
    const metrics = [
      { metric: 'log_loss', role: 'success' },
      { metric: 'latency_ms', role: 'guardrail', nonInferiorityMargin: { absolute: 100 } },
    ];
    await shadow('fraud-slow', { v1, v2: sleeper.url }, { metrics });
    const { calls, last } = await play('fraud-slow', seed);
    expectUntouched(calls);
    const times = calls.map(({ ms }) => ms).sort((left, right) => left - right);
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(400);
    expect(last?.kind).toBe('rollback');
    expect(last?.summary).toMatch(/(latency_ms|log_loss) of v2 is worse: \d+(\.\d+)? against/);
  });
});
