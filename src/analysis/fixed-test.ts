import type { Phase } from '../experiments/experiment.js';
import type { FixedHorizon, TestResult } from '../statistics/assessment.js';
import { NORMAL, type PValue, pValueOf, student } from '../statistics/inference.js';
import { holm } from '../statistics/multiplicity.js';
import type { Evidence } from './evidence.js';
import {
  difference,
  type Hypothesis,
  successAlpha,
  successTests,
  testable,
  type TestSetting,
  withinMargin,
} from './hypothesis.js';
import { type Insufficient, insufficient } from './minimum-evidence.js';
import type { Comparison } from './strata.js';
import { betterEvents } from './tests.js';

/**
 * How far the one test is. All tests of an experiment are made at the same moment, when each of them has the planned
 * units and the data cover the minimum runtime: nobody sees one of them and waits for another.
 *
 * @param comparisons every metric and variant; diagnostics and arms that were closed do not delay the test
 */
export function horizonOf(
  comparisons: readonly Comparison[],
  { design, phases, watermarkMs, previous }: Evidence,
): FixedHorizon {
  const { plannedUnits: needUnits, minRuntimeMs: needMs } = design.analysis;
  const units = comparisons
    .filter(({ designMetric }) => designMetric.role !== 'diagnostic')
    .filter(({ variant }) => !isClosed(phases, variant))
    .map(({ control, treatment }) => control.n + treatment.n);
  const haveUnits = units.length === 0 ? 0 : Math.min(...units);
  const startedAtMs = phases[0]?.startedAtMs ?? null;
  const haveMs =
    startedAtMs === null || watermarkMs === null ? 0 : Math.max(0, watermarkMs - startedAtMs);
  const wasMade = previous.some(({ verdict }) => verdict !== null);
  const reached = wasMade || (haveUnits >= needUnits && haveMs >= needMs);
  return { reached, haveUnits, needUnits, haveMs, needMs };
}

/** True when no segment of coverage gives the arm units any more: the last phase of a coverage is the live one. */
function isClosed(phases: readonly Phase[], variant: string): boolean {
  const live = new Map(phases.map(({ coverage, shares }) => [coverage, shares]));
  return live.size > 0 && [...live.values()].every((shares) => (shares[variant] ?? 0) === 0);
}

/** Why nothing is tested before the horizon. */
export function notReached({ haveUnits, needUnits, haveMs, needMs }: FixedHorizon): Insufficient {
  return haveUnits < needUnits
    ? insufficient('fixed_horizon_not_reached', haveUnits, needUnits)
    : insufficient('fixed_runtime_not_reached', haveMs, needMs);
}

/**
 * Superiority of every success metric and variant, each once: pooled z for proportions, Welch for means, delta
 * method for ratios, and the exact event test, together at alpha by Holm (1979). A test that cannot be made counts
 * as one that failed.
 *
 * @returns in the order of `comparisons`
 */
export function fixedSuperiority(
  comparisons: readonly Comparison[],
  setting: TestSetting,
): readonly TestResult[] {
  const tests = comparisons.map((comparison) => oneSuperiority(comparison, setting));
  const missing = Math.max(0, successTests(setting) - tests.length);
  const pValues = tests.map((test) => (test.kind === 'tested' ? test.pValue : 1));
  const adjusted = holm([...pValues, ...new Array<number>(missing).fill(1)]);
  const { alpha } = setting.design.analysis;
  return tests.map((test, index) => {
    if (test.kind !== 'tested') return test;
    const pValue = adjusted[index] ?? 1;
    return { ...test, pValue, alpha, passed: pValue <= alpha };
  });
}

/** One-sided at alpha, as every guardrail (intersection-union needs no correction). */
export function fixedNonInferiority(comparison: Comparison, setting: TestSetting): TestResult {
  const hypothesis = withinMargin(comparison);
  if ('kind' in hypothesis) return hypothesis;
  const { alpha } = setting.design.analysis;
  return classicalTest(comparison, setting, { hypothesis, oneSidedAlpha: alpha, level: alpha });
}

/** Half of alpha for each direction; for events the direction that counts is the better of two tests at half each. */
function oneSuperiority(comparison: Comparison, setting: TestSetting): TestResult {
  const alpha = successAlpha(setting);
  const hypothesis = difference(comparison, 'better');
  const spec = { hypothesis, oneSidedAlpha: alpha / 2, level: alpha };
  const classical = classicalTest(comparison, setting, spec);
  const twice =
    classical.kind === 'tested'
      ? { ...classical, pValue: Math.min(1, 2 * classical.pValue) }
      : classical;
  const events = betterEvents(comparison, setting);
  if (events?.kind !== 'tested') return twice;
  const ofEvents = { ...events, pValue: Math.min(1, 2 * events.pValue) };
  return twice.kind === 'tested' && twice.pValue <= ofEvents.pValue ? twice : ofEvents;
}

interface ClassicalSpec {
  readonly hypothesis: Hypothesis;
  /** Level of the bound, one-sided. */
  readonly oneSidedAlpha: number;
  readonly level: number;
}

/** One-sided z or Welch test of a contrast, stratified by phase. */
function classicalTest(
  comparison: Comparison,
  setting: TestSetting,
  { hypothesis, oneSidedAlpha, level }: ClassicalSpec,
): TestResult {
  const ready = testable(comparison, setting, hypothesis);
  if (ready.kind === 'insufficient') return ready;
  const { estimate, standardError, degreesOfFreedom } = ready.contrast;
  const reference = degreesOfFreedom === null ? NORMAL : student(degreesOfFreedom);
  const alternative = ready.sign === 1 ? 'greater' : 'less';
  const { pValue }: PValue = pValueOf(estimate / standardError, alternative, reference);
  const bound = estimate - ready.sign * reference.upperQuantile(oneSidedAlpha) * standardError;
  return {
    kind: 'tested',
    passed: pValue <= oneSidedAlpha,
    pValue,
    alpha: level,
    bound: bound - hypothesis.linear.shift,
    threshold: 0 - hypothesis.linear.shift,
    engine: 'fixed',
  };
}
