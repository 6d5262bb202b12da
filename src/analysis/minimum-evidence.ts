import type { InsufficientReason, TestResult } from '../statistics/assessment.js';
import type { Comparison } from './strata.js';

/** Events and non-events that each arm needs before a normal approximation of a proportion is trusted. */
export const MIN_EVENTS = 10;

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
  if (!needsEvents || !comparison.isEventLike) return null;
  const events = Math.min(...eventCounts(comparison));
  if (events < MIN_EVENTS) return insufficient('too_few_events', events, MIN_EVENTS);
  const nonEvents = Math.min(...nonEventCounts(comparison));
  if (nonEvents < MIN_EVENTS) return insufficient('too_few_non_events', nonEvents, MIN_EVENTS);
  return null;
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
