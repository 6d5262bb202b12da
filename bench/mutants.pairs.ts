import type { Mutant } from './mutants.js';

const TESTS = [
  'test/unit/analysis/pairs.test.ts',
  'test/unit/rollouts/shadow-rules.test.ts',
  'test/unit/statistics/paired.test.ts',
];
const PAIR_TESTS = 'src/analysis/paired/pair-tests.ts';
const RATIO = 'src/statistics/paired-ratio.ts';
const PERMUTATION = 'src/statistics/paired-permutation.ts';
const RULES = 'src/rollouts/policy/shadow-rules.ts';

function one(name: string, file: string, from: string, to: string): Mutant {
  return { name, edits: [{ file, from, to }], tests: TESTS };
}

/** What would let a shadow be called ready, or not ready, without the evidence. */
export const PAIR_MUTANTS: readonly Mutant[] = [
  one(
    'pairs of a unit count as if independent',
    RATIO,
    'const residual = Math.max(0, spread(-perPair));',
    'const residual = Math.max(0, m2D);',
  ),
  one(
    'pairs of a unit count as one each at a margin',
    RATIO,
    'return meanM === 0 ? 1 : 1 + m2M',
    'return meanM === 0 ? 1 : 1 + 0 * m2M',
  ),
  one(
    'the most likely table is that of the other margin',
    RATIO,
    'const linear = (2 * n + b - c) * size - (b + c);',
    'const linear = (2 * n - b + c) * size - (b + c);',
  ),
  one(
    'one differing unit is enough for a normal approximation',
    PAIR_TESTS,
    'differing < MIN_EVENTS ? insufficient',
    'differing < 1 ? insufficient',
  ),
  one(
    'the exact test has all of alpha',
    PAIR_TESTS,
    'const passed = pValue <= alpha;',
    'const passed = pValue <= 2 * alpha;',
  ),
  one(
    'alpha is not shared among the metrics that may be harmed',
    PAIR_TESTS,
    'return design.analysis.alpha / Math.max(1, watched);',
    'return design.analysis.alpha;',
  ),
  one(
    'more errors are better',
    PAIR_TESTS,
    "const isMore = goodSign(comparison) === (side === 'better' ? 1 : -1);",
    "const isMore = goodSign(comparison) === (side === 'better' ? -1 : 1);",
  ),
  one(
    'a relative margin forbids instead of allowing',
    PAIR_TESTS,
    'return { factor: 1 - sign * sizeSign * margin.relative, shift: 0 };',
    'return { factor: 1 + sign * sizeSign * margin.relative, shift: 0 };',
  ),
  one(
    'exchanged sides stay where they were',
    PERMUTATION,
    'treatment[j] = (treatment[j] ?? 0) + heads;',
    'treatment[j] = (treatment[j] ?? 0) + pairs - heads;',
  ),
  one(
    'harm is looked at after what holds',
    RULES,
    '  availability,\n  deterioration,\n  completeness,\n  copies,\n',
    '  completeness,\n  copies,\n  availability,\n  deterioration,\n',
  ),
  one(
    'requests without a copy do not matter',
    RULES,
    '  copies,\n  staleness,\n',
    '  staleness,\n',
  ),
  one('old evidence is as good as new', RULES, '  staleness,\n  noData,\n', '  noData,\n'),
  one(
    'guardrails need not be shown',
    RULES,
    '  minimumRuntime,\n  nonInferiority,\n',
    '  minimumRuntime,\n',
  ),
  one('a dry run acts', RULES, 'if (!design.decision.dryRun)', 'if (design.decision.dryRun)'),
];
