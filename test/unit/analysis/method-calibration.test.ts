import { describe, expect, it } from 'vitest';
import type { AnalysisMethod } from '../../../src/experiments/experiment.js';
import type { MetricCell } from '../../../src/metrics/metric.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import { revenue, success } from '../../support/evidence.js';
import { designWith, looker, metricIn } from '../../support/looks.js';
import { randomFrom } from './random.js';

const LOOKS = 20;
const UNITS_PER_LOOK = 50;
const PLANNED = 2 * LOOKS * UNITS_PER_LOOK;
/** Effect, in standard deviations, that a fixed two-sided test of .05 finds with .80 at the planned units. */
const DETECTABLE = (1.959964 + 0.841621) * Math.sqrt(4 / PLANNED);

interface Run {
  /** At which look the two-sided boundary was crossed on either side; null: never. */
  readonly crossed: number | null;
  /** Looks at which the policy promoted. */
  readonly promotedAt: readonly number[];
}

/** Sums of one arm, to which standard normal units are added. */
class Arm {
  private n = 0;
  private sum = 0;
  private squares = 0;

  constructor(
    private readonly variant: string,
    private readonly mean: number,
    private readonly random: () => number,
  ) {}

  add(units: number): void {
    for (let unit = 0; unit < units; unit += 1) {
      const radius = Math.sqrt(-2 * Math.log(1 - this.random()));
      const y = this.mean + radius * Math.cos(2 * Math.PI * this.random());
      this.n += 1;
      this.sum += y;
      this.squares += y * y;
    }
  }

  cell(): MetricCell {
    const meanY = this.sum / this.n;
    return {
      ...{ metric: 'revenue', phase: 1, variant: this.variant, n: this.n, pending: 0 },
      ...{ meanY, m2Y: this.squares - this.n * meanY * meanY, meanD: 1, m2D: 0, coMoment: 0 },
      ...{ events: this.n, capped: 0, covariate: null },
    };
  }
}

const STATE = {
  status: 'running',
  startedAtMs: 0,
  step: 1,
  stepStartedAtMs: 0,
  approvedStep: null,
  failedAnalyses: 0,
} as const;

/** One experiment through the real assess and decide, with `extra` looks after the planned units. */
function run(method: AnalysisMethod, effect: number, seed: number, extra = 0): Run {
  const random = randomFrom(seed);
  const design = designWith(
    { method, plannedUnits: PLANNED, minUnits: 20 },
    {
      metrics: [success(revenue)],
    },
  );
  const arms = [new Arm('control', 0, random), new Arm('v2', effect, random)];
  const { look } = looker(design);
  const promotedAt: number[] = [];
  let crossed: number | null = null;
  for (let at = 1; at <= LOOKS + extra; at += 1) {
    for (const arm of arms) arm.add(UNITS_PER_LOOK);
    const assessment = look(arms.map((arm) => arm.cell()));
    const { kind } = decide({ design, state: STATE, assessment, nowMs: 1000 });
    if (kind === 'promote') promotedAt.push(at);
    const last = metricIn(assessment, 'revenue').looks.at(-1);
    const isOver = Math.abs(last?.statistic ?? 0) >= (last?.criticalValue ?? Infinity);
    if (crossed === null && isOver) crossed = at;
  }
  return { crossed, promotedAt };
}

const seeds = (runs: number) => Array.from({ length: runs }, (_, run) => 7919 * (run + 1));
const slack = (share: number, runs: number) => 3 * Math.sqrt((share * (1 - share)) / runs);

describe('a group-sequential test with 20 looks', () => {
  it('rejects an identical version in 5 % of the experiments, half of them as better', () => {
    const runs = seeds(1500).map((seed) => run('group_sequential', 0, seed));
    const rejected = runs.filter(({ crossed }) => crossed !== null).length / runs.length;
    expect(Math.abs(rejected - 0.05)).toBeLessThanOrEqual(slack(0.05, runs.length));
    const promoted = runs.filter(({ promotedAt }) => promotedAt.length > 0).length / runs.length;
    expect(promoted).toBeLessThanOrEqual(0.025 + slack(0.025, runs.length));
    expect(promoted).toBeGreaterThan(0.01);
  });

  it('has the power of a fixed test but for 2 %, and needs less at twice the effect', () => {
    const runs = seeds(300).map((seed) => run('group_sequential', DETECTABLE, seed));
    const found = runs.filter(({ promotedAt }) => promotedAt.length > 0).length / runs.length;
    expect(found).toBeGreaterThanOrEqual(0.777 - slack(0.777, runs.length));
    const strong = seeds(100).map((seed) => run('group_sequential', 2 * DETECTABLE, seed));
    const times = strong.map(({ promotedAt }) => (promotedAt[0] ?? LOOKS) / LOOKS);
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    expect(mean).toBeLessThanOrEqual(0.46);
  });
});

describe('a fixed test that is peeked at 20 times', () => {
  it('never promotes before its horizon, and an identical version at it in at most 2.5 %', () => {
    const runs = seeds(600).map((seed) => run('fixed', 0, seed, 5));
    const promoted = runs.filter(({ promotedAt }) => promotedAt.length > 0);
    for (const { promotedAt } of promoted) {
      // at the horizon, and as often as it is asked afterwards: the verdict does not change
      expect(promotedAt).toEqual([20, 21, 22, 23, 24, 25]);
    }
    expect(promoted.length / runs.length).toBeLessThanOrEqual(0.025 + slack(0.025, runs.length));
  });

  it('finds the detectable effect in 80 %', () => {
    const runs = seeds(300).map((seed) => run('fixed', DETECTABLE, seed));
    const found = runs.filter(({ promotedAt }) => promotedAt[0] === LOOKS).length / runs.length;
    expect(Math.abs(found - 0.8)).toBeLessThanOrEqual(slack(0.8, runs.length));
  });
});
