import { z } from 'zod';
import { parseDuration } from '../kernel/duration.js';
import { type Defect, SluiceError } from '../kernel/errors.js';
import { NAME_PATTERN } from '../kernel/names.js';
import { ANALYSIS_METHODS } from './experiment.js';
import { crossFieldDefects } from './experiment-rules.js';

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

const decision = z
  .strictObject({
    onSuccess: z.enum(['promote', 'recommend']).default(DECISION_DEFAULTS.onSuccess),
    onDeterioration: z.enum(['rollback', 'recommend']).default(DECISION_DEFAULTS.onDeterioration),
    onSampleRatioMismatch: z
      .enum(['hold', 'rollback'])
      .default(DECISION_DEFAULTS.onSampleRatioMismatch),
    onNoData: z.enum(['hold', 'rollback']).default(DECISION_DEFAULTS.onNoData),
    noDataGrace: duration.default(DECISION_DEFAULTS.noDataGrace),
    onMaxRuntime: z.literal('inconclusive').default(DECISION_DEFAULTS.onMaxRuntime),
    dryRun: z.boolean().default(DECISION_DEFAULTS.dryRun),
  })
  .default(DECISION_DEFAULTS);

/** POST /api/v1/experiments. What is stored is exactly this with its defaults filled in. */
export const experimentSchema = z
  .strictObject({
    name: experimentName,
    model: name,
    kind: z.enum(['ab', 'canary', 'shadow', 'holdout']).describe('shadow, holdout: not yet'),
    hypothesis: z.string().trim().max(MAX_HYPOTHESIS).default(''),
    variants: z.array(variant).min(2).max(MAX_VARIANTS),
    coverage: share
      .default(1)
      .describe('`ab`: share of units enrolled. `canary`: the steps say it'),
    audience: z.array(z.json()).max(100).default([]).describe('Not yet: only the empty list'),
    layer: name.nullable().default(null).describe('Not yet: only null'),
    metrics: z.array(metric).min(1).max(MAX_METRICS),
    analysis,
    rollout: z.strictObject({ steps: z.array(step).min(1).max(MAX_STEPS) }).optional(),
    mirror: z.json().optional().describe('Not yet'),
    decision,
  })
  .superRefine((given, context) => {
    for (const { path, message } of crossFieldDefects(given)) {
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

/** Throws `not_yet`, naming every part that is understood but cannot be run by this release. */
export function refuseNotYet(definition: ExperimentDefinition): void {
  const { kind, audience, layer, mirror } = definition;
  const defects: Defect[] = [];
  const refuse = (field: string, given: unknown, expected: string): void => {
    defects.push({ field, given, expected, advice: `${field} is not there yet` });
  };
  if (kind !== 'ab' && kind !== 'canary') refuse('/kind', kind, 'ab or canary');
  if (audience.length > 0) refuse('/audience', audience, 'the empty list: every unit');
  if (layer !== null) refuse('/layer', layer, 'null');
  if (mirror !== undefined) refuse('/mirror', mirror, 'nothing');
  if (defects.length === 0) return;
  const fields = defects.map(({ field }) => field).join(', ');
  throw new SluiceError('not_yet', `not there yet: ${fields}`, defects);
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
