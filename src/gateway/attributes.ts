import { hasAudience, NO_ATTRIBUTES, type AttributeReader } from '../routing/audience.js';
import type { AttributeSource, AttributeValue, ModelPlan } from '../routing/plan.js';
import { pointerTokens, valueAt, type PointerTokens } from './json-pointer.js';
import { headerValue, queryValue, type RequestFields } from './request-fields.js';

/** Longer texts are taken as absent: no condition is about them, and conditions run for every request. */
const MAX_TEXT_LENGTH = 1_024;

/** Attributes of a model by name, pointers split; null when no audience can ask for one. */
export type LiveAttributes = ReadonlyMap<string, LiveAttribute> | null;

type LiveAttribute =
  Exclude<AttributeSource, { readonly pointer: string }> | { readonly tokens: PointerTokens };

/** Prepares a model's attributes for the hot path. */
export function prepareAttributes(plan: ModelPlan): LiveAttributes {
  const { attributes } = plan;
  if (attributes === undefined || !hasAudience(plan)) return null;
  return new Map(
    Object.entries(attributes).map(([name, source]): [string, LiveAttribute] => [
      name,
      'pointer' in source ? { tokens: pointerTokens(source.pointer) } : source,
    ]),
  );
}

/**
 * Reads attributes of a request when an audience asks for them; the body is parsed only for a pointer. Texts of headers and queries are trimmed; empty ones count as absent.
 */
export function attributesOf(attributes: LiveAttributes, input: RequestFields): AttributeReader {
  if (attributes === null) return NO_ATTRIBUTES;
  return (name) => {
    const source = attributes.get(name);
    if (source === undefined) return undefined;
    if ('tokens' in source) return scalar(valueAt(input.body.json(), source.tokens));
    const text =
      'header' in source
        ? headerValue(input.headers, source.header)
        : queryValue(input.rest, source.query);
    return scalar(text?.trim());
  };
}

function scalar(value: unknown): AttributeValue | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT_LENGTH) return undefined;
  return value;
}
