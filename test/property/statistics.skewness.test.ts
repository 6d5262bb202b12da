import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { momentsOf, NO_MOMENTS } from '../../src/statistics/moments.js';
import {
  mergeSkewedMoments,
  type SkewedArm,
  type SkewedMoments,
  skewnessOfDifference,
} from '../../src/statistics/skewness.js';
import { valueOf } from '../support/real-data.js';
import { close, measurement } from './statistics.arbitraries.js';

function skewedMomentsOf(values: readonly number[]): SkewedMoments {
  const moments = momentsOf(values);
  return { ...moments, m3: values.reduce((sum, value) => sum + (value - moments.mean) ** 3, 0) };
}

const NONE: SkewedMoments = { ...NO_MOMENTS, m3: 0 };

describe('third moments', () => {
  it('are the same to 1e-12 however the values are split and in whatever order the parts are merged', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(measurement, { maxLength: 20 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 0, max: 7 }),
        (parts, turn) => {
          const whole = skewedMomentsOf(parts.flat());
          const all = parts.map(skewedMomentsOf);
          const turned = [...all.slice(turn), ...all.slice(0, turn)];
          const half = all.length >> 1;
          const merges = [
            turned.reduce(mergeSkewedMoments, NONE),
            turned.reverse().reduce(mergeSkewedMoments, NONE),
            mergeSkewedMoments(
              all.slice(0, half).reduce(mergeSkewedMoments, NONE),
              all.slice(half).reduce(mergeSkewedMoments, NONE),
            ),
          ];
          // what cancels in a sum of cubes is of this size
          const size = parts.flat().reduce((sum, value) => sum + (2 * Math.abs(value)) ** 3, 0);
          for (const merged of merges) close(merged.m3, whole.m3, 1e-12, Math.max(size, 1e-9));
        },
      ),
    );
  });
});

/** A population as an arm of n units that shows it exactly. */
function armLike(population: readonly number[], n: number): SkewedArm {
  const { m2, m3, n: size } = skewedMomentsOf(population);
  return { n, m2: (m2 / size) * n, m3: (m3 / size) * n };
}

/** Every sample of n values of a population, each as likely as every other. */
function samplesOf(population: readonly number[], n: number): readonly number[][] {
  if (n === 0) return [[]];
  return samplesOf(population, n - 1).flatMap((rest) =>
    population.map((value) => [...rest, value]),
  );
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('the skewness of a difference of means', () => {
  it.each([
    { controlUnits: 1, treatmentUnits: 4 },
    { controlUnits: 4, treatmentUnits: 1 },
    { controlUnits: 3, treatmentUnits: 2 },
  ])('is that of all possible differences: $controlUnits and $treatmentUnits units', (units) => {
    const population = [0, 1, 1, 7];
    const differences = samplesOf(population, units.controlUnits).flatMap((control) =>
      samplesOf(population, units.treatmentUnits).map(
        (treatment) => meanOf(treatment) - meanOf(control),
      ),
    );
    const { n, m2, m3 } = skewedMomentsOf(differences);
    const exact = m3 / n / (m2 / n) ** 1.5;
    const strata = [
      {
        control: armLike(population, units.controlUnits),
        treatment: armLike(population, units.treatmentUnits),
      },
    ];
    expect(valueOf(skewnessOfDifference(strata))).toBeCloseTo(exact, 10);
  });

  it('is 0 between equal arms, and that of one mean against a control without end', () => {
    const population = [0, 0, 0, 0, 12];
    const { n, m2, m3 } = skewedMomentsOf(population);
    const skewness = m3 / n / (m2 / n) ** 1.5;
    const treatment = armLike(population, 400);
    expect(valueOf(skewnessOfDifference([{ control: treatment, treatment }]))).toBe(0);
    const control = armLike(population, 4e12);
    expect(valueOf(skewnessOfDifference([{ control, treatment }]))).toBeCloseTo(skewness / 20, 6);
  });

  it('is not there without units in both arms, or without variance', () => {
    const some = armLike([0, 1], 10);
    const none = armLike([0, 1], 0);
    const flat = { n: 10, m2: 0, m3: 0 };
    expect(skewnessOfDifference([])).toMatchObject({ reason: 'insufficient_sample' });
    expect(skewnessOfDifference([{ control: some, treatment: none }])).toMatchObject({
      reason: 'insufficient_sample',
    });
    expect(skewnessOfDifference([{ control: flat, treatment: flat }])).toMatchObject({
      reason: 'zero_variance',
    });
  });
});
