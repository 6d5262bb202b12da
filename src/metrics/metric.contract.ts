import { z } from 'zod';
import { NAME_PATTERN } from '../kernel/names.js';

/** Names of outcomes and captured fields are the application's own words: any short printable text. */
const MAX_FOREIGN_NAME = 200;
const foreignName = z
  .string()
  .min(1)
  .max(MAX_FOREIGN_NAME)
  .regex(/^[^\p{Cc}]+$/u, 'must not contain control characters');

const aggregation = z.enum(['mean', 'sum', 'count', 'any']);

const label = z.strictObject({
  outcome: foreignName.describe('Name of the outcome that brings the truth for a request'),
  output: foreignName.describe('Name of the captured answer field that it is compared with'),
  loss: z.enum(['zero_one', 'log_loss', 'brier', 'absolute_error', 'squared_error']),
});

const source = z
  .strictObject({
    outcome: foreignName.optional(),
    prediction: foreignName
      .optional()
      .describe('latency_ms, error, timeout, fallback or the name of a captured field'),
    label: label.optional(),
  })
  .refine((given) => Object.values(given).filter((part) => part !== undefined).length === 1, {
    message: 'must name exactly one of outcome, prediction, label',
  });

const measure = z.strictObject({ source, aggregation: aggregation.optional() });

const span = z.string().max(20);
const level = z.number().gt(0).lt(1);

/** A cap of 0 or less would leave nothing of a total. */
const winsorize = z
  .strictObject({
    at: z.number().positive().optional().describe('Totals of a unit above this count as this'),
    percentile: level.optional().describe('Cap at this percentile of the time before the start'),
    lookback: span.optional().describe('That time; "14d" unless given'),
  })
  .refine(({ at, percentile }) => (at === undefined) !== (percentile === undefined), {
    message: 'must have either at or percentile',
  })
  .refine(({ at, lookback }) => at === undefined || lookback === undefined, {
    message: 'takes a lookback with percentile only',
  });

/** Body of PUT /api/v1/metrics/{metric}. */
export const metricBody = z.strictObject({
  kind: z.enum(['proportion', 'mean', 'ratio', 'quantile']),
  source,
  aggregation: aggregation.optional().describe('How the events of one unit become one number'),
  direction: z.enum(['increase', 'decrease']).describe('Which way is better'),
  window: span.optional().describe('From the first exposure, for example "7d"'),
  missing: z
    .enum(['zero', 'exclude'])
    .optional()
    .describe('A unit without events counts as 0, or is left out'),
  denominator: measure.optional(),
  threshold: z.number().optional().describe('proportion of predictions: an event is a value above'),
  winsorize: winsorize.optional(),
  covariate: z
    .strictObject({ lookback: span.describe('Time before the first exposure, for example "28d"') })
    .optional()
    .describe('Adjust for what the unit did before its first exposure (CUPED)'),
  quantile: level.optional().describe('kind quantile: its level, for example 0.95'),
});

export type MetricBody = z.infer<typeof metricBody>;
export type MeasureBody = z.infer<typeof measure>;

/** Path parameter {metric}. */
export const metricName = z
  .string()
  .regex(
    NAME_PATTERN,
    'must be lower-case letters, digits, ".", "_", "-", at most 63, starting with a letter or digit',
  );
