import { z } from 'zod';
import { metricDefinitionSchema } from '../metrics/metric-view.contract.js';
import { ANALYSIS_METHODS, type FrozenDesign, type Phase } from './experiment.js';
import type { ExperimentView } from './experiment-view.js';

const EXPERIMENT_KINDS = ['ab', 'canary', 'shadow', 'holdout'] as const;

const text = z.string();
const number = z.number();

const margin = z
  .union([z.strictObject({ absolute: number }), z.strictObject({ relative: number })])
  .meta({ id: 'Margin' });

/** One stretch of constant coverage. */
export const phaseSchema = z
  .looseObject({
    phase: number,
    coverage: number,
    startedAtMs: number,
    shares: z.record(text, number),
  })
  .meta({ id: 'Phase' }) satisfies z.ZodType<Phase>;

/** Everything that gives the evidence its meaning, as it was frozen at the start. */
export const frozenDesignSchema = z
  .looseObject({
    kind: z.enum(EXPERIMENT_KINDS),
    model: text,
    hypothesis: text,
    unitIsRequest: z.boolean(),
    variants: z.array(
      z.looseObject({ name: text, version: text, control: z.boolean(), weight: number }),
    ),
    coverage: number,
    metrics: z.array(
      z.looseObject({
        definition: metricDefinitionSchema,
        role: z.enum(['success', 'guardrail', 'diagnostic']),
        nonInferiorityMargin: margin.nullable(),
      }),
    ),
    analysis: z.looseObject({
      method: z.enum(ANALYSIS_METHODS),
      alpha: number,
      power: number,
      minimumDetectableEffect: margin,
      plannedUnits: number,
      minUnits: number,
      minRuntimeMs: number,
      intervalMs: number,
      maxRuntimeMs: number,
    }),
    steps: z.array(
      z.looseObject({
        coverage: number,
        hold: z.looseObject({ durationMs: number, minUnits: number, approval: z.boolean() }),
      }),
    ),
    decision: z.looseObject({
      onSuccess: z.enum(['promote', 'recommend']),
      onDeterioration: z.enum(['rollback', 'recommend']),
      onSampleRatioMismatch: z.enum(['hold', 'rollback']),
      onNoData: z.enum(['hold', 'rollback']),
      noDataGraceMs: number,
      onMaxRuntime: z.literal('inconclusive'),
      dryRun: z.boolean(),
    }),
    layer: z.looseObject({ name: text, share: number }).exactOptional(),
    bakeMs: number.exactOptional(),
    reverseHoldout: z.looseObject({ share: number }).exactOptional(),
    limits: z
      .looseObject({ errorRate: number.nullable(), timeoutRate: number.nullable() })
      .exactOptional(),
    periodMs: number.exactOptional(),
  })
  .meta({ id: 'Design' }) satisfies z.ZodType<FrozenDesign>;

/** What GET /api/v1/experiments/{id} answers. */
export const experimentViewSchema = z
  .looseObject({
    id: text,
    name: text,
    model: text,
    kind: z.enum(EXPERIMENT_KINDS),
    status: z.enum(['draft', 'running', 'paused', 'completed', 'rolled_back', 'aborted']),
    definition: z.unknown().describe('As it was posted, with defaults filled in'),
    design: frozenDesignSchema.nullable().describe('Null while draft'),
    designHash: text.nullable(),
    epoch: number,
    salt: text,
    revision: number,
    rollout: z
      .looseObject({
        step: number,
        stepStartedAtMs: number,
        approvedStep: number.nullable(),
        phases: z.array(phaseSchema),
        closed: z.array(text).exactOptional().describe('Arms that were closed'),
        bakingSinceMs: number.exactOptional(),
        champion: text.exactOptional(),
      })
      .nullable(),
    failedAnalyses: number,
    lastFailure: text.nullable(),
    parentId: text.nullable().describe('The experiment whose evidence it was started on'),
    createdAt: text,
    startedAt: text.nullable(),
    endedAt: text.nullable(),
  })
  .meta({ id: 'Experiment' }) satisfies z.ZodType<ExperimentView>;

export const experimentListSchema = z.strictObject({ experiments: z.array(experimentViewSchema) });
