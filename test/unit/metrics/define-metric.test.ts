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
    });
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
    [{ kind: 'quantile', source: { prediction: 'latency_ms' } }, 'not_yet', 'kind'],
    [{ kind: 'mean', source: { outcome: 'buy' }, winsorize: 0.99 }, 'not_yet', 'winsorize'],
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
    [
      { kind: 'proportion', source: { prediction: 'latency_ms' } },
      'invalid_input',
      'source.prediction',
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
  ])('refuses %j', (body) => {
    expect(metricBody.safeParse({ direction: 'increase', ...body }).success).toBe(false);
  });

  it('takes names that are safe in a path', () => {
    expect(metricName.safeParse('log_loss.v2').success).toBe(true);
    expect(metricName.safeParse('../x').success).toBe(false);
    expect(BUILT_IN_METRICS.every(({ name }) => metricName.safeParse(name).success)).toBe(true);
  });
});
