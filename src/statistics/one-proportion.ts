import type { Interval } from './assessment.js';
import { count, type Estimable, estimated, notEstimable, openUnit, refuse } from './estimable.js';
import { betaQuantile, betaUpperQuantile, normalUpperQuantile } from './numerics.js';

/** Successes among independent trials of one arm. */
export interface Proportion {
  readonly successes: number;
  readonly trials: number;
}

export function checkProportion(field: string, { successes, trials }: Proportion): void {
  count(`${field}.trials`, trials);
  count(`${field}.successes`, successes);
  if (successes > trials) refuse(`${field}.successes`, successes, 'at most the number of trials');
}

/**
 * Wilson (1927) score interval of confidence 1 - alpha. The smaller root comes from the product of the
 * roots, not from a difference, so that rare events keep all their digits.
 */
export function wilsonInterval(arm: Proportion, alpha: number): Estimable<Interval> {
  checkProportion('arm', arm);
  const z = normalUpperQuantile(openUnit('alpha', alpha) / 2);
  if (arm.trials === 0) return notEstimable('insufficient_sample');
  return estimated({
    lower: wilsonLower(arm.successes, arm.trials, z),
    upper: 1 - wilsonLower(arm.trials - arm.successes, arm.trials, z),
  });
}

function wilsonLower(successes: number, trials: number, z: number): number {
  const p = successes / trials;
  const root = z * Math.sqrt(z * z + 4 * successes * (1 - p));
  return (2 * successes * p) / (2 * successes + z * z + root);
}

/** Clopper & Pearson (1934) exact interval of confidence 1 - alpha, by Beta quantiles. */
export function clopperPearsonInterval(arm: Proportion, alpha: number): Estimable<Interval> {
  checkProportion('arm', arm);
  openUnit('alpha', alpha);
  const { successes, trials } = arm;
  if (trials === 0) return notEstimable('insufficient_sample');
  const failures = trials - successes;
  return estimated({
    lower: successes === 0 ? 0 : betaQuantile(alpha / 2, successes, failures + 1),
    upper: failures === 0 ? 1 : betaUpperQuantile(alpha / 2, successes + 1, failures),
  });
}
