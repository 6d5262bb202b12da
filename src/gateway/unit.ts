import type { IncomingHttpHeaders } from 'node:http';
import { valueAt, type PointerTokens } from './json-pointer.js';
import type { LiveModel } from './live-plan.js';
import type { RequestBody } from './request-body.js';

/** What a unit can be taken from. */
export interface UnitInput {
  readonly headers: IncomingHttpHeaders;
  /** Path and query after the model's name. */
  readonly rest: string;
  readonly body: RequestBody;
  readonly requestId: string;
}

/** The unit of a request, from where the model says; null when the request carries none (empty counts as none). */
export function unitOf(model: LiveModel, input: UnitInput): string | null {
  const source = model.plan.unit;
  if ('header' in source) return text(utf8(headerText(input.headers[source.header.toLowerCase()])));
  if ('cookie' in source) return text(cookie(utf8(input.headers.cookie ?? ''), source.cookie));
  if ('query' in source) return text(query(input.rest, source.query));
  if ('pointer' in source) return pointed(input.body, model.unitPointer ?? []);
  return input.requestId;
}

function text(value: string | null): string | null {
  const trimmed = value?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/** Node reads header bytes as Latin-1; callers write UTF-8, and one user must be one unit wherever it comes from. */
function utf8(value: string): string {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 0x7f) return Buffer.from(value, 'latin1').toString('utf8');
  }
  return value;
}

function cookie(header: string, name: string): string | null {
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    const bare = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    try {
      return decodeURIComponent(bare);
    } catch {
      return bare;
    }
  }
  return null;
}

function query(rest: string, name: string): string | null {
  const start = rest.indexOf('?');
  return start < 0 ? null : new URLSearchParams(rest.slice(start + 1)).get(name);
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
