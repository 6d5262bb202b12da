import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedsOf, Stage, type Visit } from '../support/stage.js';
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

/** Three ways to recommend; whether a user clicks depends on the user and, in one world, on the version. */
async function recommenders(
  name: string,
  seed: number,
  lift: number,
): Promise<{ readonly experiment: string; readonly winners: readonly string[] }> {
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
  await stage.play({ model, experiment, visits, maxUnits: UNITS });
  // everything is shipped within a second, and taken in by the analysis after that
  await stage.analysedAgain(experiment, 4);
  const recommended = (await stage.log(experiment)).filter(
    ({ reasons }) => reasons.code === 'promotion_recommended',
  );
  await client.perform(experiment, 'abort', 'the scenario is over');
  const winners = recommended.map(({ summary }) => /: (\S+) is better/.exec(summary)?.[1] ?? '?');
  return { experiment, winners };
}

describe('three ways to recommend, with visits that hang together', () => {
  it('c wins where users click more on it, in every world', async () => {
    const worlds = await Promise.all(SEEDS.map((seed) => recommenders('better', seed, 0.4)));
    for (const { winners } of worlds) {
      expect(winners.length).toBeGreaterThan(0);
      expect(new Set(winners)).toEqual(new Set(['c']));
    }
  });

  it('in worlds without a difference at most one of 20 has a winner', async () => {
    const worlds = await Promise.all(NULL_SEEDS.map((seed) => recommenders('null', seed, 0)));
    const won = worlds.filter(({ winners }) => winners.length > 0);
    expect(won.length, JSON.stringify(won)).toBeLessThanOrEqual(1);
  });
});
