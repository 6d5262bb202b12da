import { z } from 'zod';
import { experimentPatchSchema } from '../experiments/experiment.contract.js';
import { NAME_PATTERN } from '../kernel/names.js';

/** What a person may do to an experiment: POST /api/v1/experiments/{id}/{verb}. */
export const VERBS = [
  'start',
  'pause',
  'resume',
  'advance',
  'approve',
  'promote',
  'rollback',
  'abort',
] as const;

export type Verb = (typeof VERBS)[number];

/** Longer than any reason needs to be; it is stored for ever. */
const MAX_REASON_LENGTH = 1_000;

export const verbParamSchema = z.enum(VERBS);

export const verbBodySchema = z.strictObject({
  reason: z.string().trim().min(1).max(MAX_REASON_LENGTH),
  /** `promote` only: which variant; may be left out when there is only one besides the control. */
  variant: z.string().regex(NAME_PATTERN).optional(),
});

/** POST /api/v1/experiments/{id}/redesign: like PATCH of a draft, but it begins a new epoch. */
export const redesignBodySchema = z.strictObject({
  changes: experimentPatchSchema,
  reason: verbBodySchema.shape.reason,
});

export type RedesignBody = z.infer<typeof redesignBodySchema>;

/** More than this between two weights is not a weight. */
const MAX_WEIGHT = 1_000_000;

/** POST /api/v1/experiments/{id}/close: one arm of an `ab`. */
export const closeBodySchema = z.strictObject({
  variant: z.string().regex(NAME_PATTERN),
  reason: verbBodySchema.shape.reason,
});

export type CloseBody = z.infer<typeof closeBodySchema>;

/** POST /api/v1/experiments/{id}/weights: of the units that are not enrolled yet. */
export const weightsBodySchema = z.strictObject({
  weights: z
    .record(z.string().regex(NAME_PATTERN), z.number().positive().max(MAX_WEIGHT))
    .describe('One for the control and each open variant'),
  coverage: z.number().gt(0).lte(1).describe('Share of units enrolled, more than now'),
  reason: verbBodySchema.shape.reason,
});

export type WeightsBody = z.infer<typeof weightsBodySchema>;

export type VerbBody = z.infer<typeof verbBodySchema>;

/** A few dozen short values; they come in a URL. */
const MAX_ATTRIBUTES_LENGTH = 4_096;

const attributesSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** Attributes as an explanation is asked about them; null: the text is no such object. */
export function attributesOf(text: string): z.infer<typeof attributesSchema> | null {
  try {
    return attributesSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

export const assignmentQuerySchema = z.strictObject({
  unit: z.string().min(1).max(512),
  configVersion: z.coerce.number().int().min(1).optional(),
  attributes: z
    .string()
    .max(MAX_ATTRIBUTES_LENGTH)
    .refine((text) => attributesOf(text) !== null, {
      error: 'a JSON object of texts, numbers and booleans such as {"country":"IN"}',
    })
    .optional()
    .describe('What audiences ask for, as a JSON object; none if absent'),
});

export type AssignmentQuery = z.infer<typeof assignmentQuerySchema>;

export const decisionNumberSchema = z.coerce.number().int().min(1);
