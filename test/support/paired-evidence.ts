import type { Evidence, PairedEvidence } from '../../src/analysis/evidence.js';
import type { FrozenDesign } from '../../src/experiments/experiment.js';
import { BUILT_IN_METRICS } from '../../src/metrics/built-in.js';
import type { MetricDefinition } from '../../src/metrics/metric.js';
import type { PairCell } from '../../src/metrics/paired.js';
import { designOf, errorRate, evidenceOf, guards, mistakes, success } from './evidence.js';

/** One request of a unit: the primary's value and the shadow's. */
export type Pair = readonly [number, number];

export const logLoss: MetricDefinition = {
  ...mistakes,
  name: 'log_loss',
  numerator: {
    source: { kind: 'label', outcome: 'chargeback', output: 'score', loss: 'log_loss' },
    aggregation: 'mean',
  },
};

export function builtIn(name: string): MetricDefinition {
  const found = BUILT_IN_METRICS.find((metric) => metric.name === name);
  if (found === undefined) throw new Error(`there is no metric ${name}`);
  return found;
}

/** The cell of units with their pairs; the first pair of a unit is the one that was known first. */
export function pairCell(metric: string, units: readonly (readonly Pair[])[]): PairCell {
  const known = units.filter((pairs) => pairs.length > 0);
  const n = known.length;
  const totals = known.map((pairs) => ({
    d: pairs.reduce((sum, [p, s]) => sum + s - p, 0),
    p: pairs.reduce((sum, [p]) => sum + p, 0),
    m: pairs.length,
    a: pairs.reduce((sum, [p, s]) => sum + Math.abs(s - p), 0),
  }));
  type Total = (typeof totals)[number];
  const mean = (of: (unit: Total) => number): number =>
    n === 0 ? 0 : totals.reduce((sum, unit) => sum + of(unit), 0) / n;
  const [meanD, meanP, meanM] = [mean((u) => u.d), mean((u) => u.p), mean((u) => u.m)];
  const centred = { d: (u: Total) => u.d - meanD, p: (u: Total) => u.p - meanP };
  const m = (u: Total): number => u.m - meanM;
  const sum = (of: (unit: Total) => number): number => totals.reduce((all, u) => all + of(u), 0);
  const firsts = known.flatMap((pairs) => pairs.slice(0, 1));
  const countFirst = (p: boolean, s: boolean): number =>
    firsts.filter(([left, right]) => left > 0 === p && right > 0 === s).length;
  return {
    ...{ metric, n, lopsided: 0, differing: totals.filter(({ d }) => d !== 0).length },
    events: {
      primary: totals.filter(({ p }) => p > 0).length,
      shadow: totals.filter(({ p, d }) => p + d > 0).length,
    },
    first: {
      both: countFirst(true, true),
      primaryOnly: countFirst(true, false),
      shadowOnly: countFirst(false, true),
      neither: countFirst(false, false),
    },
    meanA: mean((u) => u.a),
    ...{ meanD, meanP, meanM },
    m2D: sum((u) => centred.d(u) ** 2),
    m2P: sum((u) => centred.p(u) ** 2),
    m2M: sum((u) => m(u) ** 2),
    coDP: sum((u) => centred.d(u) * centred.p(u)),
    coDM: sum((u) => centred.d(u) * m(u)),
    coPM: sum((u) => centred.p(u) * m(u)),
  };
}

/** A shadow of fraud scores: log loss has to fall, errors may not rise. */
export function shadowDesign(overrides: Partial<FrozenDesign> = {}): FrozenDesign {
  const base = designOf();
  return {
    ...base,
    kind: 'shadow',
    model: 'fraud',
    metrics: [success(logLoss), guards(errorRate, { absolute: 0.02 })],
    steps: [],
    analysis: { ...base.analysis, plannedUnits: 2000 },
    ...overrides,
  };
}

export function pairedOf(
  cells: readonly PairCell[],
  overrides: Partial<PairedEvidence> = {},
): PairedEvidence {
  const units = Math.max(0, ...cells.map(({ n }) => n));
  const pairs = Math.max(0, ...cells.map(({ n, meanM }) => Math.round(n * meanM)));
  return {
    counts: {
      ...{ sent: pairs, answered: pairs, shadowFailed: 0, primaryFailed: 0, bothFailed: 0 },
      dropped: {},
    },
    ...{ units, cells, outputs: [], look: 1 },
    latency: { primary: [], shadow: [], difference: [] },
    ...overrides,
  };
}

export function shadowEvidence(
  cells: readonly PairCell[],
  overrides: Partial<Evidence> = {},
): Evidence {
  return {
    ...evidenceOf([]),
    design: shadowDesign(),
    watermarkMs: 1000,
    paired: pairedOf(cells),
    ...overrides,
  };
}
