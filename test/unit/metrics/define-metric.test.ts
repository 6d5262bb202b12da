import { describe, expect, it } from 'vitest';
import { BUILT_IN_METRICS } from '../../../src/metrics/built-in.js';
import { defineMetric } from '../../../src/metrics/define-metric.js';
import { metricBody, metricName } from '../../../src/metrics/metric.contract.js';
import type { MetricDefinition } from '../../../src/metrics/metric.js';
import { shapeOf } from '../../../src/metrics/metric.js';

const label = (loss: string): unknown => ({ label: { outcome: 'truth', output: 'spam', loss } });

function define(body: Record<string, unknown>): MetricDefinition {
  return defineMetric('m', metricBody.parse({ direction: 'increase', ...body }));
}

function refusal(body: Record<string, unknown>): { code: string; field: string } {
  try {
    define(body);
  } catch (error) {
    const { code, defects } = error as { code: string; defects: { field: string }[] };
    return { code, field: defects[0]?.field ?? '' };
  }
  throw new Error('was accepted');
}

describe('a metric definition', () => {
  it('of an outcome proportion counts units with any event, and units without one as zero', () => {
    expect(define({ kind: 'proportion', source: { outcome: 'buy' } })).toEqual({
      name: 'm',
      kind: 'proportion',
      numerator: { source: { kind: 'outcome', outcome: 'buy' }, aggregation: 'any' },
      denominator: null,
      direction: 'increase',
      windowMs: null,
      missing: 'zero',
      winsorizeAt: null,
      winsorizePercentile: null,
      threshold: null,
      covariate: null,
      quantile: null,
    });
  });

  it('with a threshold is the share of requests above it', () => {
    const slow = define({
      kind: 'proportion',
      source: { prediction: 'latency_ms' },
      threshold: 500,
    });
    expect(slow).toMatchObject({ threshold: 500, numerator: { aggregation: 'mean' } });
    expect(shapeOf(slow)).toBe('ratio');
  });

  it('with a cap keeps the number, or the percentile that an experiment takes it from', () => {
    const body = { kind: 'mean', source: { outcome: 'buy' } };
    expect(define({ ...body, winsorize: { at: 200 } })).toMatchObject({
      winsorizeAt: 200,
      winsorizePercentile: null,
    });
    expect(define({ ...body, winsorize: { percentile: 0.99 } })).toMatchObject({
      winsorizeAt: null,
      winsorizePercentile: { percentile: 0.99, lookbackMs: 14 * 86_400_000 },
    });
  });

  it('with a covariate keeps its look-back', () => {
    const body = { source: { outcome: 'buy' }, covariate: { lookback: '28d' } };
    const expected = { covariate: { lookbackMs: 28 * 86_400_000 } };
    expect(define({ kind: 'mean', ...body })).toMatchObject(expected);
    expect(define({ kind: 'proportion', ...body })).toMatchObject(expected);
  });

  it('of a quantile ranks single events and leaves out units without any', () => {
    const p95 = { kind: 'quantile', source: { prediction: 'latency_ms' }, quantile: 0.95 };
    expect(define(p95)).toMatchObject({ kind: 'quantile', quantile: 0.95, missing: 'exclude' });
    expect(define({ ...p95, source: { outcome: 'wait' } })).toMatchObject({ missing: 'exclude' });
  });

  it('of an outcome mean sums per unit inside its window', () => {
    const metric = define({ kind: 'mean', source: { outcome: 'buy' }, window: '7d' });
    expect(metric).toMatchObject({ numerator: { aggregation: 'sum' }, windowMs: 604_800_000 });
    expect(shapeOf(metric)).toBe('mean');
  });

  it('of predictions is a ratio of unit totals over the units that have some', () => {
    const metric = define({ kind: 'mean', source: { prediction: 'latency_ms' } });
    expect(metric).toMatchObject({ numerator: { aggregation: 'mean' }, missing: 'exclude' });
    expect(shapeOf(metric)).toBe('ratio');
  });

  it('reads any other prediction name as a captured field', () => {
    const { numerator } = define({ kind: 'mean', source: { prediction: 'score' } });
    expect(numerator.source).toEqual({ kind: 'prediction', measure: 'captured:score' });
  });

  it('of a label keeps outcome, output and loss', () => {
    const { numerator, missing } = define({ kind: 'mean', source: label('log_loss') });
    expect(numerator).toEqual({
      source: { kind: 'label', outcome: 'truth', output: 'spam', loss: 'log_loss' },
      aggregation: 'mean',
    });
    expect(missing).toBe('exclude');
  });

  it('of a ratio has a measure on both sides', () => {
    const metric = define({
      kind: 'ratio',
      source: { outcome: 'click' },
      aggregation: 'count',
      denominator: { source: { outcome: 'view' }, aggregation: 'count' },
    });
    expect(metric.denominator).toEqual({
      source: { kind: 'outcome', outcome: 'view' },
      aggregation: 'count',
    });
    expect(shapeOf(metric)).toBe('ratio');
  });

  it.each([
    [{ kind: 'ratio', source: { outcome: 'buy' } }, 'invalid_input', 'denominator'],
    [
      { kind: 'mean', source: { outcome: 'buy' }, denominator: { source: { outcome: 'x' } } },
      'invalid_input',
      'denominator',
    ],
    [{ kind: 'proportion', source: label('squared_error') }, 'invalid_input', 'source.label.loss'],
    [
      { kind: 'mean', source: label('brier'), aggregation: 'count' },
      'invalid_input',
      'aggregation',
    ],
    [{ kind: 'proportion', source: { prediction: 'latency_ms' } }, 'invalid_input', 'threshold'],
    [{ kind: 'mean', source: { prediction: 'x' }, threshold: 1 }, 'invalid_input', 'threshold'],
    [
      { kind: 'proportion', source: { prediction: 'error' }, threshold: 1 },
      'invalid_input',
      'threshold',
    ],
    [
      { kind: 'proportion', source: { outcome: 'wait' }, threshold: 1 },
      'invalid_input',
      'threshold',
    ],
    [
      { kind: 'mean', source: { prediction: 'latency_ms' }, winsorize: { at: 9 } },
      'invalid_input',
      'winsorize',
    ],
    [
      { kind: 'proportion', source: { outcome: 'buy' }, winsorize: { at: 9 } },
      'invalid_input',
      'winsorize',
    ],
    [
      {
        kind: 'mean',
        source: { outcome: 'buy' },
        winsorize: { percentile: 0.9, lookback: '0s' },
      },
      'invalid_input',
      'winsorize.lookback',
    ],
    [
      { kind: 'mean', source: { prediction: 'x' }, covariate: { lookback: '1d' } },
      'invalid_input',
      'covariate',
    ],
    [
      {
        kind: 'mean',
        source: { outcome: 'x' },
        aggregation: 'mean',
        covariate: { lookback: '1d' },
      },
      'invalid_input',
      'covariate',
    ],
    [
      { kind: 'mean', source: { outcome: 'x' }, covariate: { lookback: '0d' } },
      'invalid_input',
      'covariate.lookback',
    ],
    [{ kind: 'mean', source: { outcome: 'x' }, quantile: 0.5 }, 'invalid_input', 'quantile'],
    [{ kind: 'quantile', source: { outcome: 'x' } }, 'invalid_input', 'quantile'],
    [
      { kind: 'quantile', source: { prediction: 'error' }, quantile: 0.5 },
      'invalid_input',
      'source',
    ],
    [{ kind: 'quantile', source: label('brier'), quantile: 0.5 }, 'invalid_input', 'source'],
    [
      { kind: 'quantile', source: { outcome: 'x' }, quantile: 0.5, aggregation: 'sum' },
      'invalid_input',
      'aggregation',
    ],
    [
      { kind: 'quantile', source: { outcome: 'x' }, quantile: 0.5, winsorize: { at: 1 } },
      'invalid_input',
      'winsorize',
    ],
    [
      { kind: 'proportion', source: { outcome: 'buy' }, aggregation: 'sum' },
      'invalid_input',
      'aggregation',
    ],
    [
      { kind: 'mean', source: { outcome: 'buy' }, aggregation: 'any' },
      'invalid_input',
      'aggregation',
    ],
    [
      { kind: 'ratio', source: { outcome: 'a' }, denominator: { source: label('brier') } },
      'invalid_input',
      'denominator.source.label',
    ],
    [
      {
        kind: 'ratio',
        source: { outcome: 'a' },
        denominator: { source: { outcome: 'b' }, aggregation: 'mean' },
      },
      'invalid_input',
      'denominator.aggregation',
    ],
    [{ kind: 'mean', source: { outcome: 'buy' }, window: 'soon' }, 'invalid_input', 'window'],
    [{ kind: 'mean', source: { outcome: 'buy' }, window: '0s' }, 'invalid_input', 'window'],
  ])('refuses %j and names the field', (body, code, field) => {
    expect(refusal(body)).toEqual({ code, field });
  });
});

