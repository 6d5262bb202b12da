import { z } from 'zod';
import { frozenDesignSchema, phaseSchema } from '../experiments/experiment-view.contract.js';
import type { Assessment, MetricAssessment, TestResult } from '../statistics/assessment.js';
import {
  armSummary,
  armUnits,
  holdoutSchema,
  intervalSchema,
  pairedSchema,
  pairFigures,
} from './report-parts.contract.js';
import type { ReportView } from './report.js';

const text = z.string();
const number = z.number();

const testResult = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('tested'),
      passed: z.boolean(),
      pValue: number,
      alpha: number,
      bound: number.nullable(),
      threshold: number,
      engine: z.enum(['confidence_sequence', 'e_process', 'group_sequential', 'fixed']),
    }),
    z.strictObject({
      kind: z.literal('insufficient'),
      reason: z.enum([
        'too_few_units',
        'too_few_events',
        'too_few_non_events',
        'too_skewed',
        'zero_variance',
        'zero_denominator',
        'too_little_information',
        'fixed_horizon_not_reached',
        'fixed_runtime_not_reached',
      ]),
      have: number,
      need: number,
    }),
  ])
  .meta({ id: 'TestResult' }) satisfies z.ZodType<TestResult>;

const adjustment = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cuped'), theta: number, varianceReduction: number }),
  z.strictObject({
    kind: z.literal('none'),
    reason: z.enum([
      'no_covariate',
      'ratio',
      'too_few_units_with_data',
      'constant_covariate',
      'no_units',
    ]),
  }),
]);

const metricAssessment = z
  .looseObject({
    metric: text,
    variant: text,
    role: z.enum(['success', 'guardrail', 'diagnostic']),
    direction: z.enum(['increase', 'decrease']),
    control: armSummary,
    treatment: armSummary,
    effect: number.nullable(),
    standardError: number.nullable(),
    interval: intervalSchema.nullable(),
    runningInterval: intervalSchema.nullable(),
    pValue: number.nullable(),
    runningPValue: number.nullable(),
    level: number,
    lift: z.strictObject({ lower: number, upper: number, estimate: number }).nullable(),
    adjustment,
    looks: z.array(
      z.strictObject({
        information: number,
        spent: number,
        criticalValue: number.nullable(),
        estimate: number,
        standardError: number,
        statistic: number,
      }),
    ),
    margin: number.nullable(),
    superiority: testResult.nullable(),
    nonInferiority: testResult.nullable(),
    deterioration: testResult.nullable(),
    pairs: pairFigures.exactOptional().describe('Shadows only'),
  })
  .meta({ id: 'MetricAssessment' }) satisfies z.ZodType<MetricAssessment>;

const assessment = z
  .looseObject({
    units: z.array(armUnits),
    metrics: z.array(metricAssessment),
    quality: z.looseObject({
      sampleRatio: z.strictObject({
        runningPValue: number,
        chiSquarePValue: number.nullable(),
        alpha: number,
        mismatch: z.boolean(),
        arms: z.array(armUnits.extend({ expected: number })),
      }),
      crossoverUnits: number,
      crossoverShare: number,
      crossoverAlarm: z.boolean(),
      carryOverUnits: number.exactOptional(),
      droppedEvents: number,
      caughtUp: z.boolean(),
    }),
    reading: z.enum(['test', 'not_a_test']),
    horizon: z
      .strictObject({
        reached: z.boolean(),
        haveUnits: number,
        needUnits: number,
        haveMs: number,
        needMs: number,
      })
      .nullable(),
    limits: z
      .array(
        z.looseObject({
          variant: text,
          kind: z.enum(['errorRate', 'timeoutRate']),
          metric: text,
          limit: number,
          units: number,
          failedUnits: number,
          share: number.nullable(),
          pValue: number,
          alpha: number,
          exceeded: z.boolean(),
        }),
      )
      .exactOptional(),
    paired: pairedSchema.exactOptional().describe('Shadows only'),
    holdout: holdoutSchema.exactOptional().describe('Holdouts only'),
  })
  .meta({ id: 'Assessment' }) satisfies z.ZodType<Assessment>;

/** What GET /api/v1/experiments/{experiment}/report answers; of the evidence, what people read. */
export const reportSchema = z
  .looseObject({
    experimentId: text,
    number,
    epoch: number,
    atMs: number,
    evidence: z.looseObject({
      experimentId: text,
      epoch: number,
      design: frozenDesignSchema,
      designHash: text,
      phases: z.array(phaseSchema),
      droppedEvents: number,
      caughtUp: z.boolean(),
      watermarkMs: number.nullable(),
    }),
    assessment,
    display: z.strictObject({
      bayesian: z.array(
        z.strictObject({
          metric: text,
          variant: text,
          lift: z.strictObject({ mean: number, lower: number, upper: number }),
          chanceToWin: number,
          expectedLoss: number,
          expectedLossOfControl: number,
          prior: z.strictObject({ mean: number, standardDeviation: number }),
        }),
      ),
    }),
  })
  .meta({ id: 'Report' }) satisfies z.ZodType<Pick<ReportView, 'number' | 'assessment'>>;

export const reportListSchema = z.strictObject({ reports: z.array(reportSchema) });

const insufficient = z.looseObject({
  kind: z.literal('insufficient'),
  reason: text,
  have: number,
  need: number,
});

/** What GET /api/v1/experiments/{experiment}/segments answers. */
export const segmentsViewSchema = z
  .looseObject({
    display: z.literal('diagnostic'),
    attribute: text,
    metric: text,
    epoch: number,
    segments: z.array(
      z.looseObject({
        segment: z.discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('value'), value: text }),
          z.strictObject({ kind: z.literal('other'), values: number }),
          z.looseObject({ kind: z.literal('missing') }),
        ]),
        sampleRatio: z.looseObject({
          chiSquarePValue: number.nullable(),
          arms: z.array(armUnits.extend({ expected: number })),
        }),
        arms: z.array(
          z.looseObject({
            variant: text,
            n: number,
            pending: number,
            value: number.nullable(),
            difference: z
              .union([
                z.looseObject({
                  kind: z.literal('estimated'),
                  estimate: number,
                  standardError: number,
                  interval: intervalSchema,
                  level: number,
                }),
                insufficient,
              ])
              .nullable(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Segments' });

/** What GET /api/v1/experiments/{experiment}/path answers. */
export const pathSchema = z
  .strictObject({
    points: z.array(
      z.strictObject({
        report: number,
        epoch: number,
        atMs: number,
        watermarkMs: number.nullable(),
        coverage: number.nullable(),
        metrics: z.array(
          z.strictObject({
            metric: text,
            variant: text,
            effect: number.nullable(),
            interval: intervalSchema.nullable(),
            runningInterval: intervalSchema.nullable(),
            runningPValue: number.nullable(),
            margin: number.nullable(),
            controlN: number,
            treatmentN: number,
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Path' });
