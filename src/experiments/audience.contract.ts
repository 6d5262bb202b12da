import { z } from 'zod';
import { NAME_PATTERN } from '../kernel/names.js';
import type { Predicate } from '../routing/plan.js';
import { compareSemver, isSemver } from '../routing/semver.js';

/** Every request is held against all of them, so they are few and short. */
const MAX_PREDICATES = 20;
const MAX_VALUES = 100;
const MAX_VALUE_LENGTH = 256;

const text = z.string().max(MAX_VALUE_LENGTH);
const value = z.union([text, z.number(), z.boolean()]);
const version = z.string().refine(isSemver, { error: 'a semantic version such as 2.10.0' });

const range = z
  .strictObject({ from: z.number().optional(), to: z.number().optional() })
  .refine(({ from, to }) => from !== undefined || to !== undefined, {
    error: 'from, to or both',
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    error: 'from below to: the range is [from, to)',
  });

const versions = z
  .strictObject({ from: version.optional(), below: version.optional() })
  .refine(({ from, below }) => from !== undefined || below !== undefined, {
    error: 'from, below or both',
  })
  .refine(
    ({ from, below }) =>
      from === undefined || below === undefined || compareSemver(from, below) < 0,
    { error: 'from before below: the range is [from, below)' },
  );

const CONDITIONS = ['equals', 'in', 'range', 'prefix', 'semver'] as const;

const predicate = z
  .strictObject({
    attribute: z
      .string()
      .regex(NAME_PATTERN, { error: 'the name of an attribute of the model' })
      .describe('An attribute that the model is registered with'),
    equals: value.optional(),
    in: z.array(value).min(1).max(MAX_VALUES).optional(),
    range: range.optional().describe('Numbers in [from, to)'),
    prefix: text.min(1).optional(),
    semver: versions.optional().describe('Semantic versions in [from, below)'),
    not: z
      .literal(true)
      .optional()
      .describe('The condition must not hold; the attribute must be there'),
  })
  .refine((given) => CONDITIONS.filter((name) => given[name] !== undefined).length === 1, {
    error: `exactly one of ${CONDITIONS.join(', ')}`,
  });

/** Conditions on a request's attributes, all of which must hold. Closed and bounded: data, never code. */
export const audienceSchema = z.array(predicate).max(MAX_PREDICATES).default([]);

type PostedPredicate = z.infer<typeof predicate>;

/** A posted condition as gateways hold it. */
export function predicateOf(posted: PostedPredicate): Predicate {
  const { attribute, not } = posted;
  const base = { attribute, ...(not === true ? { negated: true as const } : {}) };
  if (posted.in !== undefined) return { ...base, kind: 'in', values: posted.in };
  if (posted.prefix !== undefined) return { ...base, kind: 'prefix', prefix: posted.prefix };
  if (posted.range !== undefined) {
    const { from = null, to = null } = posted.range;
    return { ...base, kind: 'range', from, to };
  }
  if (posted.semver !== undefined) {
    const { from = null, below = null } = posted.semver;
    return { ...base, kind: 'semver', from, below };
  }
  return { ...base, kind: 'equals', value: posted.equals ?? '' };
}
