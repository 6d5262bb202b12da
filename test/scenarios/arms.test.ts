import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedsOf, Stage, type Visit } from '../support/stage.js';
import { until } from '../support/sluice.js';
import { seeded } from '../unit/statistics/seeded.js';

const SEEDS = seedsOf([3, 5, 7, 11, 13]);
const NULL_SEEDS = Array.from({ length: 20 }, (_, index) => 1_000 + index);

/** Visits of a user hang together: some click on nearly everything, others on nearly nothing. */
const VISITS = 3;
const UNITS = 240;

let stage: Stage;
let url: string;

beforeAll(async () => {
  stage = await Stage.open();
  url = await stage.serve(() => ({ body: { items: ['a', 'b', 'c'] } }));
  await stage.client.putMetric('click_rate', {
    ...{ kind: 'ratio', direction: 'increase' },
    source: { outcome: 'click' },
    denominator: { source: { prediction: 'latency_ms' }, aggregation: 'count' },
  });
});

afterAll(() => stage.close());

interface World {
  readonly model: string;
  readonly experiment: string;
  readonly visits: (user: number) => readonly Visit[];
}

/** Worlds begin one after the other, so that no start waits for another, and are lived side by side. */
async function lived(
  name: string,
  seeds: readonly number[],
  lift: number,
): Promise<readonly { readonly experiment: string; readonly winners: readonly string[] }[]> {
  const worlds: World[] = [];
  for (const seed of seeds) worlds.push(await recommenders(name, seed, lift));
  return Promise.all(worlds.map(winnersOf));
}

/** Three ways to recommend; whether a user clicks depends on the user and, in one world, on the version. */
async function recommenders(name: string, seed: number, lift: number): Promise<World> {
  const { client } = stage;
  const model = `${name}-${String(seed)}`;
  const experiment = `${model}-abn`;
  await client.putModel(model, {});
  for (const version of ['v1', 'v2', 'v3']) await client.putVersion(model, version, { url });
  await client.createExperiment({
    ...{ name: experiment, model, kind: 'ab' },
    variants: [
      { name: 'a', version: 'v1', control: true },
      { name: 'b', version: 'v2' },
      { name: 'c', version: 'v3' },
    ],
    metrics: [{ metric: 'click_rate', role: 'success' }],
    analysis: {
      minimumDetectableEffect: { absolute: 0.15 },
      ...{ plannedUnits: 300, minUnits: 40, minRuntime: '1s', interval: '1s' },
    },
    decision: { onSuccess: 'recommend' },
  });
  // who gets what is fixed by the seed, as everything else of this world is
  await stage.salt(experiment, `salt-${String(seed)}`);
  await client.perform(experiment, 'start', 'a scenario');
  const visits = (user: number): readonly Visit[] => {
    const random = seeded(seed * 65_537 + user);
    for (let warmUp = 0; warmUp < 4; warmUp += 1) random();
    const taste = random() < 0.5 ? 0.1 : 0.5;
    return Array.from({ length: VISITS }, () => {
      const draw = random();
      return {
        unit: `user-${String(seed)}-${String(user)}`,
        body: {},
        outcomes: ({ version }) =>
          draw < taste + (version === 'v3' ? lift : 0) ? [{ name: 'click', value: 1 }] : [],
      };
    });
  };
  return { model, experiment, visits };
}

/** Lets the users of a world come, and says who was recommended. */
async function winnersOf(
  world: World,
): Promise<{ readonly experiment: string; readonly winners: readonly string[] }> {
  const { experiment } = world;
  await stage.play({ ...world, maxUnits: UNITS });
  // everything is shipped within a second, and taken in by the analysis after that
  await stage.analysedAgain(experiment, 4);
  const recommended = (await stage.log(experiment)).filter(
    ({ reasons }) => reasons.code === 'promotion_recommended',
  );
  await stage.client.perform(experiment, 'abort', 'the scenario is over');
  const winners = recommended.map(({ summary }) => /: (\S+) is better/.exec(summary)?.[1] ?? '?');
  return { experiment, winners };
}

describe('arms of a running experiment', () => {
  it('are weighed anew and closed by people, and nobody who stays is moved', async () => {
    const { client } = stage;
    await client.putModel('arms', {});
    for (const version of ['v1', 'v2', 'v3']) await client.putVersion('arms', version, { url });
    await client.createExperiment({
      ...{ name: 'arms', model: 'arms', kind: 'ab', coverage: 0.5 },
      variants: [
        { name: 'a', version: 'v1', control: true },
        { name: 'b', version: 'v2' },
        { name: 'c', version: 'v3' },
      ],
      metrics: [{ metric: 'click_rate', role: 'success' }],
      analysis: { minimumDetectableEffect: { absolute: 0.15 }, plannedUnits: 3_000 },
    });
    await client.perform('arms', 'start', 'a scenario');
    const users = Array.from({ length: 300 }, (_, user) => `user-${String(user)}`);
    const served = async (): Promise<readonly (string | null)[]> =>
      Promise.all(
        users.map(async (unit) => {
          const answer = await client.predict({ model: 'arms', path: '/', unit, body: {} });
          return answer.reason === 'experiment' ? answer.version : null;
        }),
      );
    // gateways follow within half a second, told or not
    const before = await until('the gateway enrols', async () => {
      const versions = await served();
      return versions.includes('v2') ? versions : null;
    });
    await stage.post('/experiments/arms/weights', {
      ...{ weights: { a: 1, b: 1, c: 2 }, coverage: 1, reason: 'more of c' },
    });
    await stage.post('/experiments/arms/close', { variant: 'b', reason: 'too dear' });
    const after = await until('the gateway closes the arm', async () => {
      const versions = await served();
      return versions.includes('v2') ? null : versions;
    });
    for (const [index, version] of before.entries()) {
      if (version !== null) expect(after[index]).toBe(version === 'v2' ? null : version);
    }
    expect(after.filter((version) => version !== null).length).toBeGreaterThan(
      before.filter((version) => version !== null).length,
    );
    await client.perform('arms', 'abort', 'the scenario is over');
  });
});

describe('three ways to recommend, with visits that hang together', () => {
  it('c wins where users click more on it, in every world', async () => {
    const worlds = await lived('better', SEEDS, 0.4);
    for (const { winners } of worlds) {
      expect(winners.length).toBeGreaterThan(0);
      expect(new Set(winners)).toEqual(new Set(['c']));
    }
  });

  it('in worlds without a difference at most one of 20 has a winner', async () => {
    const worlds = await lived('null', NULL_SEEDS, 0);
    const won = worlds.filter(({ winners }) => winners.length > 0);
    expect(won.length, JSON.stringify(won)).toBeLessThanOrEqual(1);
  });
});
