import { describe, expect, it } from 'vitest';
import { BUILT_IN_METRICS } from '../../../src/metrics/built-in.js';
import { defineMetric } from '../../../src/metrics/define-metric.js';
import type { MetricBody } from '../../../src/metrics/metric.contract.js';
import { binOf, latencyOfBin, whyNotPaired } from '../../../src/metrics/paired.js';
import { compilePairs } from '../../../src/metrics/paired-sql.js';

const metric = (body: Partial<MetricBody> & Pick<MetricBody, 'source'>) =>
  defineMetric('m', { kind: 'mean', direction: 'decrease', ...body });

const label = { label: { outcome: 'truth', output: 'score', loss: 'brier' } } as const;

describe('a metric', () => {
  it.each([
    ['a loss', metric({ source: label })],
    ['a captured number', metric({ source: { prediction: 'score' } })],
    ...BUILT_IN_METRICS.filter(({ name }) => name !== 'fallback_rate').map(
      (m) => [m.name, m] as const,
    ),
  ] as const)('of single requests is compared in pairs: %s', (_, given) => {
    expect(whyNotPaired(given)).toBeNull();
  });

  it.each([
    ['what happens later', metric({ source: { outcome: 'bought' } })],
    ['fallbacks', metric({ kind: 'proportion', source: { prediction: 'fallback' } })],
    ['a sum per unit', metric({ source: { prediction: 'score' }, aggregation: 'sum' })],
    [
      'a quantile',
      metric({ kind: 'quantile', source: { prediction: 'latency_ms' }, quantile: 0.9 }),
    ],
  ] as const)('of anything else is not: %s', (_, given) => {
    expect(whyNotPaired(given)).not.toBeNull();
  });
});

describe('compiled pairs', () => {
  it('carry what people wrote in bind parameters only', () => {
    const source = { label: { outcome: '§truth', output: '§score', loss: 'log_loss' } } as const;
    const marked = defineMetric('§name', {
      ...{ kind: 'mean', source, direction: 'decrease', window: '7d' },
    });
    const { ctes, values, labels, outputs } = compilePairs([marked], '§model');
    expect(ctes).not.toContain('§');
    for (const text of ['§truth', '§score', '§name', '§model']) expect(values).toContain(text);
    const used = new Set([...ctes.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
    for (let index = 1; index <= values.length; index += 1) expect(used).toContain(4 + index);
    expect([labels, outputs]).toEqual([['§truth'], ['§score']]);
  });
});

describe('bins', () => {
  it('follow one another without a gap, on both sides of 0', () => {
    for (let code = -60; code < 60; code += 1) {
      expect(binOf(code).to).toBeCloseTo(binOf(code + 1).from, 12);
    }
    expect(binOf(0).from).toBe(0);
    expect(binOf(19).to).toBe(1);
    expect(binOf(28)).toEqual({ from: 2, to: 2 ** 1.125 });
  });

  it('of latencies are at most 2.2 % from what is in them', () => {
    for (const ms of [0.07, 1, 3.3, 250, 59_999]) {
      const bin = 1 + Math.floor(16 * Math.log2(16 * ms));
      expect(Math.abs(latencyOfBin(bin) / ms - 1)).toBeLessThan(0.0221);
      expect(latencyOfBin(-bin)).toBe(-latencyOfBin(bin));
    }
    expect(latencyOfBin(0)).toBe(0);
  });
});
