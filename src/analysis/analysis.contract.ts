import { z } from 'zod';

/** Reports carry their whole evidence; a page of them stays below a few megabytes. */
const MAX_REPORTS = 500;

export const reportsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_REPORTS).default(50),
});

export type ReportsQuery = z.infer<typeof reportsQuerySchema>;

/** GET /api/v1/experiments/{experiment}/segments */
export const segmentsQuerySchema = z.strictObject({
  attribute: z.string().min(1).max(128).describe('Captured field of the request (capture.input)'),
  metric: z.string().min(1).max(128).describe('Metric of the experiment'),
});

export type SegmentsQuery = z.infer<typeof segmentsQuerySchema>;

/** GET /api/v1/experiments/{experiment}/path */
export const pathQuerySchema = z.strictObject({
  points: z.coerce.number().int().min(2).max(1_000).default(200).describe('Looks at most'),
});

export type PathQuery = z.infer<typeof pathQuerySchema>;
