import { controlOf, type FrozenDesign } from '../../experiments/experiment.js';
import type { MetricCell } from '../../metrics/metric.js';
import type { PairCell } from '../../metrics/paired.js';
import { whyNotPaired } from '../../metrics/paired.js';
import type {
  ArmSummary,
  Assessment,
  Interval,
  MetricAssessment,
  PairDiscordance,
  PairFigures,
  PairedAssessment,
} from '../../statistics/assessment.js';
import { asymptoticSequenceInformationTime } from '../../statistics/confidence-sequence.js';
import { mcnemar } from '../../statistics/paired.js';
import { pairedContrast } from '../../statistics/paired-ratio.js';
import type { Evidence, PairedEvidence, RunningResult } from '../evidence.js';
import { assessLimit, LIMITED_METRICS } from '../limits.js';
import { intersect, smallest } from '../running.js';
import { agreementOf, latencyQuantiles } from './agreement.js';
import { comparePairs, type PairComparison, valueOf } from './pair-comparison.js';
import {
  DIFFERENCE,
  pairDeterioration,
  pairNonInferiority,
  pairSuccessAlpha,
  pairSuperiority,
} from './pair-tests.js';

/**
 * Every test of one look at a shadow: both versions on the same requests, units as clusters. Pure: the same snapshot
 * gives the same assessment, to the last digit. Every test holds at all looks together; agreement and drift are for
 * this look, and for display.
 */
export function assessPairs(evidence: Evidence, paired: PairedEvidence): Assessment {
  const { design } = evidence;
  const control = controlOf(design).name;
  const variant = design.variants.find(({ name }) => name !== control)?.name ?? control;
  const comparisons = design.metrics
    .filter(({ definition }) => whyNotPaired(definition) === null)
    .map((metric) => comparePairs(paired.cells, metric, variant));
  return {
    units: [control, variant].map((name) => ({ variant: name, units: paired.units })),
    metrics: comparisons.map((comparison) =>
      assessMetric(comparison, design, previousOf(evidence.previous, comparison)),
    ),
    quality: {
      // no unit is assigned to an arm: both versions answer the same requests
      sampleRatio: { ...NO_SPLIT, runningPValue: evidence.previousSampleRatioPValue },
      ...{ crossoverUnits: 0, crossoverShare: 0, crossoverAlarm: false },
      droppedEvents: evidence.droppedEvents,
      caughtUp: evidence.caughtUp,
    },
    reading: 'test',
    horizon: null,
    paired: overviewOf(evidence, paired),
    ...availabilityOf(design, paired, variant),
  };
}

/**
 * The limit of errors against copies that the shadow left unanswered, units as trials. Nobody gets its answers, so there
 * is no haste: the test is of all copies so far, and does not begin anew as that of a version that serves. What was not
 * sent because the breaker was open is no trial, as it has no unit that was asked.
 */
function availabilityOf(
  { limits }: FrozenDesign,
  { cells }: PairedEvidence,
  variant: string,
): Pick<Assessment, 'limits'> {
  const limit = limits?.errorRate ?? null;
  if (limit === null) return {};
  const metric = LIMITED_METRICS.errorRate;
  const cell = cells.find((one) => one.metric === metric);
  const sides = cell === undefined ? [] : [ofShadow(cell, variant)];
  return { limits: [assessLimit(sides, { variant, kind: 'errorRate', limit })] };
}

/** The shadow's side of pairs: y = p + d, of m requests. */
function ofShadow(cell: PairCell, variant: string): MetricCell {
  const { metric, n, events, meanP, meanD, meanM, m2P, m2D, m2M, coDP, coDM, coPM } = cell;
  return {
    ...{ metric, variant, phase: 1, n, pending: 0, capped: 0, covariate: null },
    ...{ events: events.shadow, meanY: meanP + meanD, m2Y: m2P + m2D + 2 * coDP },
    ...{ meanD: meanM, m2D: m2M, coMoment: coDM + coPM },
  };
}

const NO_SPLIT = { chiSquarePValue: null, alpha: 0.01, mismatch: false, arms: [] } as const;

function previousOf(
  previous: readonly RunningResult[],
  { designMetric, variant }: PairComparison,
): RunningResult | undefined {
  const { name } = designMetric.definition;
  return previous.find((result) => result.metric === name && result.variant === variant);
}

