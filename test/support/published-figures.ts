import type { MetricCell, QuantileCell } from '../../src/metrics/metric.js';
import { asymptoticSequenceInformationTime } from '../../src/statistics/confidence-sequence.js';
import { sampleRatioChiSquare } from '../../src/statistics/sample-ratio.js';
import {
  newcombeInterval,
  pooledZTest,
  type TwoProportions,
  unpooledZTest,
} from '../../src/statistics/two-proportion.js';
import { welchTTest } from '../../src/statistics/welch.js';
import { valueOf } from './real-data.js';

const ALPHA = 0.05;

/** One metric in both arms, as an analysis stores it. */
export interface ArmCells {
  readonly control: MetricCell;
  readonly treatment: MetricCell;
}

export interface ArmQuantiles {
  readonly control: QuantileCell;
  readonly treatment: QuantileCell;
}

/** What the report says beside the cells. */
export interface Reported {
  readonly diff: number | null;
  readonly relative: number | null;
}

/** The figures of a share, in the words of the published ones; every number is of our functions. */
export function shareFigures({ control, treatment }: ArmCells, reported: Reported) {
  const counts: TwoProportions = {
    control: { successes: control.events, trials: control.n },
    treatment: { successes: treatment.events, trials: treatment.n },
  };
  const pooled = valueOf(pooledZTest({ ...counts, alternative: 'two-sided' }));
  const wald = valueOf(unpooledZTest({ ...counts, alternative: 'two-sided', alpha: ALPHA }));
  const newcombe = valueOf(newcombeInterval({ ...counts, alpha: ALPHA }));
  const arm = ({ n, events, meanY }: MetricCell) => ({ n, successes: events, rate: meanY });
  return {
    arms: { gate_30: arm(control), gate_40: arm(treatment) },
    gate_40_vs_gate_30: {
      ...reported,
      se_unpooled: wald.standardError,
      z_pooled: pooled.statistic,
      p_pooled_z: pooled.pValue,
      p_unpooled_z: wald.pValue,
      ci_wald: [wald.lower, wald.upper],
      ci_newcombe: [newcombe.lower, newcombe.upper],
      anytime_valid_significant: leavesZero(wald),
    },
  };
}

/** The figures of a mean, with median and maximum from the quantiles of the raw values. */
export function meanFigures(
  cells: ArmCells,
  { medians, maxima }: { readonly medians: ArmQuantiles; readonly maxima: ArmQuantiles },
  reported: Reported,
) {
  const summaryOf = ({ n, meanY, m2Y }: MetricCell) => ({
    n,
    mean: meanY,
    variance: m2Y / (n - 1),
  });
  const arms = { control: summaryOf(cells.control), treatment: summaryOf(cells.treatment) };
  const test = valueOf(welchTTest({ ...arms, alpha: ALPHA, alternative: 'two-sided' }));
  const arm = (side: 'control' | 'treatment') => ({
    n: cells[side].n,
    sum: cells[side].n * cells[side].meanY,
    mean: cells[side].meanY,
    sd: Math.sqrt(arms[side].variance),
    median: medians[side].quantile,
    max: maxima[side].quantile,
  });
  return {
    arms: { gate_30: arm('control'), gate_40: arm('treatment') },
    gate_40_vs_gate_30: {
      ...reported,
      se: test.standardError,
      t: test.statistic,
      df: test.df,
      p_welch: test.pValue,
      ci_welch: [test.lower, test.upper],
      anytime_valid_significant: leavesZero(test),
    },
  };
}

export function sampleRatioP(observed: readonly number[]): number {
  return valueOf(sampleRatioChiSquare({ observed, weights: observed.map(() => 1) })).pValue;
}

/** Whether a sequence that is tuned for just this sample leaves out "no effect" at the end. */
function leavesZero(look: { readonly estimate: number; readonly standardError: number }): boolean {
  const { estimate, standardError } = look;
  const tuned = { plannedStandardError: standardError, alpha: ALPHA } as const;
  const sequence = asymptoticSequenceInformationTime({
    ...{ estimate, standardError, ...tuned, alternative: 'two-sided' },
  });
  const { lower, upper } = valueOf(sequence);
  return lower > 0 || upper < 0;
}

/** Every figure with the path to it, in the order of the document. */
export function figuresIn(document: unknown, path = ''): readonly (readonly [string, unknown])[] {
  if (typeof document !== 'object' || document === null) return [[path, document]];
  return Object.entries(document).flatMap(([name, value]) =>
    figuresIn(value, path === '' ? name : `${path}.${name}`),
  );
}
