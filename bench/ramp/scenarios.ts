import { experimentSchema } from '../../src/experiments/experiment.contract.js';

export const HOUR_MS = 3_600_000;

/** Bound of the design on a false promotion, and separately on a false rollback. */
export const ALPHA = 0.05;

/** How much slower the variant may be, as a share of the control. */
const LATENCY_MARGIN = 0.25;

/** What a unit of a version does; both arms drift over the day in the same way. */
export interface Rates {
  readonly buys: number;
  readonly fails: number;
  readonly latencyMs: number;
}

export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly variant: Rates;
  readonly runs: { readonly quick: number; readonly full: number };
  /** True: whoever promotes, or rolls back, errs. */
  readonly isPromotionFalse: boolean;
  readonly isRollbackFalse: boolean;
}

export const CONTROL: Rates = { buys: 0.15, fails: 0.04, latencyMs: 100 };

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'aa',
    what: 'no difference, three guardrails, drift over the day',
    variant: CONTROL,
    runs: { quick: 100, full: 400 },
    isPromotionFalse: true,
    isRollbackFalse: true,
  },
  {
    name: 'margin',
    what: 'sells more, and is slower by exactly its margin',
    variant: { ...CONTROL, buys: 0.24, latencyMs: 100 * (1 + LATENCY_MARGIN) },
    runs: { quick: 60, full: 400 },
    isPromotionFalse: true,
    isRollbackFalse: true,
  },
  {
    name: 'better',
    what: 'sells more, harms nothing',
    variant: { ...CONTROL, buys: 0.24 },
    runs: { quick: 20, full: 100 },
    isPromotionFalse: false,
    isRollbackFalse: true,
  },
  {
    name: 'worse',
    what: 'sells more, fails three times as often',
    variant: { ...CONTROL, buys: 0.24, fails: 0.12 },
    runs: { quick: 20, full: 100 },
    isPromotionFalse: true,
    isRollbackFalse: false,
  },
];

/** Looks at every interval until the time is over. */
export const INTERVAL_MS = 3 * HOUR_MS;
export const LOOKS = 12;

/** Posted as a person would; durations are those of the simulated clock. */
export function rampOf(name: string, model: string) {
  return experimentSchema.parse({
    name,
    model,
    kind: 'canary',
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2' },
    ],
    metrics: [
      { metric: 'bought', role: 'success' },
      { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.04 } },
      {
        metric: 'latency_ms',
        role: 'guardrail',
        nonInferiorityMargin: { relative: LATENCY_MARGIN },
      },
      { metric: 'timeout_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.04 } },
    ],
    analysis: {
      ...{ alpha: ALPHA, minimumDetectableEffect: { absolute: 0.05 }, plannedUnits: 2_500 },
      ...{ minUnits: 50, minRuntime: '24h', maxRuntime: '36h', interval: '3h' },
    },
    rollout: {
      steps: [
        { coverage: 0.05, hold: { duration: '3h', minUnits: 5 } },
        { coverage: 0.25, hold: { duration: '3h', minUnits: 30 } },
        { coverage: 0.5, hold: { duration: '12h', minUnits: 100 } },
        { coverage: 1 },
      ],
    },
  });
}
