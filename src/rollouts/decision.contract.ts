import { z } from 'zod';
import type { RuleOutcome } from './policy/policy.js';
import type { ReplayResult } from './replay.js';

const text = z.string();
const number = z.number();

const DECISION_KINDS = [
  'start',
  'promote',
  'rollback',
  'advance',
  'hold',
  'inconclusive',
  'error',
  'pause',
  'resume',
  'approve',
  'abort',
  'redesign',
  'close',
  'reweigh',
  'release',
] as const;

/** What one rule of the policy saw. */
export const ruleOutcomeSchema = z
  .looseObject({
    rule: z.enum([
      'analysis',
      'limits',
      'control_health',
      'deterioration',
      'sample_ratio',
      'crossover',
      'completeness',
      'no_data',
      'champion',
      'paused',
      'minimum_evidence',
      'step',
      'minimum_runtime',
      'non_inferiority',
      'superiority',
      'lift',
      'period',
      'final_verdict',
      'time_limit',
      'gate',
    ]),
    outcome: z.enum(['pass', 'hold', 'act']),
    text,
    numbers: z.record(text, z.union([number, text, z.boolean(), z.null()])),
  })
  .meta({ id: 'RuleOutcome' }) satisfies z.ZodType<RuleOutcome>;

/** One entry of an experiment's log. */
export const decisionSchema = z
  .looseObject({
    experimentId: text,
    number,
    kind: z.enum(DECISION_KINDS),
    automatic: z.boolean(),
    actor: text,
    summary: text,
    reasons: z.looseObject({
      code: text,
      variant: text.nullable().optional(),
      toStep: number.nullable().optional(),
      trace: z.array(ruleOutcomeSchema).optional().describe('Decisions of the policy'),
      changed: z.array(text).optional().describe('Redesigns'),
    }),
    inputs: z
      .record(text, z.unknown())
      .optional()
      .describe('Everything it was computed from; left out of the log with `inputs=false`'),
    policyVersion: text,
    reportNumber: number.nullable(),
    fromRevision: number,
    configVersion: number.nullable(),
    previousHash: text,
    hash: text,
    atMs: number,
  })
  .meta({ id: 'Decision' });

/** What GET /api/v1/experiments/{experiment}/decisions answers. */
export const decisionLogSchema = z
  .strictObject({
    decisions: z.array(decisionSchema),
    chain: z.strictObject({ intact: z.boolean(), firstBroken: number.nullable() }),
  })
  .meta({ id: 'DecisionLog' });

/** GET /api/v1/experiments/{experiment}/decisions */
export const decisionLogQuerySchema = z.strictObject({
  inputs: z
    .enum(['true', 'false'])
    .default('true')
    .transform((given) => given === 'true')
    .describe('Whether each decision comes with everything it was computed from'),
});

export type DecisionLogQuery = z.infer<typeof decisionLogQuerySchema>;

const told = z.strictObject({ kind: text, summary: text });

export const replaySchema = z
  .strictObject({
    identical: z.boolean(),
    hashFits: z.boolean(),
    stored: told,
    replayed: told.nullable().describe('Null for a decision of a person'),
    policy: z.strictObject({ stored: text, present: text }),
  })
  .meta({ id: 'Replay' }) satisfies z.ZodType<ReplayResult>;

/** GET /api/v1/decisions */
export const recentDecisionsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(20),
});

export type RecentDecisionsQuery = z.infer<typeof recentDecisionsQuerySchema>;

export const recentDecisionsSchema = z.strictObject({
  decisions: z.array(
    z
      .strictObject({
        experimentId: text,
        experiment: text.describe('Its name'),
        model: text,
        number,
        kind: z.enum(DECISION_KINDS),
        automatic: z.boolean(),
        actor: text,
        summary: text,
        atMs: number,
      })
      .meta({ id: 'RecentDecision' }),
  ),
});

export type RecentDecision = z.infer<typeof recentDecisionsSchema>['decisions'][number];

/** GET /api/v1/experiments/{experiment}/standing */
export const standingSchema = z
  .strictObject({
    status: text,
    atMs: number.describe("The database's clock"),
    nextAnalysisAtMs: number.nullable().describe('Null when nothing is due: draft or ended'),
    decision: z
      .strictObject({ kind: z.enum(DECISION_KINDS), code: text, summary: text })
      .nullable()
      .describe(
        'What the policy says of the newest report now, before gates are asked; null before one and after the end',
      ),
    checklist: z
      .array(ruleOutcomeSchema)
      .describe('Every rule on the way to promotion, in order, also those after the first hold'),
  })
  .meta({ id: 'Standing' });

export type Standing = z.infer<typeof standingSchema>;

/** GET /api/v1/changes: one message of the event stream. */
export const changesSchema = z
  .strictObject({
    configVersion: number,
    decisions: number.describe('How many decisions there are in all logs'),
    experiments: z
      .record(text, z.strictObject({ revision: number, report: number }))
      .describe('Running and paused experiments by id: revision and number of the newest report'),
  })
  .meta({ id: 'Changes' });

export type Changes = z.infer<typeof changesSchema>;
