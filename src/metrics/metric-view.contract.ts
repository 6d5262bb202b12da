import { z } from 'zod';
import type { Measure, MetricDefinition, PredictionMeasure } from './metric.js';

const LOSSES = ['zero_one', 'log_loss', 'brier', 'absolute_error', 'squared_error'] as const;

const measure = z
  .strictObject({
    source: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('outcome'), outcome: z.string() }),
      z.strictObject({
        kind: z.literal('prediction'),
        measure: z.custom<PredictionMeasure>().meta({ type: 'string' }),
      }),
      z.strictObject({
        kind: z.literal('label'),
        outcome: z.string(),
        output: z.string(),
        loss: z.enum(LOSSES),
      }),
    ]),
    aggregation: z.enum(['mean', 'sum', 'count', 'any']),
  })
  .meta({ id: 'Measure' }) satisfies z.ZodType<Measure>;

/** What GET /api/v1/metrics/{metric} answers. Designs frozen by earlier releases lack the options of later ones. */
export const metricDefinitionSchema = z
  .looseObject({
    name: z.string(),
    kind: z.enum(['proportion', 'mean', 'ratio', 'quantile']),
    numerator: measure,
    denominator: measure.nullable(),
    direction: z.enum(['increase', 'decrease']).describe('Which way is better'),
    windowMs: z.number().nullable(),
    missing: z.enum(['zero', 'exclude']),
    winsorizeAt: z.number().nullable(),
    winsorizePercentile: z
      .strictObject({ percentile: z.number(), lookbackMs: z.number() })
      .nullable(),
    threshold: z.number().nullable(),
    covariate: z.strictObject({ lookbackMs: z.number() }).nullable(),
    quantile: z.number().nullable(),
  })
  .meta({ id: 'Metric' }) satisfies z.ZodType<MetricDefinition>;

export const metricListSchema = z.strictObject({ metrics: z.array(metricDefinitionSchema) });
