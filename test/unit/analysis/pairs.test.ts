import { describe, expect, it } from 'vitest';
import { assess, runningResults } from '../../../src/analysis/assess.js';
import type { Evidence } from '../../../src/analysis/evidence.js';
import type { FrozenDesign } from '../../../src/experiments/experiment.js';
import { canonicalJson } from '../../../src/kernel/json.js';
import type { PairCell } from '../../../src/metrics/paired.js';
import type { Assessment, MetricAssessment } from '../../../src/statistics/assessment.js';
import { errorRate, guards, latency, mistakes, success } from '../../support/evidence.js';
import {
  logLoss,
  type Pair,
  pairCell,
  pairedOf,
  shadowDesign,
  shadowEvidence,
} from '../../support/paired-evidence.js';
import { randomFrom } from './random.js';

const times = (count: number, pair: Pair): Pair[][] => Array.from({ length: count }, () => [pair]);

function metricOf(assessment: Assessment, name: string): MetricAssessment {
  const found = assessment.metrics.find(({ metric }) => metric === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

function assessed(cells: readonly PairCell[], design: Partial<FrozenDesign> = {}): Assessment {
  return assess(shadowEvidence(cells, { design: shadowDesign(design) }));
}

const onMistakes = { metrics: [success(mistakes), guards(errorRate, { absolute: 0.02 })] };

describe('a shadow in pairs', () => {
  it('finds a small steady gain under a large spread between requests', () => {
    const random = randomFrom(3);
    const units = Array.from({ length: 300 }, (): Pair[] => {
      const loss = 5 * random();
      return [[loss, loss - 0.1 + 0.1 * random()]];
    });
    const { superiority, effect, control, treatment } = metricOf(
      assessed([pairCell('log_loss', units)]),
      'log_loss',
    );
    expect(superiority).toMatchObject({ kind: 'tested', passed: true });
    expect(effect).toBeCloseTo(-0.05, 2);
    expect(control.n).toBe(300);
    expect((treatment.value ?? 0) - (control.value ?? 0)).toBeCloseTo(effect ?? 0, 9);
  });

  it('counts a unit once, however often it comes', () => {
    const random = randomFrom(5);
    const one = Array.from({ length: 150 }, (): Pair[] => [[1, 1 + (random() - 0.45)]]);
    const many = one.map((pairs) => Array.from({ length: 50 }, (): Pair => pairs[0] ?? [0, 0]));
    const single = metricOf(assessed([pairCell('log_loss', one)]), 'log_loss');
    const repeated = metricOf(assessed([pairCell('log_loss', many)]), 'log_loss');
    expect(repeated.pairs?.pairs).toBe(7500);
    expect(repeated.standardError).toBeCloseTo(single.standardError ?? 0, 9);
    expect(repeated.pValue).toBeCloseTo(single.pValue ?? 0, 9);
  });

  it('shows better answers by discordant pairs alone, exactly', () => {
    const cell = pairCell('mistakes', [
      ...times(60, [1, 0]),
      ...times(8, [0, 1]),
      ...times(900, [0, 0]),
    ]);
    const found = metricOf(assessed([cell], onMistakes), 'mistakes');
    expect(found.superiority).toMatchObject({ kind: 'tested', passed: true });
    expect(found.pairs?.discordance).toMatchObject({ primaryOnly: 60, shadowOnly: 8, both: 0 });
    expect(found.pairs?.discordance?.pExact).toBeLessThan(1e-9);
  });

  it('needs ten units that differ before a normal approximation is trusted, the exact test none', () => {
    // eight of eight: p = .0176, above its share of alpha
    const few = pairCell('mistakes', [...times(8, [0, 1]), ...times(900, [0, 0])]);
    const waiting = metricOf(assessed([few], onMistakes), 'mistakes').deterioration;
    expect(waiting).toEqual({ kind: 'insufficient', reason: 'too_few_events', have: 8, need: 10 });
    const more = pairCell('mistakes', [...times(9, [0, 1]), ...times(900, [0, 0])]);
    const { alpha } = shadowDesign(onMistakes).analysis;
    expect(metricOf(assessed([more], onMistakes), 'mistakes').deterioration).toMatchObject({
      ...{ kind: 'tested', passed: true, engine: 'e_process', alpha: alpha / 4 },
    });
  });

  it('shows errors within their margin without any error, once ten could have happened', () => {
    const noErrors = (units: number) =>
      metricOf(assessed([pairCell('error_rate', times(units, [0, 0]))]), 'error_rate')
        .nonInferiority;
    expect(noErrors(499)).toEqual({
      ...{ kind: 'insufficient', reason: 'too_few_units', have: 499, need: 500 },
    });
    expect(noErrors(2000)).toMatchObject({ kind: 'tested', passed: true, threshold: 0.02 });
  });

  it('does not show errors within their margin while the shadow has them', () => {
    const cell = pairCell('error_rate', [...times(60, [0, 1]), ...times(1940, [0, 0])]);
    const { nonInferiority, deterioration, margin } = metricOf(assessed([cell]), 'error_rate');
    expect(margin).toBe(0.02);
    expect(nonInferiority).toMatchObject({ kind: 'tested', passed: false });
    expect(deterioration).toMatchObject({ kind: 'tested', passed: true });
  });

  it('holds latency against a relative margin of the primary', () => {
    const design = { metrics: [success(logLoss), guards(latency, { relative: 0.25 })] };
    const random = randomFrom(9);
    const slower = (factor: number): PairCell =>
      pairCell(
        'latency_ms',
        Array.from({ length: 800 }, (): Pair[] => {
          const base = 20 + 30 * random();
          return [[base, base * factor + 5 * (random() - 0.5)]];
        }),
      );
    const fine = metricOf(assessed([slower(1.1)], design), 'latency_ms');
    expect(fine.nonInferiority).toMatchObject({ kind: 'tested', passed: true });
    expect(fine.deterioration).toMatchObject({ kind: 'tested', passed: false });
    expect(fine.margin).toBeCloseTo(0.25 * (fine.control.value ?? 0), 9);
    const bad = metricOf(assessed([slower(1.5)], design), 'latency_ms');
    expect(bad.nonInferiority).toMatchObject({ kind: 'tested', passed: false });
    expect(bad.deterioration).toMatchObject({ kind: 'tested', passed: true });
  });

  it('says of no pairs that there is no evidence, and of equal answers that they have no spread', () => {
    const none = assessed([]);
    expect(metricOf(none, 'log_loss')).toMatchObject({
      effect: null,
      superiority: { kind: 'insufficient', reason: 'too_few_units', have: 0, need: 100 },
      control: { n: 0, value: null },
    });
    expect(none.paired).toMatchObject({ sent: 0, units: 0 });
    const equal = assessed([pairCell('log_loss', times(300, [0.5, 0.5]))]);
    expect(metricOf(equal, 'log_loss')).toMatchObject({
      ...{ effect: 0, standardError: null, interval: null },
      superiority: { kind: 'insufficient', reason: 'zero_variance' },
    });
  });

  it('leaves out what has no pairs', () => {
    const outcomes = { ...mistakes, name: 'bought' };
    const source = { kind: 'outcome', outcome: 'purchase' } as const;
    const bought = { ...outcomes, numerator: { source, aggregation: 'any' as const } };
    const design = { metrics: [success(logLoss), success(bought)] };
    expect(assessed([], design).metrics.map(({ metric }) => metric)).toEqual(['log_loss']);
  });

  it('is the same whenever it is computed, and its permutations are others at the next look', () => {
    const random = randomFrom(17);
    const counts = Array.from({ length: 12 }, (_, at) => {
      return [at % 4, Math.floor(at / 4), 3 + Math.floor(20 * random())] as const;
    });
    const outputs = [
      {
        output: 'class',
        categories: ['a', 'b', 'c', 'd'].map((text) => ({ kind: 'text' as const, text })),
        counts,
        agreeing: counts.reduce((sum, [i, j, n]) => sum + (i === j ? n : 0), 0),
      },
    ];
    const at = (look: number): Evidence =>
      shadowEvidence([], { paired: pairedOf([], { outputs, look }) });
    const once = assess(at(1));
    expect(canonicalJson(assess(JSON.parse(JSON.stringify(at(1))) as Evidence))).toBe(
      canonicalJson(once),
    );
    const [first] = once.paired?.outputs ?? [];
    const [second] = assess(at(2)).paired?.outputs ?? [];
    expect(first?.drift).toMatchObject({ permutations: 199, level: 0.05, isBeyond: true });
    expect(second?.drift?.distance).toBe(first?.drift?.distance);
    expect(second?.drift?.threshold).not.toBe(first?.drift?.threshold);
    expect(first?.kappa?.estimate).toBeLessThan(0.5);
    expect(first?.agreement?.lower).toBeLessThan(first?.agreement?.estimate ?? 0);
  });

  it('reads quantiles of latency from their bins', () => {
    const bin = (ms: number): number => 1 + Math.floor(16 * Math.log2(16 * ms) + 1e-9);
    const histogram = [10, 20, 40].map((ms, at) => [bin(ms), [90, 9, 1][at] ?? 0] as const);
    const paired = pairedOf([], {
      latency: { primary: histogram, shadow: histogram, difference: [[0, 100]] },
    });
    const { latency: shown = [] } = assess(shadowEvidence([], { paired })).paired ?? {};
    expect(shown.map(({ level }) => level)).toEqual([0.5, 0.9, 0.95, 0.99]);
    const at = shown.map(({ primary }) => primary);
    for (const [index, ms] of [10, 10, 20, 20].entries()) {
      expect(Math.abs((at[index] ?? 0) / ms - 1)).toBeLessThan(0.045);
    }
    expect(shown[0]?.difference).toBe(0);
  });

  it('intersects its intervals over the looks', () => {
    const random = randomFrom(23);
    const cells = [200, 400].map((size) =>
      pairCell(
        'log_loss',
        Array.from({ length: size }, (): Pair[] => [[1, 0.8 + 0.4 * random()]]),
      ),
    );
    const first = shadowEvidence(cells.slice(0, 1));
    const look = assess(first);
    const next = shadowEvidence(cells.slice(1), { previous: runningResults(look, first) });
    const [before, after] = [look, assess(next)].map((one) => metricOf(one, 'log_loss'));
    const lower = Math.max(before?.interval?.lower ?? 0, after?.interval?.lower ?? 0);
    expect(after?.runningInterval?.lower).toBe(lower);
    expect(after?.runningPValue).toBeLessThanOrEqual(before?.runningPValue ?? 0);
  });
});
