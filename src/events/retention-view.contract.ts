import { z } from 'zod';

/** Answer of GET /api/v1/events/retention. */
export const retentionViewSchema = z.object({
  retentionDays: z.int().nullable().describe('SLUICE_RETENTION_DAYS; null: for ever'),
  keptFrom: z.string().nullable().describe('First day that is kept (UTC); null: all are'),
  heldBy: z
    .object({ experiment: z.string(), model: z.string(), neededFromMs: z.number() })
    .nullable()
    .describe('The running experiment that keeps older days than the setting says'),
  days: z.array(
    z.object({
      day: z.string(),
      bytes: z.number(),
      rows: z.number().describe('An estimate'),
      isDue: z.boolean().describe('Goes with the next upkeep'),
    }),
  ),
});
