/** One textual change: `from` occurs exactly once in the file. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A mistake that engines really make, and the test files that have to notice it. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly tests: readonly string[];
}

const POOL = `
import { mergePairedMoments } from '../statistics/moments.js';

function pooled(strata: readonly Stratum[]): readonly Stratum[] {
  const sum = (cells: readonly MetricCell[]): MetricCell =>
    cells.reduce((a, b) => ({ ...a, ...mergePairedMoments(a, b), events: a.events + b.events }));
  const [first] = strata;
  if (first === undefined) return [];
  const control = sum(strata.map((stratum) => stratum.control));
  return [{ ...first, control, treatment: sum(strata.map((stratum) => stratum.treatment)) }];
}

/** Variants besides the control, in the design's order. */`;

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'unpooled variance in the test of equal rates',
    edits: [
      {
        file: 'src/statistics/two-proportion.ts',
        from: 'return estimated(spread * (1 / control.trials + 1 / treatment.trials));',
        to: 'return estimated(0 * spread + ownVariance(control) + ownVariance(treatment));',
      },
    ],
    tests: [
      'test/vectors/reference.test.ts',
      'test/unit/statistics/calibration.test.ts',
      'test/unit/analysis/assess.test.ts',
      'test/property/statistics.effects.test.ts',
    ],
  },
  {
    name: 'upper tail as 1 - cdf',
    edits: [
      {
        file: 'src/statistics/numerics.ts',
        from: "return checked('normalUpperTail', erfc(finite('z', z) / Math.SQRT2) / 2);",
        to: "return checked('normalUpperTail', 1 - erfc(-finite('z', z) / Math.SQRT2) / 2);",
      },
    ],
    tests: [
      'test/vectors/reference.test.ts',
      'test/vectors/special-functions.test.ts',
      'test/unit/statistics/numerics.test.ts',
    ],
  },
  {
    name: 'variance from the sum of squares',
    edits: [
      {
        file: 'src/statistics/moments.ts',
        from: 'm2: atLeastZero(squares - (drift * drift) / values.length),',
        to: 'm2: atLeastZero(values.reduce((sum, v) => sum + v * v, 0 * drift) - values.length * centre ** 2),',
      },
    ],
    tests: ['test/vectors/reference.test.ts', 'test/property/statistics.moments.test.ts'],
  },
  {
    name: 'totals of all phases compared as if they were one',
    edits: [
      {
        file: 'src/analysis/strata.ts',
        from: '    strata,\n',
        to: '    strata: pooled(strata),\n',
      },
      {
        file: 'src/analysis/strata.ts',
        from: "\n/** Variants besides the control, in the design's order. */",
        to: POOL,
      },
    ],
    tests: [
      'test/unit/analysis/assess.test.ts',
      'test/unit/analysis/calibration.test.ts',
      'test/property/analysis.strata.test.ts',
    ],
  },
  {
    name: 'a fixed test at every look in place of the sequence',
    edits: [
      {
        file: 'src/statistics/confidence-sequence.ts',
        from: 'return Math.sqrt(((2 * (v + 1)) / v) * (0.5 * Math.log1p(v) - Math.log(alpha)));',
        to: 'return normalUpperQuantile(alpha / 2 + 0 * v);',
      },
      {
        file: 'src/statistics/confidence-sequence.ts',
        from: 'return Math.sqrt(((2 * (v + 1)) / v) * Math.log1p(Math.sqrt(v + 1) / (2 * alpha)));',
        to: 'return normalUpperQuantile(alpha + 0 * v);',
      },
      {
        file: 'src/statistics/confidence-sequence.ts',
        from: "import type { Interval } from './assessment.js';",
        to: "import type { Interval } from './assessment.js';\nimport { normalUpperQuantile } from './numerics.js';",
      },
    ],
    tests: [
      'test/vectors/reference.test.ts',
      'test/unit/statistics/calibration.test.ts',
      'test/unit/analysis/assess.test.ts',
      'test/unit/analysis/calibration.test.ts',
      'test/property/statistics.sequential.test.ts',
    ],
  },
  {
    name: 'requests analysed as if they were units',
    edits: [
      {
        file: 'src/analysis/contrast.ts',
        from: "return ratio.kind === 'value' ? ratio.value : null;",
        to: "if (ratio.kind !== 'value') return null;\n    const { mean: rate } = ratio.value;\n    return { mean: rate, variance: Math.abs(rate * (1 - rate)) / (n * cell.meanD) };",
      },
    ],
    tests: ['test/unit/analysis/assess.test.ts', 'test/unit/analysis/calibration.test.ts'],
  },
  {
    name: 'a mean in a small arm beside a large one tested however skewed it is',
    edits: [
      {
        file: 'src/analysis/minimum-evidence.ts',
        from: "need ? insufficient('too_skewed', have, need) : null;",
        to: "need && have < 0 ? insufficient('too_skewed', have, need) : null;",
      },
    ],
    tests: ['test/unit/analysis/minimum-evidence.test.ts'],
  },
];