describe('the contract of a metric', () => {
  it.each([
    [{ kind: 'mean', source: {} }],
    [{ kind: 'mean', source: { outcome: 'a', prediction: 'b' } }],
    [{ kind: 'mean', source: { outcome: '' } }],
    [{ kind: 'mean', source: { outcome: 'a\u0000b' } }],
    [{ kind: 'median', source: { outcome: 'a' } }],
    [{ kind: 'mean', source: { outcome: 'a' }, unknown: 1 }],
    [{ kind: 'mean', source: { label: { outcome: 'a', output: 'b', loss: 'hinge' } } }],
    [{ kind: 'mean', source: { outcome: 'a' }, direction: 'up' }],
    [{ kind: 'mean', source: { outcome: 'a' }, winsorize: 0.99 }],
    [{ kind: 'mean', source: { outcome: 'a' }, winsorize: { at: 0 } }],
    [{ kind: 'mean', source: { outcome: 'a' }, winsorize: { at: 9, percentile: 0.9 } }],
    [{ kind: 'mean', source: { outcome: 'a' }, winsorize: { at: 9, lookback: '7d' } }],
    [{ kind: 'mean', source: { outcome: 'a' }, winsorize: { percentile: 99 } }],
    [{ kind: 'quantile', source: { outcome: 'a' }, quantile: 1 }],
    [{ kind: 'proportion', source: { prediction: 'p' }, threshold: Number.NaN }],
  ])('refuses %j', (body) => {
    expect(metricBody.safeParse({ direction: 'increase', ...body }).success).toBe(false);
  });

  it('takes names that are safe in a path', () => {
    expect(metricName.safeParse('log_loss.v2').success).toBe(true);
    expect(metricName.safeParse('../x').success).toBe(false);
    expect(BUILT_IN_METRICS.every(({ name }) => metricName.safeParse(name).success)).toBe(true);
  });
});
