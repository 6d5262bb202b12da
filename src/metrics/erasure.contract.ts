import { z } from 'zod';
import { NAME_PATTERN } from '../kernel/names.js';

/** Longer units are stored under their hash (events/unit-key.ts), which is then to be given. */
const MAX_UNIT_LENGTH = 512;

/** In the query, because a path holds no unit of any length with any characters. */
export const erasureQuery = z.strictObject({
  unit: z
    .string()
    .min(1)
    .max(MAX_UNIT_LENGTH, 'must be sha256: and the hex digest of a unit longer than this')
    .describe('The unit, as applications call it'),
  model: z
    .string()
    .regex(NAME_PATTERN, 'must be the name of a model')
    .optional()
    .describe('Only in this model; in all of them if absent'),
});

export type ErasureQuery = z.infer<typeof erasureQuery>;

/** Answer of DELETE /api/v1/units. */
export const erasureReportSchema = z.object({
  erased: z
    .object({
      exposures: z.int(),
      predictions: z.int(),
      mirrors: z.int(),
      outcomes: z.int(),
    })
    .describe('Rows that were removed'),
  leftExperiments: z
    .array(z.string())
    .describe('Running experiments whose sums the unit has left, as if it had never been enrolled'),
  keptSums: z
    .array(z.string())
    .describe('Ended experiments that hold no value of the unit any more; their sums stay'),
});
