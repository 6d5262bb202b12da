import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { experimentPlan } from '../../src/experiments/experiment-plan.js';
import type { Experiment } from '../../src/experiments/experiment.js';
import { sharesAt } from '../../src/experiments/shares.js';
import { variantOf } from '../../src/routing/assign.js';
import type { ExperimentPlan } from '../../src/routing/plan.js';
import { postedAb, postedCanary, startedExperiment } from '../unit/experiments/experiments.js';

const coverage = fc.double({ min: 0.001, max: 1, noNaN: true });
const ramp = fc
  .uniqueArray(coverage, { minLength: 1, maxLength: 8 })
  .map((steps) => steps.sort((a, b) => a - b));
const weights = fc.tuple(...[1, 2, 3].map(() => fc.double({ min: 0.01, max: 100, noNaN: true })));
const unit = fc.string({ minLength: 1, maxLength: 40 });

function abOf([a, b, c]: readonly number[]): Experiment {
  const [control, second, third] = postedAb().variants;
  return startedExperiment(
    postedAb({
      variants: [
        { ...control, weight: a },
        { ...second, weight: b },
        { ...third, weight: c },
      ],
    }),
  );
}

/** The plans of an experiment that goes up a ramp, one after the other. */
function plansUp(experiment: Experiment, steps: readonly number[]): ExperimentPlan[] {
  const plans: ExperimentPlan[] = [];
  for (const [index, step] of steps.entries()) {
    plans.push(
      experimentPlan(experiment, { coverage: step, phase: index + 1 }, plans.at(-1) ?? null),
    );
  }
  return plans;
}

describe('the plan of an experiment on its way up', () => {
  it('never moves an enrolled unit of an A/B test to another variant', () => {
    fc.assert(
      fc.property(weights, ramp, unit, (given, steps, key) => {
        const seen = plansUp(abOf(given), steps).map((plan) => variantOf(plan, key)?.name ?? null);
        const first = seen.findIndex((name) => name !== null);
        return first < 0 || seen.slice(first).every((name) => name === seen[first]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never takes the variant of a canary away from a unit, nor its control up to one half', () => {
    const canary = startedExperiment(postedCanary());
    fc.assert(
      fc.property(ramp, unit, (steps, key) => {
        let last: string | null = null;
        for (const plan of plansUp(canary, steps)) {
          const name = variantOf(plan, key)?.name ?? null;
          if (last === 'v2' && name !== 'v2') return false;
          if (last === 'control' && plan.coverage <= 0.5 && name !== 'control') return false;
          last = name;
        }
        return true;
      }),
      { numRuns: 2_000 },
    );
  });

  it('never enrols a unit that coverage does not reach', () => {
    fc.assert(
      fc.property(weights, coverage, unit, (given, share, key) => {
        const experiment = abOf(given);
        const [narrow, wide] = plansUp(experiment, [share / 2, share]);
        return narrow === undefined || wide === undefined
          ? false
          : variantOf(narrow, key) === null || variantOf(wide, key) !== null;
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('expected shares', () => {
  it('are shares: none negative, together one', () => {
    fc.assert(
      fc.property(weights, coverage, (given, share) => {
        for (const experiment of [abOf(given), startedExperiment(postedCanary())]) {
          const shares = Object.values(sharesAt(experiment.design!, share));
          if (shares.some((one) => one < 0)) return false;
          if (Math.abs(shares.reduce((sum, one) => sum + one, 0) - 1) > 1e-12) return false;
        }
        return true;
      }),
    );
  });

  // 40,000 units: a share is within 5 standard errors of what the sample-ratio test will expect
  it.each([0.02, 0.2, 0.5, 0.8, 1])('are what assignment does at coverage %d', (share) => {
    for (const experiment of [abOf([5, 3, 2]), startedExperiment(postedCanary())]) {
      const plan = experimentPlan(experiment, { coverage: share, phase: 1 }, null);
      const counts = new Map<string, number>();
      for (let index = 0; index < 40_000; index += 1) {
        const name = variantOf(plan, `unit-${index}`)?.name;
        if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      const enrolled = [...counts.values()].reduce((sum, count) => sum + count, 0);
      for (const [name, expected] of Object.entries(sharesAt(experiment.design!, share))) {
        const error = 5 * Math.sqrt((expected * (1 - expected)) / enrolled);
        expect(Math.abs((counts.get(name) ?? 0) / enrolled - expected)).toBeLessThanOrEqual(error);
      }
    }
  });
});
