import { z } from 'zod';

/** Reports carry their whole evidence; a page of them stays below a few megabytes. */
const MAX_REPORTS = 500;

export const reportsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_REPORTS).default(50),
});

export type ReportsQuery = z.infer<typeof reportsQuerySchema>;
