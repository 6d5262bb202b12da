import { z } from 'zod';
import { NAME_PATTERN } from '../kernel/names.js';

const count = z.number();

/** Minutes, so that a page of a busy model stays a matter of milliseconds. */
const MAX_MINUTES = 24 * 60;

/** GET /api/v1/traffic */
export const trafficQuerySchema = z.strictObject({
  minutes: z.coerce.number().int().min(1).max(MAX_MINUTES).default(15),
});

export type TrafficQuery = z.infer<typeof trafficQuerySchema>;

/** GET /api/v1/models/{model}/traffic */
export const seriesQuerySchema = z.strictObject({
  minutes: z.coerce.number().int().min(1).max(MAX_MINUTES).default(60),
  points: z.coerce.number().int().min(1).max(240).default(60).describe('Stretches of equal length'),
});

export type SeriesQuery = z.infer<typeof seriesQuerySchema>;

export const modelNameSchema = z.string().regex(NAME_PATTERN, { error: 'the name of a model' });

export const experimentIdSchema = z.uuid().describe('Id of an experiment');

const served = {
  version: z.string(),
  requests: count,
  errors: count,
  timeouts: count,
  fallbacks: count.describe('Answered by the fallback version'),
  latencyMs: z.strictObject({ p50: z.number(), p95: z.number() }).nullable(),
};

const health = z
  .enum(['ok', 'failing', 'down', 'quiet'])
  .describe('`failing`: 5 % of the requests fail; `down`: half of them; `quiet`: there are none');

/** The stretch that the figures are about; it begins later than asked when there were too many requests. */
const stretch = {
  fromMs: z.number(),
  toMs: z.number(),
  complete: z.boolean().describe('False: only the newest requests were read'),
};

export const trafficSchema = z
  .strictObject({
    ...stretch,
    models: z.array(
      z.strictObject({
        model: z.string(),
        requests: count,
        health,
        versions: z.array(z.strictObject({ ...served, share: z.number(), health })),
      }),
    ),
  })
  .meta({ id: 'Traffic' });

export type TrafficView = z.infer<typeof trafficSchema>;

export const seriesSchema = z
  .strictObject({
    ...stretch,
    stretchMs: z.number(),
    points: z.array(z.strictObject({ ...served, atMs: z.number() })),
  })
  .meta({ id: 'TrafficSeries' });

export type SeriesView = z.infer<typeof seriesSchema>;

export const servedSchema = z
  .strictObject({
    requests: count,
    complete: z.boolean(),
    cells: z.array(
      z.strictObject({
        variant: z.string(),
        assigned: z.string(),
        served: z.string(),
        requests: count,
        errors: count,
      }),
    ),
  })
  .meta({ id: 'Served' });

export type ServedView = z.infer<typeof servedSchema>;
