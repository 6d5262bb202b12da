import { parseDuration } from '../kernel/duration.js';
import { SluiceError } from '../kernel/errors.js';
import type { MetricBody } from './metric.contract.js';
import type { MetricDefinition } from './metric.js';
import { shapeOf } from './metric.js';

/** Two whole weeks: the days of a week differ. */
const CAP_LOOKBACK_MS = 14 * 86_400_000;

type Options = Pick<
  MetricDefinition,
  'winsorizeAt' | 'winsorizePercentile' | 'threshold' | 'covariate' | 'quantile'
>;
type Basis = Omit<MetricDefinition, keyof Options>;

/** Throws `invalid_input` naming one field that does not go together with the others. */
export function refuse(field: string, given: unknown, expected: string, advice: string): never {
  throw new SluiceError('invalid_input', `${field} does not fit the rest of the metric`, [
    { field, given, expected, advice },
  ]);
}

/** A duration longer than zero; throws `invalid_input` naming the field. */
export function spanOf(text: string, field: string, advice: string): number {
  const spanMs = parseDuration(text, field);
  return spanMs > 0 ? spanMs : refuse(field, text, 'longer than zero', advice);
}

function thresholdOf(body: MetricBody, { kind, numerator: { source } }: Basis): number | null {
  const { threshold } = body;
  const isNumber =
    source.kind === 'prediction' && !['error', 'timeout', 'fallback'].includes(source.measure);
  if (threshold === undefined) {
    if (kind !== 'proportion' || !isNumber || source.measure !== 'latency_ms') return null;
    return refuse(
      'threshold',
      undefined,
      'a number',
      'a share of slow requests needs a limit: give a threshold such as 500, or use kind "mean"',
    );
  }
  if (kind === 'proportion' && isNumber) return threshold;
  return refuse(
    'threshold',
    threshold,
    'kind "proportion" of the prediction latency_ms or of a captured number',
    'leave it out, or count the requests above it with kind "proportion"',
  );
}

function capOf(
  { winsorize }: MetricBody,
  basis: Basis,
): Pick<Options, 'winsorizeAt' | 'winsorizePercentile'> {
  if (winsorize === undefined) return { winsorizeAt: null, winsorizePercentile: null };
  if (basis.kind === 'quantile' || shapeOf(basis) !== 'mean') {
    return refuse(
      'winsorize',
      winsorize,
      'a metric with one number per unit: kind "mean" with aggregation "sum" or "count"',
      'a cap on a ratio of totals or on a share of units has no meaning: leave it out',
    );
  }
  if (winsorize.at !== undefined) return { winsorizeAt: winsorize.at, winsorizePercentile: null };
  const { percentile, lookback } = winsorize;
  if (percentile === undefined)
    return refuse('winsorize', winsorize, 'at or percentile', 'give one');
  const advice = 'leave it out for "14d"';
  const lookbackMs =
    lookback === undefined ? CAP_LOOKBACK_MS : spanOf(lookback, 'winsorize.lookback', advice);
  return { winsorizeAt: null, winsorizePercentile: { percentile, lookbackMs } };
}

function covariateOf({ covariate }: MetricBody, basis: Basis): Options['covariate'] {
  if (covariate === undefined) return null;
  const { kind, numerator } = basis;
  if (numerator.source.kind !== 'outcome' || kind === 'quantile' || shapeOf(basis) === 'ratio') {
    return refuse(
      'covariate',
      covariate,
      'a mean (sum or count) or proportion of outcomes',
      'only outcomes that name the unit are known from before its first exposure: leave it out',
    );
  }
  return {
    lookbackMs: spanOf(covariate.lookback, 'covariate.lookback', 'write for example "28d"'),
  };
}

function quantileOf(body: MetricBody, { kind }: Basis): number | null {
  const { quantile } = body;
  if (kind !== 'quantile') {
    if (quantile === undefined) return null;
    return refuse('quantile', quantile, 'kind "quantile"', 'use kind "quantile", or leave it out');
  }
  if (quantile === undefined) {
    return refuse('quantile', undefined, 'a level between 0 and 1', 'for example 0.95');
  }
  return quantile;
}

/**
 * The options of a metric, checked against the rest of it.
 *
 * @throws SluiceError `invalid_input` naming the option that makes no sense here
 */
export function optionsOf(body: MetricBody, basis: Basis): Options {
  return {
    ...capOf(body, basis),
    threshold: thresholdOf(body, basis),
    covariate: covariateOf(body, basis),
    quantile: quantileOf(body, basis),
  };
}
