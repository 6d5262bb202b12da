import type { MetricCell, MetricDefinition, MetricShape } from '../metrics/metric.js';
import type { Adjustment } from '../statistics/assessment.js';
import type { Stratum } from './stratum.js';

/** Below either of these the slope is a guess, and units without a past are most of them: no adjustment. */
const MIN_UNITS_WITH_DATA = 100;
const MIN_SHARE_WITH_DATA = 0.05;

/** Sums of squared deviations inside the arms and phases. */
interface Within {
  readonly n: number;
  readonly unitsWithData: number;
  readonly m2Y: number;
  readonly m2X: number;
  readonly coMomentXY: number;
}

/**
 * Whether and how the difference is adjusted by the covariate of its units, which was measured before their first
 * exposure (CUPED: Deng, Xu, Kohavi and Walker 2013). Theta is the slope inside arms and phases, so that neither an
 * effect nor drift between phases enters it; only matured units are in the cells.
 *
 * @param shape of the data; ratios are never adjusted
 */
export function adjustmentOf(
  definition: MetricDefinition,
  shape: MetricShape,
  strata: readonly Stratum[],
): Adjustment {
  if (definition.covariate === null) return none('no_covariate');
  if (shape === 'ratio') return none('ratio');
  const within = withinArms(strata.flatMap(({ control, treatment }) => [control, treatment]));
  if (within === null) return none('no_units');
  const { n, unitsWithData, m2X, m2Y, coMomentXY } = within;
  if (unitsWithData < MIN_UNITS_WITH_DATA || unitsWithData < MIN_SHARE_WITH_DATA * n) {
    return none('too_few_units_with_data');
  }
  if (!(m2X > 0)) return none('constant_covariate');
  const theta = coMomentXY / m2X;
  return { kind: 'cuped', theta, varianceReduction: m2Y > 0 ? (theta * coMomentXY) / m2Y : 0 };
}

function none(reason: Extract<Adjustment, { kind: 'none' }>['reason']): Adjustment {
  return { kind: 'none', reason };
}

/** Null without units, or where one arm has no covariate. */
function withinArms(cells: readonly MetricCell[]): Within | null {
  let sum: Within = { n: 0, unitsWithData: 0, m2Y: 0, m2X: 0, coMomentXY: 0 };
  for (const { n, m2Y, covariate } of cells) {
    if (covariate === null) return null;
    sum = {
      n: sum.n + n,
      unitsWithData: sum.unitsWithData + covariate.unitsWithData,
      m2Y: sum.m2Y + m2Y,
      m2X: sum.m2X + covariate.m2X,
      coMomentXY: sum.coMomentXY + covariate.coMomentXY,
    };
  }
  return sum.n === 0 ? null : sum;
}

/** Variance of the mean of (scale y - slope x) over the units of a cell. */
export function adjustedVariance(
  { n, m2Y, covariate }: MetricCell,
  scale: number,
  slope: number,
): number {
  const m2X = covariate?.m2X ?? 0;
  const coMoment = covariate?.coMomentXY ?? 0;
  return (scale * scale * m2Y + slope * slope * m2X - 2 * scale * slope * coMoment) / (n - 1) / n;
}

/** Mean of the covariate over both arms of a phase: what each arm's mean is adjusted to. */
export function covariateMean({ control, treatment }: Stratum): number {
  const ofControl = (control.covariate?.meanX ?? 0) * control.n;
  const ofTreatment = (treatment.covariate?.meanX ?? 0) * treatment.n;
  return (ofControl + ofTreatment) / (control.n + treatment.n);
}
