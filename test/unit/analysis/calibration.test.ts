import { describe, expect, it } from 'vitest';
import { assess, runningResults } from '../../../src/analysis/assess.js';
import type { Evidence } from '../../../src/analysis/evidence.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { DecisionKind } from '../../../src/rollouts/policy/policy.js';
import { designOf, evidenceOf, phaseOf, rateCell } from '../../support/evidence.js';

/** xorshift128 (Marsaglia 2003): seeded, so that a failure can be looked at. */
function randomFrom(seed: number): () => number {
  let x = seed | 1;
  let y = 362_436_069;
  let z = 521_288_629;
  let w = 88_675_123;
  return () => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return (w >>> 0) / 2 ** 32;
  };
}

interface World {
  readonly mistakes: readonly [number, number];
  readonly errors: readonly [number, number];
  readonly looks: number;
  readonly unitsPerLook: number;
}

/** One experiment through the real assess and decide, looked at after every few units. */
function run(world: World, seed: number): DecisionKind {
  const random = randomFrom(seed);
  const design = designOf();
  const counts = [0, 1].map(() => ({ n: 0, mistakes: 0, errors: 0 }));
  let previous: Evidence['previous'] = [];
  for (let look = 0; look < world.looks; look += 1) {
    for (let unit = 0; unit < world.unitsPerLook; unit += 1) {
      const arm = random() < 0.5 ? 0 : 1;
      const tally = counts[arm];
      if (tally === undefined) continue;
      tally.n += 1;
      if (random() < world.mistakes[arm]) tally.mistakes += 1;
      if (random() < world.errors[arm]) tally.errors += 1;
    }
    const cells = ['control', 'v2'].flatMap((variant, arm) => {
      const { n, mistakes, errors } = counts[arm] ?? { n: 0, mistakes: 0, errors: 0 };
      return [
        rateCell({ metric: 'mistakes', variant }, mistakes, n),
        rateCell({ metric: 'error_rate', variant }, errors, n),
      ];
    });
    const evidence = evidenceOf(cells, { design, previous, phases: [phaseOf(1)] });
    const assessment = assess(evidence);
    previous = runningResults(assessment, evidence);
    const state = {
      status: 'running',
      startedAtMs: 0,
      step: 1,
      stepStartedAtMs: 0,
      approvedStep: null,
      failedAnalyses: 0,
    } as const;
    const { kind } = decide({ design, state, assessment, nowMs: 1000 });
    if (kind !== 'hold') return kind;
  }
  return 'hold';
}

function shares(world: World, runs: number): Record<string, number> {
  const tally: Record<string, number> = {};
  for (let seed = 1; seed <= runs; seed += 1) {
    const kind = run(world, seed * 7919);
    tally[kind] = (tally[kind] ?? 0) + 1 / runs;
  }
  return tally;
}

const RUNS = 400;
/** Three standard errors of a share of .05 over the runs. */
const SLACK = 3 * Math.sqrt((0.05 * 0.95) / RUNS);

describe('looking after every 40 units', () => {
  it('promotes or rolls back an identical version in at most 5 % of the runs each', () => {
    const world = {
      mistakes: [0.12, 0.12],
      errors: [0.005, 0.005],
      looks: 100,
      unitsPerLook: 40,
    } as const;
    const { promote = 0, rollback = 0 } = shares(world, RUNS);
    expect(promote).toBeLessThanOrEqual(0.05 + SLACK);
    expect(rollback).toBeLessThanOrEqual(0.05 + SLACK);
  });

  it('does not promote a better version whose errors are worse by the margin', () => {
    const world = {
      mistakes: [0.12, 0.05],
      errors: [0.005, 0.025],
      looks: 100,
      unitsPerLook: 40,
    } as const;
    expect(shares(world, RUNS)['promote'] ?? 0).toBeLessThanOrEqual(0.05 + SLACK);
  });

  it('promotes a much better version and rolls back a much worse one, nearly always', () => {
    const better = {
      mistakes: [0.12, 0.02],
      errors: [0, 0],
      looks: 100,
      unitsPerLook: 40,
    } as const;
    expect(shares(better, 100)['promote']).toBeGreaterThanOrEqual(0.99);
    const worse = { ...better, mistakes: [0.02, 0.17] } as const;
    expect(shares(worse, 100)['rollback']).toBeGreaterThanOrEqual(0.99);
  });
});
