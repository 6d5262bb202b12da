import type { InsufficientReason, TestResult } from '../statistics/assessment.js';
import { skewnessOfDifference, type SkewedStratum } from '../statistics/skewness.js';
import type { Comparison } from './strata.js';

/** Events and non-events that each arm needs before a normal approximation of a proportion is trusted. */
export const MIN_EVENTS = 10;

/**
 * A mean of skewed values is normal enough for a 95 % interval from 355 skewness^2 units on (Kohavi, Deng, Longbotham
 * and Xu 2014, rule 7, from Boos and Hughes-Oliver 2000): where the skewness of the mean itself is 1/sqrt(355).
 */
const UNITS_PER_SQUARED_SKEWNESS = 355;

export type Insufficient = Extract<TestResult, { readonly kind: 'insufficient' }>;

export function insufficient(reason: InsufficientReason, have: number, need: number): Insufficient {
  return { kind: 'insufficient', reason, have, need };
}

/** What is missing for a normal approximation; null when nothing is. */
export function tooFewToTest(
  comparison: Comparison,
  needUnits: number,
  needsEvents: boolean,
): Insufficient | null {
  const have = unitsOfSmallerArm(comparison);
  if (have < needUnits) return insufficient('too_few_units', have, needUnits);
  const skewed = tooSkewed(comparison);
  if (skewed !== null) return skewed;
  if (!needsEvents || !comparison.isEventLike) return null;
  const events = Math.min(...eventCounts(comparison));
  if (events < MIN_EVENTS) return insufficient('too_few_events', events, MIN_EVENTS);
  const nonEvents = Math.min(...nonEventCounts(comparison));
  if (nonEvents < MIN_EVENTS) return insufficient('too_few_non_events', nonEvents, MIN_EVENTS);
  return null;
}

/**
 * Whether the difference of two means is still too skewed for a normal approximation. The rule is applied to what is
 * tested: with equal arms the skewness cancels and nothing is asked for, against a control that is much larger it is the
 * rule for one mean. Values cut at a cap are exempt, and so is evidence that was stored without third moments.
 */
function tooSkewed(comparison: Comparison): Insufficient | null {
  const { shape, strata, designMetric } = comparison;
  if (shape !== 'mean' || (designMetric.definition.winsorizeAt ?? null) !== null) return null;
  const skewed: SkewedStratum[] = [];
  for (const { control, treatment } of strata) {
    if (control.m3Y === undefined || treatment.m3Y === undefined) return null;
    skewed.push({
      control: { n: control.n, m2: control.m2Y, m3: control.m3Y },
      treatment: { n: treatment.n, m2: treatment.m2Y, m3: treatment.m3Y },
    });
  }
  const skewness = skewnessOfDifference(skewed);
  if (skewness.kind === 'undefined') return null;
  // grown in proportion, n units have a skewness that falls with 1/sqrt(n)
  const have = unitsOfSmallerArm(comparison);
  const need = Math.ceil(have * UNITS_PER_SQUARED_SKEWNESS * skewness.value ** 2);
  return have < need ? insufficient('too_skewed', have, need) : null;
}

/** Units that could have shown ten events at the margin; null when there are enough of them. */
export function tooFewUnderMargin(comparison: Comparison, margin: number): Insufficient | null {
  const need = Math.ceil(MIN_EVENTS / margin);
  const have = unitsOfSmallerArm(comparison);
  return have < need ? insufficient('too_few_units', have, need) : null;
}

export function isRare(comparison: Comparison): boolean {
  return Math.min(...eventCounts(comparison)) < MIN_EVENTS;
}

function unitsOfSmallerArm({ control, treatment }: Comparison): number {
  return Math.min(control.n, treatment.n);
}

/** Events per arm: requests for a rate per request, units otherwise. */
function eventCounts({ strata }: Comparison): readonly [number, number] {
  return [
    strata.reduce((sum, { control }) => sum + control.n * control.meanY, 0),
    strata.reduce((sum, { treatment }) => sum + treatment.n * treatment.meanY, 0),
  ];
}

function nonEventCounts({ strata }: Comparison): readonly [number, number] {
  return [
    strata.reduce((sum, { control }) => sum + control.n * (control.meanD - control.meanY), 0),
    strata.reduce(
      (sum, { treatment }) => sum + treatment.n * (treatment.meanD - treatment.meanY),
      0,
    ),
  ];
}
