import { z } from 'zod';
import { isUuidV7 } from '../kernel/ids.js';
import { NAME_PATTERN } from '../kernel/names.js';
import { storableText } from './unit-key.js';

/** One transaction's worth. */
export const MAX_UNITS_PER_BATCH = 10_000;
/** Longer ones are hashed (unit-key.ts); this only bounds the work. */
const MAX_UNIT_LENGTH = 8_192;

const unit = z
  .string()
  .min(1)
  .max(MAX_UNIT_LENGTH)
  // gateways trim what they read: one user must be one unit on both ways
  .refine((text) => text.trim() === text, 'must not begin or end with white space')
  // two units that are stored alike must not be assigned apart
  .refine((text) => storableText(text) === text, 'must not hold NUL or half a surrogate pair');

/** A model has at most 32 attributes; others are ignored, so a few more may come. */
const MAX_ATTRIBUTES = 64;
/** What a gateway would read from a request. */
const MAX_ATTRIBUTE_LENGTH = 1_024;

const attributes = z
  .record(
    z.string().regex(NAME_PATTERN, 'must be the name of an attribute'),
    z.union([z.string().max(MAX_ATTRIBUTE_LENGTH), z.number(), z.boolean()]),
  )
  .refine((given) => Object.keys(given).length <= MAX_ATTRIBUTES, {
    error: `at most ${MAX_ATTRIBUTES} attributes`,
  });

const unitWithAttributes = z.strictObject({
  unit,
  attributes: attributes.default({}).describe('What audiences ask for, by name'),
});

/** Body of POST /api/v1/assignments. */
export const assignmentBody = z.strictObject({
  model: z.string().regex(NAME_PATTERN, 'must be the name of a model'),
  units: z
    .array(z.union([unit, unitWithAttributes]))
    .min(1)
    .max(MAX_UNITS_PER_BATCH)
    .describe('Units, each as a text or as {unit, attributes}'),
  batchId: z
    .string()
    .refine(isUuidV7, 'must be a UUIDv7 in lower case')
    .optional()
    .describe(
      'A UUIDv7 that you make once per batch (its time: now) and send again with a retry, which then records nothing twice',
    ),
  at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('When the units are scored (RFC 3339), at most 7 days ago; now if absent'),
});

export type AssignmentBody = z.infer<typeof assignmentBody>;
