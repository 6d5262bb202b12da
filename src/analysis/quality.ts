import { controlOf, type Phase } from '../experiments/experiment.js';
import type { UnitCell } from '../metrics/metric.js';
import type { QualityAssessment, SampleRatioAssessment } from '../statistics/assessment.js';
import {
  sampleRatioChiSquare,
  type SampleRatioCounts,
  sampleRatioLogBayesFactor,
} from '../statistics/sample-ratio.js';
import type { Evidence } from './evidence.js';

/** Level of the sequential sample-ratio test over the whole life of an experiment. */
const SAMPLE_RATIO_ALPHA = 0.01;

/** Prior weight of the intended split, in units: a loss of 2 % is found, chance is not. */
const CONCENTRATION = 1e4;

/** More than this share of units in two arms (and at least so many) and the arms are not what they claim. */
const CROSSOVER_SHARE = 0.01;
const CROSSOVER_MINIMUM = 10;

/** Above this coverage the control gives way to the variant, so some of its units cross over by design. */
const CONCURRENT_LIMIT = 0.5;

/**
 * Which crossovers count as by design. `giving_way`: those of a canary's control that a later step gives to the variant.
 * `wide_phases`: as before policy 2, all of phases up to one half once there was a wider one; for replays only.
 */
export type CrossoverRule = 'giving_way' | 'wide_phases';

/** Whether the data can be trusted at all, whatever they say. */
export function assessQuality(
  evidence: Evidence,
  rule: CrossoverRule = 'giving_way',
): QualityAssessment {
  const crossovers = crossoverOf(
    rule === 'giving_way' ? withoutGivingWay(evidence) : withoutNarrowPhases(evidence),
  );
  return {
    sampleRatio: sampleRatioOf(evidence),
    crossoverUnits: crossovers.units,
    crossoverShare: crossovers.share,
    crossoverAlarm: crossovers.units >= CROSSOVER_MINIMUM && crossovers.share > CROSSOVER_SHARE,
    ...carryOverOf(evidence),
    droppedEvents: evidence.droppedEvents,
    caughtUp: evidence.caughtUp,
  };
}

function crossoverOf(relevant: readonly UnitCell[]): {
  readonly units: number;
  readonly share: number;
} {
  const units = relevant.reduce((sum, cell) => sum + cell.crossovers, 0);
  const all = relevant.reduce((sum, cell) => sum + cell.crossovers + cell.units, 0);
  return { units, share: all === 0 ? 0 : units / all };
}

/**
 * Units of a canary's control that a later step gives to the variant meet both by design: they say nothing about how
 * well units are kept apart, so the control of such a phase is left out.
 */
function withoutGivingWay({ design, phases, unitCells }: Evidence): readonly UnitCell[] {
  const control = controlOf(design).name;
  const widest = Math.max(0, ...phases.map(({ coverage }) => coverage));
  const givesWay = ({ phase, variant }: UnitCell): boolean =>
    design.kind === 'canary' &&
    variant === control &&
    widest > Math.max(CONCURRENT_LIMIT, coverageOf(phases, phase));
  return unitCells.filter((cell) => !givesWay(cell));
}

function withoutNarrowPhases({ phases, unitCells }: Evidence): readonly UnitCell[] {
  const isPast = phases.some(({ coverage }) => coverage > CONCURRENT_LIMIT);
  return unitCells.filter(({ phase }) => !isPast || coverageOf(phases, phase) > CONCURRENT_LIMIT);
}

function coverageOf(phases: readonly Phase[], phase: number): number {
  return phases.find((known) => known.phase === phase)?.coverage ?? 0;
}

/** Units that had met a version that was rolled back; absent where they were not counted. */
function carryOverOf({ unitCells }: Evidence): Pick<QualityAssessment, 'carryOverUnits'> {
  if (!unitCells.some(({ carryOver }) => carryOver !== undefined)) return {};
  return { carryOverUnits: unitCells.reduce((sum, { carryOver = 0 }) => sum + carryOver, 0) };
}

/**
 * Exposed units against the split that the plan of each phase intended; phases are independent experiments, so
 * their Bayes factors multiply (Lindon and Malek 2022).
 */
function sampleRatioOf(evidence: Evidence): SampleRatioAssessment {
  const byPhase = splitsOf(evidence);
  const logBayesFactor = byPhase.reduce(
    (sum, phase) => sum + sampleRatioLogBayesFactor({ ...phase, concentration: CONCENTRATION }),
    0,
  );
  const runningPValue = Math.min(evidence.previousSampleRatioPValue, Math.exp(-logBayesFactor));
  return {
    runningPValue,
    alpha: SAMPLE_RATIO_ALPHA,
    mismatch: runningPValue < SAMPLE_RATIO_ALPHA,
    ...splitOf(evidence),
  };
}

/** What units are held against the split with, all of an experiment's or those of a part. */
export type SplitEvidence = Pick<Evidence, 'design' | 'phases' | 'unitCells'>;

function splitsOf({ design, phases, unitCells }: SplitEvidence): readonly SampleRatioCounts[] {
  return phases.map((phase) => ({
    observed: design.variants.map(({ name }) => exposedUnits(unitCells, phase.phase, name)),
    weights: design.variants.map(({ name }) => phase.shares[name] ?? 0),
  }));
}

/** Units per arm, what the phases' shares make expect, and the chi-square of the two for one look. */
export function splitOf(
  evidence: SplitEvidence,
): Pick<SampleRatioAssessment, 'arms' | 'chiSquarePValue'> {
  const byPhase = splitsOf(evidence);
  const arms = evidence.design.variants.map(({ name: variant }, index) => ({
    variant,
    units: byPhase.reduce((sum, { observed }) => sum + (observed[index] ?? 0), 0),
    expected: byPhase.reduce(
      (sum, { observed, weights }) => sum + total(observed) * (weights[index] ?? 0),
      0,
    ),
  }));
  return { arms, chiSquarePValue: oneShot(arms) };
}

function oneShot(arms: SampleRatioAssessment['arms']): number | null {
  const observed = arms.map((arm) => arm.units);
  if (total(observed) === 0) return null;
  const weights = arms.map((arm) => arm.expected);
  const result = sampleRatioChiSquare({ observed, weights });
  return result.kind === 'value' ? result.value.pValue : null;
}

function exposedUnits(cells: readonly UnitCell[], phase: number, variant: string): number {
  const cell = cells.find((known) => known.phase === phase && known.variant === variant);
  return cell === undefined ? 0 : cell.units + cell.crossovers;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Units per arm over all phases, crossovers left out. */
export function unitsPerArm({ design, unitCells }: Evidence): readonly {
  readonly variant: string;
  readonly units: number;
}[] {
  const control = controlOf(design).name;
  const order = [control, ...design.variants.map(({ name }) => name).filter((n) => n !== control)];
  return order.map((variant) => ({
    variant,
    units: unitCells
      .filter((cell) => cell.variant === variant)
      .reduce((sum, cell) => sum + cell.units, 0),
  }));
}
