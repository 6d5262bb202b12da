/** The model's name in the gateway's address: POST /models/spam/score. */
export const MODEL = 'spam';
export const SCORE_PATH = '/score';
/** Name of the outcome that brings the truth, 1 for spam. */
export const LABEL = 'is_spam';

/** The metric that promotion and rollback hang on: the share of mails put into the wrong folder. */
export const MISTAKES = 'mistakes';

/** Share of mails per step that reach the variant; an equally large control runs beside it up to one half. */
export const STEPS = [
  { coverage: 0.1, hold: { duration: '2s', minUnits: 30 } },
  { coverage: 0.25, hold: { duration: '2s', minUnits: 100 } },
  { coverage: 0.5, hold: { duration: '2s', minUnits: 250 } },
  { coverage: 1 },
] as const;

/**
 * Units in both arms that the tests are tuned for. A margin of 2 percentage points for errors needs 500 units in
 * each arm without a single one (ten expected errors at the margin), so this is where a decision is due.
 */
export const PLANNED_UNITS = 1_200;
const ERROR_MARGIN = 0.02;
/** Both versions share two cores with Sluice, its database and the sender: only a gross slowdown is harm here. */
const LATENCY_MARGIN_MS = 20;
const MIN_UNITS = 100;

export const MODEL_SETTINGS = {
  unit: { header: 'x-sluice-unit' },
  capture: { output: { spam: '/spam', probability: '/probability' } },
  timeoutMs: 5_000,
} as const;

/** Definitions by name, as PUT /api/v1/metrics/{metric} takes them. */
export const METRICS = {
  [MISTAKES]: {
    kind: 'mean',
    source: { label: { outcome: LABEL, output: 'spam', loss: 'zero_one' } },
    direction: 'decrease',
  },
  log_loss: {
    kind: 'mean',
    source: { label: { outcome: LABEL, output: 'probability', loss: 'log_loss' } },
    direction: 'decrease',
  },
} as const;

export interface CanarySpec {
  readonly name: string;
  readonly model: string;
  readonly control: string;
  readonly variant: string;
  readonly hypothesis: string;
  readonly maxRuntimeMs: number;
}

/** The experiment as POST /api/v1/experiments takes it. */
export function canaryDefinition(spec: CanarySpec): object {
  return {
    name: spec.name,
    model: spec.model,
    kind: 'canary',
    hypothesis: spec.hypothesis,
    variants: [
      { name: 'control', version: spec.control, control: true, weight: 1 },
      { name: spec.variant, version: spec.variant, weight: 1 },
    ],
    metrics: [
      { metric: MISTAKES, role: 'success' },
      { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: ERROR_MARGIN } },
      {
        metric: 'latency_ms',
        role: 'guardrail',
        nonInferiorityMargin: { absolute: LATENCY_MARGIN_MS },
      },
      { metric: 'log_loss', role: 'diagnostic' },
    ],
    analysis: {
      method: 'sequential',
      alpha: 0.05,
      minimumDetectableEffect: { absolute: 0.05 },
      plannedUnits: PLANNED_UNITS,
      minUnits: MIN_UNITS,
      minRuntime: '5s',
      interval: '1s',
      maxRuntime: `${Math.ceil(spec.maxRuntimeMs / 1000)}s`,
    },
    rollout: { steps: STEPS },
    decision: { onSuccess: 'promote', onDeterioration: 'rollback' },
  };
}
