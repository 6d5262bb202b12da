import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { defineMetric } from '../../src/metrics/define-metric.js';
import { compileMetrics } from '../../src/metrics/metric-sql.js';
import type { MetricBody } from '../../src/metrics/metric.contract.js';
import type { MetricDefinition } from '../../src/metrics/metric.js';

const loss = fc.constantFrom('zero_one', 'log_loss', 'brier', 'absolute_error', 'squared_error');
/** Marked, so that a name which reached the text would be found there. */
const name = fc.string({ minLength: 1, maxLength: 30 }).map((text) => `§${text}`);
const source: fc.Arbitrary<MetricBody['source']> = fc.oneof(
  fc.record({ outcome: name }),
  fc.record({ prediction: name }),
  fc.record({ label: fc.record({ outcome: name, output: name, loss }) }),
);
const metric: fc.Arbitrary<MetricDefinition> = fc
  .record({
    name,
    source,
    window: fc.constantFrom('7d', '31m', undefined),
    options: fc.constantFrom(
      {},
      { winsorize: { at: 3 } },
      { covariate: { lookback: '28d' } },
      { winsorize: { at: 3 }, covariate: { lookback: '1d' } },
    ),
    threshold: fc.constantFrom(undefined, 0.5),
  })
  .map((given) => {
    const { window, threshold } = given;
    const isFlag = ['error', 'timeout', 'fallback'].includes(given.source.prediction ?? '');
    const isShare = threshold !== undefined && given.source.prediction !== undefined && !isFlag;
    return defineMetric(given.name, {
      kind: isShare ? 'proportion' : 'mean',
      source: given.source,
      direction: 'increase',
      ...(window === undefined ? {} : { window }),
      ...(isShare ? { threshold } : {}),
      ...(given.source.outcome === undefined ? {} : given.options),
    });
  });

describe('compiled metrics', () => {
  it('carry what people wrote in bind parameters only', () => {
    fc.assert(
      fc.property(fc.array(metric, { minLength: 1, maxLength: 5 }), (metrics) => {
        const { ctes, values } = compileMetrics(metrics);
        expect(ctes).not.toContain('§');
        for (const one of metrics) expect(values).toContain(one.name);
      }),
      { numRuns: 500 },
    );
  });

  it('use every parameter that they bind, and no other', () => {
    fc.assert(
      fc.property(fc.array(metric, { minLength: 1, maxLength: 5 }), (metrics) => {
        const { ctes, values } = compileMetrics(metrics);
        const used = new Set([...ctes.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
        const bound = Array.from({ length: values.length + 4 }, (_, index) => index + 1);
        expect([...used].sort((a, b) => a - b)).toEqual(bound);
      }),
      { numRuns: 500 },
    );
  });
});
