import { afterAll, describe, expect, it } from 'vitest';
import { cohortOf } from '../../src/routing/assign.js';
import type { HoldoutPlan, ModelPlan, Predicate } from '../../src/routing/plan.js';
import {
  bytesOf,
  canaryPlan,
  closedPort,
  MemoryPlanSource,
  modelPlan,
  startGateway,
  startUpstream,
  trafficPlan,
  versionPlan,
  type TestGateway,
} from '../support/gateway.js';

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
});

const experiment = { id: '0197f1a0-0000-7000-8000-000000000009', name: 'held', epoch: 1, phase: 4 };
const held: HoldoutPlan = { share: 0.25, version: 'v1', salt: '77aa01', experiment };
const units = Array.from({ length: 400 }, (_, i) => `user-${i}`);
const pinned = unitIn('pinned');
const shipped = unitIn('shipped');
const free = unitIn(null);

function unitIn(cohort: 'pinned' | 'shipped' | null): string {
  const found = units.find((unit) => cohortOf(held, unit) === cohort);
  if (found === undefined) throw new Error('no such unit among the test ids');
  return found;
}

/** Versions v1 and v2 answer with their names; a version in `down` has nobody who listens. */
async function gatewayWith(
  change: Partial<ModelPlan>,
  down: readonly string[] = [],
): Promise<TestGateway> {
  const dead = `http://127.0.0.1:${await closedPort()}`;
  const versions = await Promise.all(
    ['v1', 'v2'].map(async (name) => {
      if (down.includes(name)) return versionPlan(name, dead);
      const upstream = await startUpstream((req, res) => {
        void bytesOf(req).then(() => res.end(name));
      });
      closers.push(() => upstream.close());
      return versionPlan(name, upstream.url);
    }),
  );
  const model = modelPlan(versions, { champion: 'v2', ...change });
  const gateway = await startGateway(new MemoryPlanSource(trafficPlan(1, model)));
  closers.push(() => gateway.close());
  return gateway;
}

async function ask(
  gateway: TestGateway,
  unit: string,
  { headers = {}, path = '/predict', body = '{}' } = {},
): Promise<{ readonly status: number; readonly text: string; readonly reason: string | null }> {
  const response = await fetch(`${gateway.url}/models/m${path}`, {
    method: 'POST',
    headers: { 'x-sluice-unit': unit, ...headers },
    body,
  });
  const text = await response.text();
  return { status: response.status, text, reason: response.headers.get('x-sluice-reason') };
}

describe('a gateway and the holdout of a model', () => {
  it('serves the pinned version to who is held out, the champion to all others, and writes both cohorts down', async () => {
    const gateway = await gatewayWith({ holdout: held, experiments: [canaryPlan(1)] });
    expect(await ask(gateway, pinned)).toMatchObject({ text: 'v1', reason: 'holdout' });
    expect(await ask(gateway, shipped)).toMatchObject({ text: 'v2', reason: 'champion' });
    expect(await ask(gateway, free)).toMatchObject({ reason: 'experiment' });
    const { spool } = gateway;
    expect(spool.exposures.map(({ unitKey, variant, phase }) => [unitKey, variant, phase])).toEqual(
      [
        [pinned, 'holdout', 4],
        [shipped, 'shipped', 4],
        [free, 'candidate', 1],
      ],
    );
    await spool.prediction(3);
    expect(spool.predictions.map((one) => [one.variant, one.phase, one.reason])).toEqual([
      ['holdout', 4, 'holdout'],
      ['shipped', 4, 'champion'],
      ['candidate', 1, 'experiment'],
    ]);
  });

  it('writes no exposure down while no experiment compares the cohorts', async () => {
    const { share, version, salt } = held;
    const gateway = await gatewayWith({ holdout: { share, version, salt } });
    expect(await ask(gateway, pinned)).toMatchObject({ text: 'v1', reason: 'holdout' });
    expect(await ask(gateway, shipped)).toMatchObject({ text: 'v2', reason: 'champion' });
    await gateway.spool.prediction(2);
    expect(gateway.spool.exposures).toEqual([]);
  });

  it('passes a failure of the pinned version on instead of falling back to another one', async () => {
    const gateway = await gatewayWith({ holdout: held, fallback: 'v2' }, ['v1']);
    expect(await ask(gateway, pinned)).toMatchObject({ status: 502, reason: 'holdout' });
    expect(await gateway.spool.prediction(1)).toMatchObject({
      assignedVersion: 'v1',
      servedVersion: 'v1',
      error: true,
      fallback: false,
    });
  });

  it('lets the compared cohort fall back only while nobody compares it', async () => {
    const { share, version, salt } = held;
    const compared = await gatewayWith({ holdout: held, fallback: 'v1' }, ['v2']);
    expect(await ask(compared, shipped)).toMatchObject({ status: 502, reason: 'champion' });
    expect(await ask(compared, free)).toMatchObject({ text: 'v1', reason: 'fallback' });
    const alone = await gatewayWith({ holdout: { share, version, salt }, fallback: 'v1' }, ['v2']);
    expect(await ask(alone, shipped)).toMatchObject({ text: 'v1', reason: 'fallback' });
  });

  it('keeps who is held out on the pinned version when the exposure cannot be written', async () => {
    const gateway = await gatewayWith({ holdout: held });
    for (const mode of ['fail', 'throw'] as const) {
      gateway.spool.mode = mode;
      expect(await ask(gateway, pinned)).toMatchObject({ text: 'v1', reason: 'fault' });
      expect(await ask(gateway, shipped)).toMatchObject({ text: 'v2', reason: 'fault' });
    }
    gateway.spool.mode = 'work';
    expect(gateway.spool.exposures).toEqual([]);
  });
});

describe('a gateway and the audience of an experiment', () => {
  const audience: readonly Predicate[] = [
    { attribute: 'country', kind: 'in', values: ['IN', 'BR'] },
    { attribute: 'plan', kind: 'equals', value: 'free', negated: true },
    { attribute: 'age', kind: 'range', from: 18, to: null },
  ];

  it('enrols requests that meet every condition, from header, query and body', async () => {
    const gateway = await gatewayWith({
      champion: 'v1',
      attributes: {
        country: { header: 'x-country' },
        plan: { query: 'plan' },
        age: { pointer: '/user/age' },
      },
      experiments: [canaryPlan(1, { audience })],
    });
    const meets = {
      headers: { 'x-country': 'IN' },
      path: '/predict?plan=gold',
      body: '{"user":{"age":18}}',
    };
    expect(await ask(gateway, 'u', meets)).toMatchObject({ text: 'v2', reason: 'experiment' });
    for (const misses of [
      { ...meets, headers: { 'x-country': 'DE' } },
      { ...meets, headers: {} },
      { ...meets, path: '/predict?plan=free' },
      { ...meets, path: '/predict' },
      { ...meets, body: '{"user":{"age":17}}' },
      { ...meets, body: '{"user":{}}' },
      { ...meets, body: 'no json' },
    ]) {
      expect(await ask(gateway, 'u', misses)).toMatchObject({ text: 'v1', reason: 'champion' });
    }
    expect(gateway.spool.exposures).toHaveLength(1);
  });
});
