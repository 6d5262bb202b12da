import { assertNever } from '../kernel/assert.js';
import type { AttributeValue, ModelPlan, Predicate } from './plan.js';
import { compareSemver, isSemver } from './semver.js';

/** An attribute of a request by name, read only when a predicate asks for it; undefined: the request has none. */
export type AttributeReader = (name: string) => AttributeValue | undefined;

/** For requests of which no attribute is known. */
export const NO_ATTRIBUTES: AttributeReader = () => undefined;

/** Longer texts are no numbers. */
const MAX_NUMBER_LENGTH = 64;
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** What came of one predicate; `unknown`: the request lacks the attribute, or it is of a type that cannot be asked. */
export type PredicateResult = 'holds' | 'fails' | 'unknown';

/** Whether every predicate of an audience holds. */
export function isInAudience(audience: readonly Predicate[], read: AttributeReader): boolean {
  for (const predicate of audience) {
    if (askPredicate(predicate, read(predicate.attribute)) !== 'holds') return false;
  }
  return true;
}

/** Whether some experiment of a model has an audience, so that attributes may be asked for at all. */
export function hasAudience({ experiments }: Pick<ModelPlan, 'experiments'>): boolean {
  return experiments.some(({ audience }) => audience !== undefined && audience.length > 0);
}

/**
 * One predicate about the value of its attribute. What is not known fails a negated predicate as well: a range asks
 * numbers only (and texts that spell one, as headers do), a prefix texts only, semver semantic versions only.
 *
 * `equals` and `in` compare numbers and booleans with texts that spell them, because headers and queries know no
 * other type; texts with texts only, code point by code point.
 */
export function askPredicate(
  predicate: Predicate,
  value: AttributeValue | undefined,
): PredicateResult {
  if (value === undefined) return 'unknown';
  const plain = ask(predicate, value);
  if (plain === null) return 'unknown';
  return plain === (predicate.negated !== true) ? 'holds' : 'fails';
}

function ask(predicate: Predicate, value: AttributeValue): boolean | null {
  switch (predicate.kind) {
    case 'equals':
      return isSame(predicate.value, value);
    case 'in':
      return isOneOf(predicate.values, value);
    case 'range': {
      const number = numberOf(value);
      if (number === null) return null;
      return (
        (predicate.from === null || number >= predicate.from) &&
        (predicate.to === null || number < predicate.to)
      );
    }
    case 'prefix':
      return typeof value === 'string' ? value.startsWith(predicate.prefix) : null;
    case 'semver': {
      if (typeof value !== 'string' || !isSemver(value)) return null;
      const { from, below } = predicate;
      return (
        (from === null || compareSemver(value, from) >= 0) &&
        (below === null || compareSemver(value, below) < 0)
      );
    }
    default:
      return assertNever(predicate);
  }
}

function isOneOf(wanted: readonly AttributeValue[], value: AttributeValue): boolean {
  for (const one of wanted) if (isSame(one, value)) return true;
  return false;
}

function isSame(wanted: AttributeValue, value: AttributeValue): boolean {
  if (wanted === value) return true;
  if (typeof value !== 'string' || typeof wanted === 'string') return false;
  return typeof wanted === 'boolean' ? String(wanted) === value : numberOf(value) === wanted;
}

function numberOf(value: AttributeValue): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.length > MAX_NUMBER_LENGTH || !NUMBER.test(value)) {
    return null;
  }
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}
