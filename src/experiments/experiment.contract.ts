import { z } from 'zod';
import { parseDuration } from '../kernel/duration.js';
import { SluiceError } from '../kernel/errors.js';
import { NAME_PATTERN } from '../kernel/names.js';
import { audienceSchema } from './audience.contract.js';
import { ANALYSIS_METHODS } from './experiment.js';
import { type CrossFieldDefect, crossFieldDefects } from './experiment-rules.js';
import { completedCanary } from './successor.js';

/** Control included; more arms than this need so many units that no real experiment gets them. */
const MAX_VARIANTS = 10;
/** Every metric is one more chance of a false alarm; alpha is shared among them. */
const MAX_METRICS = 20;
const MAX_STEPS = 50;
const MAX_HYPOTHESIS = 2_000;
/** Ten times the control: whatever is meant by more is not a margin. */
const MAX_RELATIVE = 10;
const MAX_UNITS = 1_000_000_000_000;
const MIN_INTERVAL_MS = 1_000;
/** A version that answers a copy later than this is not what will answer callers. */
const MAX_MIRROR_TIMEOUT_MS = 60_000;
/** Copies wait in memory beside the requests of callers: what more of them does to callers was measured. */
const MAX_MIRRORS_IN_FLIGHT = 32;
const MAX_MIRROR_BODY_BYTES = 65_536;

const name = z.string().regex(NAME_PATTERN, {
  error: 'a name: a-z, 0-9, dot, underscore, hyphen, at most 63 characters',
});

const experimentName = name.refine((text) => !isId(text), {
  error: 'a name that does not look like an id',
});

// `abort`: the rules between fields calculate with durations, so they wait until every duration is one
const duration = z.string().max(20).refine(isDuration, {
  error: 'a whole number and a unit (ms, s, m, h, d, w) such as "30m"',
  abort: true,
});

const share = z.number().gt(0).lte(1);

const margin = z
  .strictObject({
    absolute: z.number().positive().optional().describe("In the metric's own unit"),
    relative: z.number().positive().lte(MAX_RELATIVE).optional().describe('Share of the control'),
  })
  .refine((given) => (given.absolute === undefined) !== (given.relative === undefined), {
    error: 'exactly one of absolute, relative',
  });

const variant = z.strictObject({
  name,
  version: name.describe('A registered version of the model'),
  control: z.boolean().default(false),
  weight: z.number().positive().max(1_000_000).default(1).describe('`ab` only'),
});

const metric = z.strictObject({
  metric: name.describe('A defined or built-in metric'),
  role: z.enum(['success', 'guardrail', 'diagnostic']),
  nonInferiorityMargin: margin.optional().describe('Guardrails only, and always'),
});

const analysis = z.strictObject({
  method: z.enum(ANALYSIS_METHODS).default('sequential'),
  alpha: z.number().gt(0).lt(0.5).default(0.05).describe('Bound on a false promotion'),
  power: z.number().gt(0).lt(1).default(0.8),
  minimumDetectableEffect: margin,
  plannedUnits: z
    .int({
      error: 'required: a whole number of units in both compared arms that the test is tuned for',
    })
    .min(2)
    .max(MAX_UNITS),
  minUnits: z.int().min(2).max(MAX_UNITS).default(100).describe('Matured units per arm'),
  minRuntime: duration.default('1d'),
  interval: duration
    .refine((text) => !isDuration(text) || parseDuration(text) >= MIN_INTERVAL_MS, {
      error: 'at least "1s"',
    })
    .default('60s'),
  maxRuntime: duration.default('14d'),
});

const step = z.strictObject({
  coverage: share,
  hold: z
    .strictObject({
      duration: duration.default('0s'),
      minUnits: z.int().min(0).max(MAX_UNITS).default(0),
      approval: z.boolean().default(false),
    })
    .default({ duration: '0s', minUnits: 0, approval: false }),
});

const DECISION_DEFAULTS = {
  onSuccess: 'promote',
  onDeterioration: 'rollback',
  onSampleRatioMismatch: 'hold',
  onNoData: 'hold',
  noDataGrace: '24h',
  onMaxRuntime: 'inconclusive',
  dryRun: false,
} as const;

const limit = z.number().gt(0).lt(1).nullable().optional();

const decision = z.strictObject({
  onSuccess: z.enum(['promote', 'recommend']).default(DECISION_DEFAULTS.onSuccess),
  onDeterioration: z.enum(['rollback', 'recommend']).default(DECISION_DEFAULTS.onDeterioration),
  onSampleRatioMismatch: z
    .enum(['hold', 'rollback'])
    .default(DECISION_DEFAULTS.onSampleRatioMismatch),
  onNoData: z.enum(['hold', 'rollback']).default(DECISION_DEFAULTS.onNoData),
  noDataGrace: duration.default(DECISION_DEFAULTS.noDataGrace),
  onMaxRuntime: z.literal('inconclusive').default(DECISION_DEFAULTS.onMaxRuntime),
  dryRun: z.boolean().default(DECISION_DEFAULTS.dryRun),
  limits: z
    .strictObject({
      errorRate: limit.describe('Default 0.25; null: none'),
      timeoutRate: limit.describe('Default 0.25; null: none'),
    })
    .optional()
    .describe('Shares that no variant may exceed, whatever the control does'),
});

