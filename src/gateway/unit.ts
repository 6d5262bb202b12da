import { valueAt, type PointerTokens } from './json-pointer.js';
import type { LiveModel } from './live-plan.js';
import type { RequestBody } from './request-body.js';
import { cookieValue, headerValue, queryValue, type RequestFields } from './request-fields.js';

/** What a unit can be taken from. */
export interface UnitInput extends RequestFields {
  readonly requestId: string;
}

/** The unit of a request, from where the model says; null when the request carries none (empty counts as none). */
export function unitOf(model: LiveModel, input: UnitInput): string | null {
  const source = model.plan.unit;
  if ('header' in source) return text(headerValue(input.headers, source.header.toLowerCase()));
  if ('cookie' in source) return text(cookieValue(input.headers, source.cookie));
  if ('query' in source) return text(queryValue(input.rest, source.query));
  if ('pointer' in source) return pointed(input.body, model.unitPointer ?? []);
  return input.requestId;
}

function text(value: string | null): string | null {
  const trimmed = value?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

/** Strings and numbers are units. A number beyond 2^53 is taken as it was written: rounding would merge units. */
function pointed(body: RequestBody, tokens: PointerTokens): string | null {
  const value = valueAt(body.json(), tokens);
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'number') return null;
  if (Number.isSafeInteger(value)) return String(value);
  const exact = valueAt(body.jsonWithExactNumbers(), tokens);
  return typeof exact === 'string' ? exact : null;
}