function overviewOf(
  { experimentId, design, watermarkMs }: Evidence,
  { counts, units, outputs, latency, look }: PairedEvidence,
): PairedAssessment {
  const setting = { alpha: design.analysis.alpha, seed: `${experimentId} ${String(look)}` };
  return {
    ...counts,
    units,
    watermarkMs,
    outputs: outputs.map((table) => agreementOf(table, setting)),
    latency: latencyQuantiles(latency),
  };
}

function assessMetric(
  comparison: PairComparison,
  design: FrozenDesign,
  before: RunningResult | undefined,
): MetricAssessment {
  const { designMetric, variant, cell } = comparison;
  const { definition, role } = designMetric;
  const alpha = role === 'success' ? pairSuccessAlpha(design) : design.analysis.alpha;
  const look = lookAt(cell, design, alpha);
  return {
    ...{ metric: definition.name, variant, role, direction: definition.direction },
    control: armOf(cell, 'primary'),
    treatment: armOf(cell, 'shadow'),
    effect: effectIn(cell),
    standardError: look?.standardError ?? null,
    interval: look?.interval ?? null,
    runningInterval: before?.empty === true ? null : intersect(before?.interval, look?.interval),
    pValue: look?.pValue ?? null,
    runningPValue: smallest(before?.pValue, look?.pValue),
    level: 1 - alpha,
    lift: null,
    adjustment: { kind: 'none', reason: 'no_covariate' },
    looks: [],
    margin: marginInUnits(comparison),
    superiority: role === 'success' ? pairSuperiority(comparison, design) : null,
    nonInferiority: role === 'guardrail' ? pairNonInferiority(comparison, design) : null,
    deterioration: role === 'diagnostic' ? null : pairDeterioration(comparison, design),
    pairs: figuresOf(comparison, alpha),
  };
}

function armOf(cell: PairCell | null, side: 'primary' | 'shadow'): ArmSummary {
  return {
    n: cell?.n ?? 0,
    pending: 0,
    value: valueOf(cell, side),
    events: cell?.events[side] ?? 0,
    capped: 0,
  };
}

/** The mean difference per request; null without a pair. */
function effectIn(cell: PairCell | null): number | null {
  return cell === null || cell.meanM === 0 ? null : cell.meanD / cell.meanM;
}

interface PairLook {
  readonly standardError: number;
  readonly interval: Interval;
  readonly pValue: number;
}

/** The two-sided sequence around the mean difference; null while that has no error. */
function lookAt(cell: PairCell | null, design: FrozenDesign, alpha: number): PairLook | null {
  if (cell === null) return null;
  const found = pairedContrast(cell, DIFFERENCE);
  if (found.kind === 'undefined' || !(found.value.variance > 0)) return null;
  const standardError = Math.sqrt(found.value.variance);
  const { plannedUnits } = design.analysis;
  const look = asymptoticSequenceInformationTime({
    estimate: found.value.estimate,
    standardError,
    plannedStandardError: standardError * Math.sqrt(cell.n / plannedUnits),
    alpha,
    alternative: 'two-sided',
  });
  if (look.kind === 'undefined') return null;
  const { lower, upper, pValue } = look.value;
  return { standardError, interval: { lower, upper }, pValue };
}

function marginInUnits({ designMetric, cell }: PairComparison): number | null {
  const margin = designMetric.nonInferiorityMargin;
  if (margin === null) return null;
  if ('absolute' in margin) return margin.absolute;
  const value = valueOf(cell, 'primary');
  return value === null ? null : Math.abs(value) * margin.relative;
}

function figuresOf({ cell, isEventLike }: PairComparison, alpha: number): PairFigures {
  if (cell === null) {
    return {
      ...{ pairs: 0, lopsided: 0, differing: 0 },
      ...{ meanAbsoluteDifference: null, discordance: null },
    };
  }
  return {
    pairs: Math.round(cell.n * cell.meanM),
    lopsided: cell.lopsided,
    differing: cell.differing,
    meanAbsoluteDifference: cell.meanM === 0 ? null : cell.meanA / cell.meanM,
    discordance: isEventLike ? discordanceOf(cell, alpha) : null,
  };
}

function discordanceOf({ first }: PairCell, alpha: number): PairDiscordance {
  const found = mcnemar({
    bothSuccess: first.both,
    controlOnly: first.primaryOnly,
    treatmentOnly: first.shadowOnly,
    neither: first.neither,
    alpha,
  });
  if (found.kind === 'undefined') return { ...first, pExact: null, pMid: null, interval: null };
  const { pExact, pMid, agrestiMin } = found.value;
  return { ...first, pExact, pMid, interval: agrestiMin };
}