const rollout = z.strictObject({
  steps: z.array(step).min(1).max(MAX_STEPS),
  bake: duration
    .optional()
    .describe('How long everything that a promotion needs must have held before it happens'),
  reverseHoldout: z
    .strictObject({ share: z.number().gte(0.01).lte(0.05) })
    .optional()
    .describe(
      'After the promotion this share stays on the old version, as the holdout of the model',
    ),
});

const mirror = z.strictObject({
  percent: z.number().gt(0).lte(100).default(100).describe('Of the units'),
  timeoutMs: z.int().min(1).max(MAX_MIRROR_TIMEOUT_MS).default(1_000),
  unsafeMethods: z
    .boolean()
    .default(false)
    .describe('True copies methods that may change something, too'),
  maxInFlight: z.int().min(1).max(MAX_MIRRORS_IN_FLIGHT).default(MAX_MIRRORS_IN_FLIGHT),
  maxBodyBytes: z.int().min(0).max(MAX_MIRROR_BODY_BYTES).default(MAX_MIRROR_BODY_BYTES),
});

const layer = z
  .union([name, z.strictObject({ name, share })])
  .nullable()
  .default(null)
  .describe('Experiments of one layer share no unit; {name, share} takes a share of its segments');

const hypothesis = z.string().trim().max(MAX_HYPOTHESIS);
const metrics = z.array(metric).min(1).max(MAX_METRICS);

/** What a canary that follows a shadow has of its own; everything else it takes from the shadow. */
const successor = z.strictObject({
  canary: z.strictObject({
    name: experimentName,
    hypothesis: hypothesis.optional(),
    rollout,
    layer: layer.optional(),
    metrics: metrics.optional(),
    analysis: analysis.optional(),
    decision: decision.optional(),
  }),
});

/** POST /api/v1/experiments. What is stored is exactly this with its defaults filled in. */
export const experimentSchema = z
  .strictObject({
    name: experimentName,
    model: name,
    kind: z.enum(['ab', 'canary', 'shadow', 'holdout']),
    hypothesis: hypothesis.default(''),
    variants: z
      .array(variant)
      .max(MAX_VARIANTS)
      .default([])
      .describe('`holdout`: none, its arms are the cohorts of the model'),
    coverage: share
      .default(1)
      .describe('`ab`: share of units enrolled. `canary`: the steps say it'),
    audience: audienceSchema,
    layer,
    metrics,
    analysis,
    rollout: rollout.optional().describe('`canary` only'),
    mirror: mirror.optional().describe('`shadow` only'),
    next: successor.optional().describe('`shadow` only: the canary that begins when it is ready'),
    period: duration
      .optional()
      .describe('`holdout` only: length of an entry period, default "30d"'),
    decision: decision.default(DECISION_DEFAULTS),
  })
  .superRefine((given, context) => {
    for (const { path, message } of [...crossFieldDefects(given), ...successorDefects(given)]) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });

export type ExperimentDefinition = z.infer<typeof experimentSchema>;

/** PATCH /api/v1/experiments/{id}: fields to replace as a whole; the result must be a valid experiment. */
export const experimentPatchSchema = z
  .record(z.string(), z.json())
  .refine((patch) => Object.keys(patch).length > 0, { error: 'at least one field to replace' })
  .describe(
    'Fields of an experiment; each replaces the present one as a whole, null takes it away',
  );

export type ExperimentPatch = z.infer<typeof experimentPatchSchema>;

/** GET /api/v1/experiments */
export const experimentFilterSchema = z.strictObject({
  model: name.optional(),
  status: z.enum(['draft', 'running', 'paused', 'completed', 'rolled_back', 'aborted']).optional(),
});

export type ExperimentFilter = z.infer<typeof experimentFilterSchema>;

/** Path parameter {id}: an id or a name. */
export const experimentRefSchema = name.describe('Id or name of an experiment');

/** Parses a definition that did not come straight through a route. Throws `invalid_input` naming each field. */
export function parseDefinition(value: Readonly<Record<string, unknown>>): ExperimentDefinition {
  const parsed = experimentSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SluiceError(
    'invalid_input',
    'the experiment is not valid',
    parsed.error.issues.map((issue) => ({
      field: `/${issue.path.join('/')}`,
      expected: issue.message,
    })),
  );
}

/** The canary that follows a shadow, whole; null when none does. Throws `invalid_input` when it does not fit. */
export function successorOf(definition: ExperimentDefinition): ExperimentDefinition | null {
  const { next } = definition;
  if (next === undefined) return null;
  return parseDefinition(completedCanary({ ...definition, next }));
}

/** A canary that would be refused when the shadow is ready is refused when the shadow is defined. */
export function successorDefects(given: PostedShadow): readonly CrossFieldDefect[] {
  const { next } = given;
  if (given.kind !== 'shadow' || next === undefined) return [];
  const parsed = experimentSchema.safeParse(completedCanary({ ...given, next }));
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => ({
    path: ['next', 'canary', ...path.map((part) => (typeof part === 'symbol' ? '' : part))],
    message,
  }));
}

interface PostedShadow extends Readonly<Record<string, unknown>> {
  readonly kind: string;
  readonly next?: { readonly canary: Readonly<Record<string, unknown>> } | undefined;
}

/** True for a UUID: what tells an id from a name in a path. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(text);
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false;
  }
}
