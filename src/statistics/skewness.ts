import {
  count,
  type Estimable,
  estimated,
  finite,
  nonNegative,
  notEstimable,
} from './estimable.js';
import { mergeMoments, type Moments } from './moments.js';

/** Moments with the sum of cubed deviations from the mean. */
export interface SkewedMoments extends Moments {
  readonly m3: number;
}

/**
 * Moments of the union of two disjoint samples, the third by Pébay (2008), equation 2.1:
 * m3 = m3a + m3b + d^3 na nb (na - nb)/n^2 + 3 d (na m2b - nb m2a)/n with d = mean b - mean a.
 */
export function mergeSkewedMoments(a: SkewedMoments, b: SkewedMoments): SkewedMoments {
  const merged = mergeMoments(a, b);
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const { n } = merged;
  const d = b.mean - a.mean;
  const apart = d * d * d * (a.n / n) * (b.n / n) * (a.n - b.n);
  const along = 3 * d * ((a.n / n) * b.m2 - (b.n / n) * a.m2);
  return { ...merged, m3: a.m3 + b.m3 + apart + along };
}

/** Sums of squared and cubed deviations of one arm of one stratum. */
export interface SkewedArm {
  readonly n: number;
  readonly m2: number;
  readonly m3: number;
}

export interface SkewedStratum {
  readonly control: SkewedArm;
  readonly treatment: SkewedArm;
}

/**
 * Skewness of the weighted difference of means over strata when both arms have one distribution in each stratum, with
 * weights proportional to n_c n_t/(n_c + n_t): kappa3/kappa2^1.5 of
 * kappa3 = sum w^3 mu3 (1/n_t^2 - 1/n_c^2), kappa2 = sum w^2 mu2 (1/n_t + 1/n_c),
 * cumulants of independent sums adding up; mu2 and mu3 pooled inside the arms. 0 when the arms are equally large,
 * skewness/sqrt(n_t) against a far larger control. Undefined without units in both arms, or without variance.
 */
export function skewnessOfDifference(strata: readonly SkewedStratum[]): Estimable<number> {
  for (const { control, treatment } of strata) {
    checkArm('control', control);
    checkArm('treatment', treatment);
  }
  if (
    strata.length === 0 ||
    strata.some(({ control, treatment }) => !(control.n * treatment.n > 0))
  ) {
    return notEstimable('insufficient_sample');
  }
  const parts = strata.map(partOf);
  // in units of the largest deviation, and of all weights: a cube of a large value is beyond every double
  const deviation = Math.sqrt(Math.max(...parts.map(({ mu2 }) => mu2)));
  if (deviation === 0) return notEstimable('zero_variance');
  const weights = parts.reduce((sum, { weight }) => sum + weight, 0);
  let kappa2 = 0;
  let kappa3 = 0;
  for (const { control, treatment, weight, mu2, mu3 } of parts) {
    const share = weight / weights;
    const cube = mu3 / deviation / deviation / deviation;
    kappa2 += share ** 2 * (mu2 / deviation / deviation) * (1 / treatment + 1 / control);
    kappa3 += share ** 3 * cube * (1 / treatment ** 2 - 1 / control ** 2);
  }
  return estimated(kappa3 / kappa2 ** 1.5);
}

/** Units of both arms, their weight, and what their deviations squared and cubed are on average. */
function partOf({ control, treatment }: SkewedStratum) {
  const units = control.n + treatment.n;
  return {
    control: control.n,
    treatment: treatment.n,
    weight: (control.n / units) * treatment.n,
    mu2: (control.m2 + treatment.m2) / units,
    mu3: (control.m3 + treatment.m3) / units,
  };
}

function checkArm(field: string, { n, m2, m3 }: SkewedArm): void {
  count(`${field}.n`, n);
  nonNegative(`${field}.m2`, m2);
  finite(`${field}.m3`, m3);
}
